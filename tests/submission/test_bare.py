"""One notebook as a student hands it in: its own names, both parts in it, no parameters cell.

Judged by the reference rubric, once alone and once with the adapter of eight lines beside it.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from assay.course import assignment
from assay.evidence.answers import read_arrays
from assay.evidence.store import Store
from assay.grading import publish
from assay.records import Criterion, Result, Verdict
from assay.submission import submission
from tests.toys import toy as toys

ROOT = Path(__file__).parents[2]
BARE = Path(__file__).parent / "bare"


class Graded:
    """A submission that went the whole road."""

    def __init__(self, folder: Path, *names: str) -> None:
        handed_in = folder / "ada"
        handed_in.mkdir()
        for name in names:
            shutil.copy(BARE / name, handed_in)
        store = Store(folder / "store")
        session = toys.session(assignment.read(ROOT / "assignment.toml"), store, folder)
        ada = submission.read(handed_in, "ada")
        self.result: Result = session.grade(ada)
        records = self.result.runs
        self.page = publish.report(session, ada, self.result)
        self.files = {r.run.part: store.files(r.key) for r in records}

    @property
    def criteria(self) -> Mapping[str, Criterion]:
        return {f"{c.part}/{c.name}": c for c in self.result.criteria}

    def below_full(self) -> set[str]:
        """The criteria that were judged, and lost something."""
        judged = {n: c for n, c in self.criteria.items() if c.earned is not None and c.judged}
        return {name for name, c in judged.items() if c.earned < c.judged - 1e-9}  # type: ignore[operator]


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    return Graded(tmp_path_factory.mktemp("adapted"), "homework.ipynb", "adapter.py")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    return Graded(tmp_path_factory.mktemp("alone"), "homework.ipynb")


def test_the_adapter_has_eight_lines():
    """Anybody can write it."""
    assert len((BARE / "adapter.py").read_text().splitlines()) <= 8


def test_both_parts_are_graded_through_the_adapter(adapted: Graded):
    """All that was built is worth all its points; only what parameters would show is not.

    There is no drawing, but a text on the components and their dimensions: a person says what
    that is worth.
    """
    assert adapted.below_full() == {"part1/clean-run", "part2/clean-run"}
    assert adapted.criteria["part2/diagram"].verdict is Verdict.FOR_REVIEW
    assert adapted.result.earned > 0.95 * adapted.result.judged_points


@pytest.mark.parametrize("part", ["part1", "part2"])
def test_no_parameters_cost_one_property(adapted: Graded, part: str):
    """Run once, as it stands; the rest of the clean run holds."""
    properties = adapted.criteria[f"{part}/clean-run"].properties
    failed = [p for p in properties if p.verdict is Verdict.FAILED]

    assert [p.name for p in failed] == ["test_clean_run.test_parameters_are_honoured"]
    assert failed[0].reason == "not parameterised: run once, as it stands"
    assert [r.run.parameterised for r in adapted.result.runs] == [False, False]


def test_the_first_parts_names_survive_the_second(adapted: Graded):
    """`X_train` is 455 tumours there, although it ends as lists of digits."""
    first = read_arrays(adapted.files["part1"]["evidence/notebook/split.npz"])
    second = read_arrays(adapted.files["part2"]["evidence/data/train.npz"])

    assert first["X_train"].shape == (455, 30)
    assert second["inputs"].shape[0] == second["targets"].shape[0] == 4500


def test_without_an_adapter_what_can_be_found_is_judged(alone: Graded):
    """The split, the data's preparation and the model are there under the names asked for."""
    held = {
        name: [p.name for p in criterion.properties if p.held == p.judged > 0]
        for name, criterion in alone.criteria.items()
    }

    assert "test_split.test_both_parts_are_balanced_alike" in held["part1/split"]
    assert len(held["part1/preparation"]) == 4
    assert "test_from_scratch.test_the_model_holds_nothing_ready_made" in held["part2/from-scratch"]
    assert {"part2/model", "part1/preparation"}.isdisjoint(alone.below_full())


def test_without_an_adapter_what_is_missing_is_named(alone: Graded):
    """Not answered, with the name that was expected; never a crash, never our fault."""
    reasons = {p.reason for c in alone.result.criteria for p in c.properties}

    assert any("expected `ScratchNetwork`" in reason for reason in reasons)
    assert any("expected `attention`" in reason for reason in reasons)
    assert alone.result.unjudged_points == 0


def test_written_answers_belong_to_their_part(alone: Graded):
    """The second part's headings are no answers to the first, nor the other way round."""
    headings = {(answer.part, answer.heading) for answer in alone.result.written}

    assert ("part1", "Comparison") in headings
    assert ("part2", "Evaluation") in headings
    assert ("part2", "Comparison") not in headings


def test_the_page_says_how_it_was_run(alone: Graded):
    """Once, as it stands."""
    assert "part1: once, as it stands" in alone.page.read_text()
