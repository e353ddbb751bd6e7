"""Part 2: each mistake loses its own criterion and no other; what is right loses none."""

from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.records import Result, Verdict
from assay.submission import submission
from assay.submission.submission import Submission
from tests.mistakes import kinds
from tests.mistakes.cases import Case, parameters, short_submission
from tests.mistakes.grading import ROOT, Note, excuses, explain, graded, lost, one_part, record
from tests.mistakes.kinds import borrowed, styles, training
from tests.mistakes.part2 import CASES, NO_MODEL, SEED_IGNORED, shows_in


def runs(
    handed_in: Submission,
    store: Store,
    reports: Path,
    seeds: tuple[int, ...] | None = (0,),
    task: str = "reverse-5",
) -> Result:
    """The first task alone: a mistake shows in every run."""
    assignment = one_part("part2", seeds, {"task": [task]})
    return graded(assignment, handed_in, store, reports)


ALL = [*CASES, *training.CASES, *borrowed.CASES]
ELSEWHERE = {case.loses for case in kinds.CASES}
"""The components have their first mistake below, and what is right has its own tests."""


@pytest.mark.parametrize("case", parameters(ALL, elsewhere=ELSEWHERE))
def test_a_mistake_loses_its_own_criterion(
    case: Case, store: Store, tmp_path: Path, record_property: Note
):
    """What the diff breaks is marked once, under its own name."""
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, "part2")))

    result = runs(handed_in, store, tmp_path, case.seeds, shows_in(case))
    record(record_property, result, case.name, case.loses)

    assert lost(result) == ({case.loses} if case.loses else set()), explain(result)
    assert excuses(result), explain(result)
    assert all(c.verdict is not Verdict.NOT_JUDGED for c in result.criteria), explain(result)


@pytest.mark.parametrize("case", parameters(kinds.CASES, elsewhere=[None]))
def test_a_mistake_of_a_kind_loses_its_own_criterion(
    case: Case, store: Store, tmp_path: Path, record_property: Note
):
    """The same for the components by kind, in a run that trains no second model."""
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, "part2")))

    result = runs(handed_in, store, tmp_path, task="sort-5")
    record(record_property, result, case.name, case.loses)

    assert lost(result) == ({case.loses} if case.loses else set()), explain(result)
    assert excuses(result), explain(result)
    assert all(c.verdict is not Verdict.NOT_JUDGED for c in result.criteria), explain(result)


@pytest.mark.thorough
def test_who_sees_the_past_alone_learns_no_new_task(store: Store, tmp_path: Path):
    """Most digits of the secret task are right, and none of its points are earned."""
    case = training.SEES_THE_PAST
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, "part2")))

    result = runs(handed_in, store, tmp_path)

    assert lost(result) == {"reversal", "secret-variant"}, explain(result)


@pytest.mark.parametrize("case", parameters(NO_MODEL))
def test_what_no_model_answers_loses_both_tasks(case: Case, store: Store, tmp_path: Path):
    """Neither what the notebook learned nor what nobody has seen: with other weights, or none, it
    would be answered just as well.
    """
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT, "part2")))

    result = runs(handed_in, store, tmp_path)

    assert lost(result) == {"reversal", "secret-variant"}, explain(result)


def test_an_ignored_seed_shows_in_two_runs(store: Store, tmp_path: Path, record_property: Note):
    """Two seeds that leave the same model cost the clean run, and nothing else."""
    handed_in = Submission("mistaken", SEED_IGNORED.apply(short_submission(ROOT, "part2")))

    result = runs(handed_in, store, tmp_path, seeds=(0, 1))
    record(record_property, result, SEED_IGNORED.name, SEED_IGNORED.loses)

    assert lost(result) == {SEED_IGNORED.loses}, explain(result)


def test_the_reference_loses_nothing(store: Store, tmp_path: Path, record_property: Note):
    """The real notebook, with the whole `solution`, earns every point that can be judged."""
    result = runs(submission.read(ROOT), store, tmp_path)
    record(record_property, result, "the reference", None)

    assert result.earned == result.judged_points > 0, explain(result)
    assert result.points_set_aside == result.points_not_asked == 0
    waiting = {c.name for c in result.criteria if c.verdict is Verdict.FOR_REVIEW}
    assert waiting == {"overview", "commentary"}, explain(result)


def test_a_decoder_by_itself_loses_nothing(store: Store, tmp_path: Path, record_property: Note):
    """Question, separator, answer in one causal model, and all of it in one bare notebook."""
    notebook = Path(__file__).parent / "short" / "decoder_only" / "part2_transformer.ipynb"

    result = runs(submission.read(notebook), store, tmp_path)
    record(record_property, result, "a decoder by itself", None)

    assert result.earned == result.judged_points > 65, explain(result)


@pytest.mark.parametrize("case", parameters(styles.RIGHT))
def test_another_style_loses_nothing(
    case: Case, store: Store, tmp_path: Path, record_property: Note
):
    """A whole submission in a style of its own earns every point that can be judged."""
    result = runs(Submission("styled", case.apply(styles.bare())), store, tmp_path)
    record(record_property, result, case.name, None)

    assert result.earned == result.judged_points > 55, explain(result)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("case", "waiting"), styles.FOR_REVIEW, ids=[case.name for case, _ in styles.FOR_REVIEW]
)
def test_what_outputs_do_not_tell_is_for_a_person(
    case: Case, waiting: set[str], store: Store, tmp_path: Path
):
    """It loses nothing, and the criteria that cannot be judged say so."""
    result = runs(Submission("styled", case.apply(styles.bare())), store, tmp_path)

    assert lost(result) == set(), explain(result)
    found = {c.name for c in result.criteria if c.verdict is Verdict.FOR_REVIEW}
    assert waiting <= found, explain(result)


@pytest.mark.thorough
@pytest.mark.parametrize("case", styles.MISTAKES, ids=lambda case: case.name)
def test_a_mistake_in_another_style_loses_its_own_criterion(
    case: Case, store: Store, tmp_path: Path, record_property: Note
):
    """Right pieces beside it are judged as they are."""
    handed_in = Submission("styled", case.apply(styles.bare()))

    result = runs(handed_in, store, tmp_path)
    record(record_property, result, case.name, case.loses)

    assert lost(result) == {case.loses}, explain(result)


def test_the_short_notebook_loses_nothing(store: Store, tmp_path: Path):
    """Without a diff, the notebook that the diffs are made to earns every point too."""
    result = runs(Submission("short", short_submission(ROOT, "part2")), store, tmp_path)

    assert result.earned == result.judged_points > 0, explain(result)
