"""The three questions."""

from ask import ask, student

with ask("scale") as (given, answer):
    answer.train, answer.test = student.scale(given.train, given.test)

with ask("fit") as (given, answer):
    answer.probability = student.fit(given.train, given.labels).predict_proba(given.test)

with ask("error") as (given, answer):
    model = student.fit(given.train, given.labels)
    answer.share = student.error(model, given.test, given.truth)
    answer.predicted = model.predict(given.test)
