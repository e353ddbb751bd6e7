"""Each mistake loses its own criterion and no other; what is right loses none."""

from pathlib import Path

import pytest

from assay import pipeline
from assay.assignment import Assignment, read
from assay.records import Result, Verdict
from assay.store import Store
from assay.submission import Submission
from tests.mistakes.cases import Case, short_submission
from tests.mistakes.part1 import CASES

ROOT = Path(__file__).parents[2]


def lost(result: Result) -> set[str]:
    """The criteria that lost marks."""
    return {c.name for c in result.criteria if c.earned is not None and c.earned < c.judged}


def one_run() -> Assignment:
    """The assignment with one seed and one data set: a mistake shows in every run."""
    assignment = read(ROOT / "assignment.toml")
    part = next(part for part in assignment.part if part.name == "part1")
    small = part.model_copy(update={"seeds": [0], "matrix": {"dataset": ["penguins"]}})
    return assignment.model_copy(update={"part": [small]})


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_a_mistake_loses_its_own_criterion(case: Case, store: Store, tmp_path: Path):
    """What the diff breaks is marked once, under its own name."""
    handed_in = Submission("mistaken", case.apply(short_submission(ROOT)))

    result = graded(handed_in, store, tmp_path)

    assert lost(result) == ({case.loses} if case.loses else set()), explain(result)
    assert all(c.verdict is not Verdict.NOT_JUDGED for c in result.criteria), explain(result)


def test_the_reference_loses_nothing(store: Store, tmp_path: Path):
    """The real notebook, with the whole `solution`, earns every point that can be judged."""
    result = graded(pipeline.read(ROOT), store, tmp_path)

    assert result.earned == result.judged_points > 0, explain(result)
    assert result.points_set_aside == 0


def test_the_short_notebook_loses_nothing(store: Store, tmp_path: Path):
    """Without a diff, the notebook that the diffs are made to earns every point too."""
    result = graded(Submission("short", short_submission(ROOT)), store, tmp_path)

    assert result.earned == result.judged_points > 0, explain(result)


def graded(handed_in: Submission, store: Store, reports: Path) -> Result:
    """The result of one run, made and judged for real."""
    road = pipeline.Road(one_run(), store, reports, workers=1)
    records = pipeline.run(road, road.jobs(handed_in), force=False, progress=lambda *_: None)
    return pipeline.judge(road, handed_in, records)


def explain(result: Result) -> str:
    """What was found, for whoever mends the rubric."""
    missed = [p for c in result.criteria for p in c.properties if p.verdict is not Verdict.PASSED]
    return "\n".join(f"{p.name}: {p.verdict}: {p.reason}" for p in missed)
