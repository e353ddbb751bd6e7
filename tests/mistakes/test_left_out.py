"""What is left out for a mistake marked elsewhere is set aside, never passed: there is a limit."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assay.evidence.answers import NotAnswered
from assay.judge import statistics
from assay.records import Check, Verdict
from assay.rubric import ForReview, KnownMistake, Wrong, assert_differs, same
from rubric_tests.part1 import (
    choices,
    test_baseline,
    test_convergence,
    test_parity,
    test_split,
)
from rubric_tests.part1.judgement import check_same_split, models_of
from rubric_tests.reference import N_SPLITS
from tests.mistakes import shared
from tests.toys.toy import arrays, npz


def right() -> shared.Made:
    return shared.right("part1")


def run_with(**changed: dict[str, Any]) -> shared.Run:
    """A run of the reference with some arrays of some answers exchanged, by question."""
    shared.forget()
    made, files = right(), dict(right().files)
    for question, new in changed.items():
        name = f"evidence/{question}.npz"
        files[name] = npz(**(arrays(files[name]) | new))
    return shared.laid("part1", made.answering(files))


def answer(question: str, name: str) -> np.ndarray[Any, Any]:
    return arrays(right().files[f"evidence/{question}.npz"])[name]


def compare(differences: Any, threshold: float) -> Any:
    return statistics.compare(differences, threshold)


def nothing(*_: Any, **__: Any) -> None:
    """Keep no measurement."""


def test_parameters_that_are_left_out_pass_for_no_gain():
    """Run on one data set, which a straight line parts: what it does elsewhere is not known."""
    once = shared.Run(**vars(run_with()) | {"parameterised": False})

    with pytest.raises(pytest.skip.Exception, match="not asked"):
        test_parity.test_better_where_the_classes_are_not_linear([once], nothing, compare)


def test_a_claim_is_no_baseline():
    """Where the model answers nothing, what the notebook says of it earns nothing."""
    shared.forget()
    files = {n: c for n, c in right().files.items() if n != "evidence/notebook/baselines.npz"}
    note = {"status": "raised", "error": "ValueError: no", "traceback": "", "text": {}}
    files["evidence/notebook/baselines.json"] = json.dumps(note).encode()
    run = shared.laid("part1", right().answering(files))

    with pytest.raises(NotAnswered):
        test_baseline.test_the_baseline_does_what_a_logistic_regression_can(
            run, run.evidence, run.given, nothing
        )
    with pytest.raises(NotAnswered):
        test_baseline.test_the_baseline_is_fair_on_average([run], nothing)


SLIP = {"inputs/fit": {"X": np.zeros((24, 3))}}


def other_labels() -> dict[str, dict[str, Any]]:
    return {f"parity/{k}": {"labels": 1 - answer(f"parity/{k}", "labels")} for k in range(N_SPLITS)}


def test_a_slip_in_the_runs_that_fail_does_not_pass_for_good_work():
    """Parity fails in one of two runs, and there an input is written into: it is set aside."""
    good, bad = run_with(), run_with(**other_labels(), **SLIP)

    with pytest.raises(pytest.skip.Exception) as aside:
        test_parity.test_not_worse_than_logistic_regression([good, bad], nothing, compare)

    assert aside.value.cause == "inputs"


def test_without_the_slip_it_fails():
    """The same labels, and nothing that names a cause."""
    good, bad = run_with(), run_with(**other_labels())

    with pytest.raises(Wrong, match="labels"):
        test_parity.test_not_worse_than_logistic_regression([good, bad], nothing, compare)


def test_a_slip_in_a_run_that_holds_costs_nothing_here():
    """All runs hold, one of them in spite of the slip."""
    test_parity.test_not_worse_than_logistic_regression(
        [run_with(), run_with(**SLIP)], nothing, compare
    )


def test_a_seed_that_learnt_nothing_is_set_aside_for_convergence():
    """A curve that rises is no way out of the comparison of the seeds: there is a limit to it."""
    curve = answer("training/curve", "loss_curve")
    stuck, other = run_with(**{"training/curve": {"loss_curve": curve[::-1]}}), run_with()
    claim = SimpleNamespace(measure="above", at_most=0.25)

    with pytest.raises(pytest.skip.Exception) as aside:
        test_convergence.test_every_seed_converges_alike(stuck, [stuck, other], nothing, claim)

    assert aside.value.cause == "convergence"


@pytest.mark.parametrize("size", [1.0, 1e3])
def test_one_huge_number_makes_no_answers_alike(size: float):
    """The tolerance is that of most numbers, in whatever unit they are."""
    rng = np.random.default_rng(0)
    one, other = size * rng.normal(size=(2, 4, 5))
    one[0, 0] = other[0, 0] = 1e12

    assert not same(one, other)
    assert_differs(one, other, "they differ")
    assert same(one, one * (1 + 1e-8))


def test_a_line_that_ends_in_a_carriage_return_alone_is_a_line():
    """Python counts it as one; no cell of a notebook makes the judge stumble."""
    source = "a = 1\rb = '\x0b\x85\u2028'\r\nmodel.fit(X_train, y_test)\r"

    assert chosen([source]) == ("model.fit(X_train, y_test)", True)


def chosen(cells: Sequence[str]) -> tuple[str, bool] | None:
    seen = [SimpleNamespace(kind="code", source=source) for source in cells]
    return choices.chosen_on_test(SimpleNamespace(cells=seen, sources={}))


SCORE = "def score(s{more}):\n    net = Net(random_state=s).fit(X_train, y_train)\n"
SCORE += "    return np.mean(net.predict(X_test) == y_test)\n"
BEST = "best = 0\nfor s in range(9):\n    now = score(s)\n    if now > best:\n        best = now\n"


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ([SCORE.format(more=""), "s = max(range(9), key=score)"], "s = max(range(9), key=score)"),
        ([SCORE.format(more=""), BEST + "network_accuracy = best\n"], "if now > best:"),
        (
            [SCORE.format(more=""), BEST.replace("best = now", "best, kept = now, s")],
            "if now > best:",
        ),
        (
            [SCORE.format(more=""), "network_accuracy = max(score(s) for s in range(9))"],
            "network_accuracy = max(score(s) for s in range(9))",
        ),
        ([SCORE.format(more=""), "network_accuracy = np.mean([score(s) for s in (1, 2)])"], None),
        ([SCORE.format(more=""), "if score(1) > 0.9:\n    print('good')"], None),
        (
            [
                SCORE.format(more=", X_test, y_test"),
                "s = max(range(9), key=lambda s: score(s, X_val, y_val))",
            ],
            None,
        ),
    ],
)
def test_what_is_chosen_by_a_function_is_chosen(cells: list[str], line: str | None):
    """A function that fits and looks at the test rows gives scores; rows of its own are others."""
    assert chosen(cells) == (line and (line, True))


@pytest.mark.parametrize(
    ("key", "compares"),
    [
        ("lambda t: np.mean((p > t) == y_test)", True),
        ("lambda t: accuracy_score(y_test, p > t)", True),
        ("lambda t: np.mean((p > t) == y_val)", False),
        ("lambda i: (y_test[i], p[i])", False),
        ("lambda i: p[i] == y_test[i]", False),
        ("lambda i: abs(p[i] - y_test[i]) if p[i] > 0.5 else 0", False),
    ],
)
def test_what_is_compared_with_the_test_labels_is_for_a_person(key: str, compares: bool):
    """A threshold that is best on them is chosen by them; rows may be put in an order by theirs."""
    cell = f"best = max(range(9), key={key})"

    assert chosen([cell]) == ((cell, False) if compares else None)


BOTH = "def run(lr):\n    net = Net(lr).fit(X_train, y_train)\n"
BOTH += "    return accuracy(net, X_val, y_val), accuracy(net, X_test, y_test)\n"
RECORD = "def run(lr):\n    net = Net(lr).fit(X_train, y_train)\n"
RECORD += "    return dict(val=accuracy(net, X_val, y_val), test=accuracy(net, X_test, y_test))\n"
OWN = "def cv(lr):\n    X_fit, X_test, y_fit, y_test = train_test_split(X_train, y_train)\n"
OWN += "    return Net(lr).fit(X_fit, y_fit).score(X_test, y_test)\n"
SHOWN = "def show(lr):\n    net = Net(lr).fit(X_train, y_train)\n"
SHOWN += "    print(accuracy(net, X_test, y_test))\n    return accuracy(net, X_val, y_val)\n"
DRAWN = "def curve(lr):\n    net = Net(lr).fit(X_train, y_train)\n"
DRAWN += "    plt.scatter(*X_test.T, c=net.predict(X_test))\n    return net.loss_curve_\n"
PLOT = "def plot(lr):\n    net = Net(lr).fit(X_train, y_train)\n    plt.plot(net.loss_curve_)\n"
SCORED = "for k in model:\n    plt.plot(accs)\n    accs.append(model[k].score(X_test, y_test))\n"
SCORED += "print(np.argmax(accs))\n"
ACCURACY = "def accuracy(net):\n    return net.score(X_test, y_test)\n"
FITS = "for lr in rates:\n    net = Net(lr).fit(X_train, y_train)\n"


@pytest.mark.parametrize(
    "cells",
    [
        [BOTH, "for lr in rates:\n    val, test = run(lr)\n    if val > best:\n        best = val"],
        [BOTH, "results = [run(lr) for lr in rates]\nmax(results, key=lambda r: r[0])"],
        [RECORD, "max((run(lr) for lr in rates), key=lambda r: r['val'])"],
        [OWN, "means = [cv(lr) for lr in rates]\nrates[np.argmax(means)]"],
        [SHOWN, "max(rates, key=show)"],
        [DRAWN, "curves = [curve(lr) for lr in rates]\nmax(curves, key=len)"],
        [PLOT, SCORED],
        ["labels = np.argmax(net.predict_proba(X_test), axis=1)"],
        [FITS + "    p = net.predict_proba(X_test)\n    print((p.argmax(1) == y_test).mean())"],
        [FITS + "    print((np.argmax(net.predict_proba(X_test), -1) == y_test).mean())"],
        ["sorted(range(len(y_test)), key=lambda i: -abs(p[i] - y_test[i]))[:5]"],
        ["sorted(zip(X_test, errors), key=lambda pair: pair[1])[-1]"],
        ["sorted(labels, key=lambda c: recall(c, y_test, pred))"],
        ["sorted(range(20), key=lambda i: norm(X_test[i] - X_test.mean(0)))"],
        [ACCURACY.replace("X_test, y_test", "X_val, y_val"), "max(nets, key=accuracy)"],
        ["for name, model in models.items():\n    print(name, model.score(X_test, y_test))"],
        [FITS + "    val, test = net.score(X_val, y_val), net.score(X_test, y_test)\n"
         "    if val > best:\n        best, kept = val, net"],
        ["widest = max(X_test.columns, key=lambda column: X_test[column].std())"],
    ],
)  # fmt: skip
def test_what_is_only_shown_is_not_chosen(cells: list[str]):
    """Reported, printed or drawn test scores, rows of one's own by this name, labels of rows."""
    assert chosen(cells) is None


@pytest.mark.parametrize(
    "cells",
    [
        ["np.argmax([Net(lr).fit(X_train, y_train).score(X_test, y_test) for lr in rates])"],
        [FITS + "    accs.append(net.score(X_test, y_test))\nrates[np.argmax(accs)]"],
        [BOTH.replace("X_val, y_val", "X_test, y_test"), "max(rates, key=run)"],
        ["max(nets, key=lambda one: np.mean(one.predict(X_test) == y_test))"],
        ["sorted(nets, key=lambda one: one.score(X_test, y_test))[-1]"],
        [FITS + "    val, test = net.score(X_val, y_val), net.score(X_test, y_test)\n"
         "    if test > best:\n        best, kept = test, net"],
        [FITS + "    h['test'].append(net.score(X_test, y_test))\n"
         "lr = rates[np.argmax(h['test'])]"],
        [FITS + "    s[lr] = net.score(X_test, y_test)\nlr = max(s, key=s.get)\nnetwork = Net(lr)"],
        ["net.fit(X_train, y_test)"],
        ["fit(net, np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test]))"],
        ["network_accuracy = 0\n" + FITS + "    acc = net.score(X_test, y_test)\n"
         "    if acc > network_accuracy:\n        network_accuracy = acc"],
        [SCORE.format(more=""), BEST, "network_accuracy: float = best"],
        [SCORE.format(more=""), BEST.replace("best = now", "best = (now, s)")],
        [SCORE.format(more=""), BEST + "    else:\n        break\n"],
        [FITS + "    accs[lr] = net.score(X_test, y_test)\nlr = max(accs, key=lambda h: accs[h])"],
    ],
)  # fmt: skip
def test_the_best_of_scores_on_the_test_rows_is_chosen(cells: list[str]):
    """In one expression, from a list, or of several scores that are all of the test rows."""
    found = chosen(cells)

    assert found is not None
    assert found[1], found


@pytest.mark.parametrize(
    "cells",
    [
        [SCORE.format(more=""), BEST + "print(best)"],
        ["other.fit(X_train, y_train, eval_set=[(X_test, y_test)])"],
        ["other.fit(X_train, y_train, X_val=X_test, y_val=y_test)"],
        [FITS + "    val, test = net.score(X_val, y_val), net.score(X_test, y_test)\n"
         "    rows.append((lr, val, test))\nlr = max(rows, key=lambda r: r[1])[0]"],
        [FITS + "    rows.append({'lr': lr, 'val': net.score(X_val, y_val), 'test': "
         "net.score(X_test, y_test)})\nlr = max(rows, key=lambda r: r['val'])['lr']"],
        [FITS + "    rows.append((lr, net.score(X_test, y_test)))\nmax(rows, key=lambda r: r[1])"],
        ["net.fit(X_train, y_train, X_val=X_test, y_val=y_test)"],
        ["net.fit(X_train, y_train, X_test, y_test)"],
        [FITS + "    rows.append((lr, net.score(X_test, y_test)))\nmax(rows, key=itemgetter(1))"],
    ],
)  # fmt: skip
def test_what_a_score_is_looked_at_for_a_person_has_to_say(cells: list[str]):
    """A best number that is kept alone, a column of a table, test rows behind the training rows."""
    found = chosen(cells)

    assert found is not None
    assert not found[1], found


@pytest.mark.parametrize(
    ("name", "cut"), [("y_test", slice(-1)), ("X_train", slice(-1)), ("X_test", np.s_[:, :-1])]
)
def test_a_split_whose_parts_do_not_fit_is_wrong(name: str, cut: Any):
    """Rows without labels, or features that only one part has: told so, and nothing stumbles."""
    run = run_with(**{"notebook/split": {name: answer("notebook/split", name)[cut]}})

    with pytest.raises(Wrong, match=name):
        test_baseline.judged_accuracies(run.evidence)


@pytest.mark.parametrize("kind", ["baselines", "networks"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labels", np.zeros((1, 3))),
        ("refit_probabilities", np.zeros((0, 0))),
        ("labels_train", np.zeros((9, 9))),
        ("found", np.array(3)),
        ("found", np.array(-1)),
        ("found", np.array(0)),
    ],
)
def test_models_that_do_not_fit_the_split_are_wrong(kind: str, name: str, value: Any):
    """As many as they are said to be, each with an answer to every row: or told so."""
    run = run_with(**{f"notebook/{kind}": {name: value}})

    with pytest.raises(Wrong, match="models has shape"):
        models_of(run.evidence, kind)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"repeatable": [1.0]}, (KnownMistake, "the network was not fitted on")),
        ({"left": [0.2], "least": [0.1]}, None),
        ({"left": [0.195]}, (ForReview, "begin with different losses")),  # a step was of 0.001
        ({"left": [0.199], "before": [0.201]}, None),
        ({"left": [0.1]}, None),  # the best weights were kept
        ({"left": [0.3], "refit_left": [0.2]}, (KnownMistake, "the network was not fitted on")),
        ({"left": [0.3], "refit_left": [0.25]}, (ForReview, "begin with different losses")),
        ({"left": [-1.0], "refit_left": [-1.0]}, (ForReview, "begin with different losses")),
    ],
)
def test_where_two_fits_differ_the_loss_that_is_left_decides(changed: Any, said: Any):
    """A network whose start cannot be repeated ends with the loss of the rows it was fitted on."""
    ends = {"last": [0.2], "before": [0.2], "least": [0.1]}
    told = {"repeatable": [0.0], "loss": [0.7], "refit_loss": [0.8], "left": [0.3]} | ends
    told |= {f"refit_{end}": value for end, value in ends.items()} | {"refit_left": [0.2]}
    run = run_with(**{"notebook/networks": arrays_of(told | changed)})

    with nullcontext() if said is None else pytest.raises(said[0], match=said[1]):
        check_same_split(run.evidence, run.given)


def arrays_of(numbers: dict[str, list[float]]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.array(value) for name, value in numbers.items()}


def test_rows_of_a_few_features_are_those_of_the_data_set_each_once():
    """Scaled and in another order they are; a row in place of another one is found."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 4, size=(60, 5)).astype(float)
    X = rng.permutation(rows[:, [3, 1]]) * [0.3, -7.0] + [2.0, 1.0]
    X[:, 1] *= -1

    assert test_split.holds_every_row_once(X, rows)
    assert not test_split.holds_every_row_once(X[:-1], rows)
    other = np.flatnonzero((X[0] != X).any(axis=1))[0]
    X[other] = X[0]
    assert not test_split.holds_every_row_once(X, rows)


def test_no_split_at_all_is_no_other_split_for_another_seed():
    """That nothing bad was found counts only where there is something to look at."""
    files = {n: c for n, c in right().files.items() if not n.startswith("evidence/notebook/split")}
    shared.forget()
    run = shared.laid("part1", right().answering(files))

    with pytest.raises(NotAnswered):
        test_split.test_another_seed_splits_otherwise([run, run])


def test_features_that_no_regression_can_be_fitted_to_are_wrong():
    """Numbers so far apart that no step can be taken."""
    X = answer("notebook/split", "X_train")
    odd = {"X_train": np.full(X.shape, 1e17), "y_train": np.full(len(X), 1e11)}

    with pytest.raises(Wrong, match="no logistic regression"):
        test_baseline.judged_accuracies(run_with(**{"notebook/split": odd}).evidence)


def right2() -> shared.Made:
    return shared.right("part2")


def without(name: str, begin: str, form: str, source: str) -> Sequence[Check]:
    """What the tests of the layers say where the kernel's word is that `name` is not there."""
    files = dict(right2().files)
    files["evidence/model/form.json"] = note(status="answered", text={"form": form})
    for question in (q for q in files if q.startswith(f"evidence/{begin}") and q.endswith("json")):
        missing = f"expected `{name}` in the notebook or in the `solution` package beside it"
        files[question] = note(status="missing", error=missing, absent=name)
    tests = [
        test
        for test in shared.tests_of("part2")
        if test.name.startswith("test_layers.") and test.chosen["layer"] == begin
    ]
    shared.forget()
    run = shared.laid("part2", right2().answering(files))
    submission = SimpleNamespace(cells=[], sources={"layers.py": source}, files=[], unread=[])
    return [shared.check(test, run, submission) for test in tests]


def note(**values: Any) -> bytes:
    return json.dumps(values).encode()


@pytest.mark.parametrize(
    ("form", "source"),
    [
        ("source, target", ""),
        ("tokens", "class DecoderLayer:\n    pass\ndel DecoderLayer"),
        ("tokens", "def built():\n    class DecoderLayer:\n        pass"),
    ],
)
def test_a_layer_that_was_built_is_not_left_out(form: str, source: str):
    """What the sources define, or a model needs, does not go away by taking its name away."""
    checks = without("DecoderLayer", "decoder-layer", form, source)

    assert checks
    assert {check.verdict for check in checks} == {Verdict.NOT_ANSWERED}


def test_a_layer_that_was_not_built_is_not_asked():
    """An encoder by itself is allowed."""
    checks = without("DecoderLayer", "decoder-layer", "tokens", "class EncoderLayer:\n    pass")

    assert checks
    assert {check.verdict for check in checks} == {Verdict.NOT_ASKED}


def test_rows_of_few_values_are_alike_anyway():
    """Rows of two or three values meet in both parts by themselves; measured ones were copied."""
    rng = np.random.default_rng(7)
    few, measured = rng.integers(0, 3, size=(300, 3)).astype(float), rng.normal(size=(300, 3))
    twice = measured[rng.integers(0, 300, size=300)]

    def apart(X: np.ndarray) -> None:
        test_split.check_parts_are_apart(SimpleNamespace(X_train=X[:240], X_test=X[240:]), None)

    apart(measured)
    with pytest.raises(ForReview, match="cannot be told"):
        apart(few)
    for leak in (twice, np.vstack([measured[:240], measured[:60]])):
        with pytest.raises(KnownMistake, match="are in the training part too"):
            apart(leak)


@pytest.mark.parametrize(("off", "right"), [(0.02, True), (0.1, False)])
def test_a_curve_of_the_rows_kept_for_training_is_one_of_losses(off: float, right: bool):
    """Rows held back for a validation part are in `X_train`: the weights' loss there is another."""
    end = run_with().evidence["training/curve"].loss_curve[-1]
    curve = np.linspace(end + off + 0.05, end + off, 100)
    run = run_with(**{"training/curve": {"loss_curve": curve}})

    with nullcontext() if right else pytest.raises(Wrong, match="does not hold the losses"):
        test_convergence.check_end_of_curve(run.evidence, run.given)
