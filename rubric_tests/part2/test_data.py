"""The pairs: right answers, and nothing in the test half that was trained on."""

import numpy as np
import pytest
from scipy import stats

from assay.rubric import ForReview, KnownMistake, Wrong, answered
from rubric_tests import clean_run
from rubric_tests.part2 import answers, tasks
from rubric_tests.part2.answers import rows

pytestmark = pytest.mark.criterion("data")

LOOKED_AT = 1000  # pairs of each half, which are sorted
FEW = 50
"""Sequences of which no share can be told, and from which no rule is learned."""


@pytest.mark.parametrize("half", ["train", "test"])
@pytest.mark.hint("work one pair out by hand")
def test_targets_are_right(evidence, run, half):
    """Every target is the right answer to its input."""
    pairs, task = evidence[f"data/{half}"], run.parameters["task"]
    some = answers.spread(min(len(pairs.inputs), len(pairs.targets)), LOOKED_AT)
    inputs, targets = (tasks.sequences(part[some]) for part in (pairs.inputs, pairs.targets))
    if not inputs or len(pairs.inputs) != len(pairs.targets):
        raise Wrong(f"{len(pairs.inputs)} inputs and {len(pairs.targets)} targets")

    with clean_run.after_parameters(run, evidence, "task"):
        for sequence, target in zip(inputs, targets, strict=True):
            if not task_has(task, sequence):
                raise Wrong(f"{sequence} is not a sequence of the task")
            if target != tasks.answer(task, sequence):
                raise Wrong(f"the target of {sequence} is {target}")


def task_has(task: str, sequence: list[int]) -> bool:
    """Whether the sequence is one of the task's: its digits and its length."""
    if task == "add-3":
        return len(sequence) == 7 and sequence[3] == tasks.PLUS and sequence.count(tasks.PLUS) == 1
    longest = tasks.TASKS[task].length
    shortest = 1 if task == "reverse-1-to-10" else longest
    return shortest <= len(sequence) <= longest and set(sequence) <= set(range(1, 10))


@pytest.mark.hint("draw the test sequences from what is left when the training ones are taken out")
def test_nothing_is_tested_that_was_trained_on(evidence):
    """No input of the test half is in the training half."""
    train, test = (rows(evidence[f"data/{half}"].inputs) for half in ("train", "test"))
    both = int(np.isin(test, train).sum())

    if both:
        raise KnownMistake("test sequences are in the training half", f"{both:,} of {len(test):,}")
    if handed := int(np.isin(test, what_train_was_handed(evidence, train, test)).sum()):
        raise KnownMistake(
            "`train` was handed test sequences", f"{handed:,} of {len(test):,}, targets and all"
        )


def test_the_halves_are_alike(evidence, given, kept):
    """Both halves are large enough to tell a share of, and neither is the easier one."""
    halves = {half: rows(evidence[f"data/{half}"].inputs) for half in ("train", "test")}
    for half, found in halves.items():
        if len(np.unique(found)) < FEW:
            raise ForReview(f"the {half} half has {len(np.unique(found))} different sequences")
    if not answered(evidence, "reversal/answers"):
        return
    marks = answers.each_once(answers.marked(evidence, given, kept))
    asked, right = rows(marks.asked), marks.exact
    learned, tested = (right[np.isin(asked, half)] for half in halves.values())
    if min(len(learned), len(tested)) < FEW or tested.mean() <= learned.mean() + 0.05:
        return
    table = [[half.sum(), len(half) - half.sum()] for half in (learned, tested)]
    if stats.fisher_exact(table).pvalue < 1e-6:
        raise Wrong(
            f"of the test half {tested.mean():.0%} are right, of the training half "
            f"{learned.mean():.0%}: the halves are not drawn alike"
        )


def what_train_was_handed(evidence, train, test):
    """The sequences, where they are those of the halves; encoded ones cannot be told apart."""
    if not answered(evidence, "data/handed"):
        return train[:0]
    handed = rows(evidence["data/handed"].inputs)
    known = np.isin(handed, np.concatenate([train, test]))
    return handed if known.mean() > 0.7 else train[:0]
