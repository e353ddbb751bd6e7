"""Two results are compared run by run: bit by bit, or within tolerance on other numerics."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.evidence.store import Store
from assay.provenance.compare import compare, in_words
from assay.records import Outcome, Result
from tests.toys import toy as toys


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """A run that was judged for real, with what a store would know of it."""
    root: Path = tmp_path_factory.mktemp("compare")
    with toys.course(root / "course") as course:
        session = toys.session(course, Store(root / "store"), root / "reports")
        session.executor = toys.Runs(
            lambda jobs: [
                toys.keep(session.store, j, toys.answered(out=[1.0, 2.0, 3.0])) for j in jobs
            ]
        )
        judged = session.grade(toys.submission(toys.ADD))
        yield changed(judged, fingerprint="ab", numerics={"numpy": "2.0"})


def changed(result: Result, **values: object) -> Result:
    runs = [run.model_copy(update=values) for run in result.runs]
    return result.model_copy(update={"runs": runs})


def measured(result: Result, value: float) -> Result:
    numbers = [m.model_copy(update={"value": value}) for m in result.measurements]
    return result.model_copy(update={"measurements": numbers})


def test_a_result_is_like_itself(result: Result):
    """Every run has the same bits."""
    found = compare(result, result)

    assert found.is_same
    assert in_words(found) == "the same, bit by bit; 1 of 1 runs have the same bits"


def test_other_bits_on_the_same_numerics_differ(result: Result):
    """However close the numbers are."""
    found = compare(result, changed(result, fingerprint="cd"))

    assert found.differences == ["sums/a/seed-0: recorded arrays differ"]


@pytest.mark.parametrize(("value", "alike"), [(3.2, True), (4.0, False)])
def test_other_numerics_are_compared_within_tolerance(result: Result, value: float, alike: bool):
    """Nothing is promised bit by bit across them; the verdict never says bitwise."""
    other = changed(measured(result, value), fingerprint="cd", numerics={"numpy": "2.1"})
    found = compare(result, other)

    assert found.is_same == alike
    assert found.verdict.startswith("within tolerance" if alike else "not within tolerance")
    assert "numpy 2.0 and 2.1" in found.verdict
    assert "bit by bit" not in found.verdict


def test_runs_of_one_alone_and_other_outcomes_are_named(result: Result):
    """Nothing is left out in silence."""
    short = result.model_copy(update={"runs": []})
    crashed = changed(result, outcome=Outcome.CRASHED)

    assert compare(result, short).differences == ["sums/a/seed-0: only in the first"]
    assert "sums/a/seed-0: completed and crashed" in compare(result, crashed).differences


def drawn_with(result: Result, digest: str) -> Result:
    assert result.receipt
    return result.model_copy(
        update={"receipt": result.receipt.model_copy(update={"secret": digest})}
    )


def test_questions_of_another_secret_are_compared_by_their_marks(result: Result):
    """Neither bits nor numbers are expected to be equal then, and the verdict says why."""
    here, there = drawn_with(result, "a" * 64), drawn_with(changed(result, fingerprint="cd"), "")
    found = compare(here, measured(there, 9.0))

    assert found.is_same
    assert found.verdict == (
        "the same marks; other questions were asked, drawn with secret aaaaaaaa and none, "
        "so no measurement is compared"
    )


def test_other_marks_are_told_whatever_was_asked(result: Result):
    """A lost point is a difference with any secret."""
    lost = [c.model_copy(update={"earned": 1.0}) for c in result.criteria]
    other = drawn_with(result.model_copy(update={"criteria": lost}), "b" * 64)
    found = compare(result, other)

    assert found.differences == ["sums/add: failed, 0 points and failed, 1 points"]
    assert found.verdict.startswith("other marks; other questions were asked")
