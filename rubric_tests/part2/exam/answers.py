"""Answers of the notebook's model, free running."""

from ask import handed_out, student
from exam.asking import asked
from exam.sequences import (
    answer_with_equal_weights,
    as_many_as_planned,
    dropout_seen,
    lists,
    many_at_once,
    one_at_a_time,
    with_choices,
)


@asked("generation/again")
def _(given, answer):
    model, sequences = student.model.eval(), lists(given.sequences)
    with dropout_seen() as seen:
        answer.answers, answer.choices, answer.side_by_side = with_choices(model, sequences, given)
    answer.dropped = len(seen)
    answer.again = one_at_a_time(model, sequences, given.width)


@asked("generation/together")
def _(given, answer):
    """What they are alone, they were when they were asked again."""
    answer.together = many_at_once(student.model.eval(), lists(given.sequences), given.width)


if handed_out("positions/order"):

    @asked("positions/order")
    def _(given, answer):
        """The answers before anything was swapped are known."""
        answer.moved = one_at_a_time(student.model.eval(), lists(given.moved), given.width)


if handed_out("reversal/attention"):

    @asked("reversal/attention")
    def _(given, answer):
        answer_with_equal_weights(answer, student.model.eval(), given)


@asked("reversal/answers")
def _(given, answer):
    as_many_as_planned(answer, student.model.eval(), given)
