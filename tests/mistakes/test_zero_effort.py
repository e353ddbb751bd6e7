"""No work, no marks: answers of the right shape with nothing in them pass no criterion."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from assay.evidence.store import Store
from assay.execution.job import Job
from assay.records import Result, RunRecord
from assay.submission.submission import Submission
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT, explain, one_part
from tests.toys import toy as toys
from tests.toys.toy import arrays, npz

MATRIX = {"part1": {"dataset": ["penguins"]}, "part2": {"task": ["reverse-5"]}}
BY_SOURCE = {"from-scratch", "clean-run", "diagram"}
"""These rest on the source, on how the cells ran, or on a picture: there the work was done."""
SHAPE = {"hidden-layer"}  # judged by the shapes of the weights alone
TRUE_OF_NOTHING = {"claims"}  # an accuracy of 0 is claimed, and 0 is measured
RIGHT_ALL_THE_SAME = {
    "zeros": SHAPE | TRUE_OF_NOTHING,
    "ones": SHAPE | TRUE_OF_NOTHING,
    "echo": SHAPE | TRUE_OF_NOTHING | {"tokenizer"},  # digits that come back as they were
    "drawn": SHAPE | {"start", "preparation"},  # random weights are a start, and of unit scale
    # rows, and every step, in the opposite order are as right
    "turned": SHAPE | {"start", "preparation", "split", "update", "data", "generation"},
}
MOST = {"part1": 0.5, "part2": 0.25}
"""Of the points, what constants may earn: many properties hold of any numbers of that shape."""

Given, Rng = dict[str, np.ndarray], np.random.Generator
Forge = Callable[[np.ndarray, Given, Rng], np.ndarray]


def zeros(answer: np.ndarray, given: Given, rng: Rng) -> np.ndarray:
    return np.zeros_like(answer)


def ones(answer: np.ndarray, given: Given, rng: Rng) -> np.ndarray:
    return np.ones_like(answer)


def drawn(answer: np.ndarray, given: Given, rng: Rng) -> np.ndarray:
    """Random, about as large as the right answer, and never the same twice."""
    noise = rng.normal(size=answer.shape) * (np.abs(answer).max(initial=0) + 1)
    return noise.astype(answer.dtype)


def echo(answer: np.ndarray, given: Given, rng: Rng) -> np.ndarray:
    """What was handed out, cut to the shape that is asked for."""
    numbers = np.concatenate([v.ravel() for v in given.values() if v.dtype.kind in "fiub"] or [[0]])
    return np.resize(numbers, answer.shape).astype(answer.dtype)


def turned(answer: np.ndarray, given: Given, rng: Rng) -> np.ndarray:
    """The right numbers in wrong places: every axis backwards."""
    return (
        np.flip(answer) if answer.size > 1 else -answer if answer.dtype.kind == "f" else 1 - answer
    )


@pytest.fixture(scope="session")
def forged(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Forge], Result]:
    """The part's right submission, run for real, and judged once with all of its answers forged."""
    return cache(lambda part, forge: judged(part, store, tmp_path_factory.mktemp(part), forge))


def judged(part: str, kept: Store, folder: Path, forge: Forge) -> Result:
    assignment = one_part(part, [0], MATRIX[part])
    handed_in = Submission("short", short_submission(ROOT, part))
    real = toys.session(assignment, kept, folder)
    real.execute("short", real.jobs(real.plan(handed_in)))
    session = toys.session(assignment, Store(folder / "store"), folder)

    def make(jobs: list[Job]) -> list[RunRecord]:
        (job,) = jobs
        record, files = kept.record(job.key), kept.files(job.key) | job.workdir
        rng = np.random.default_rng(1)  # luck can hit: seed 0 draws an accuracy that passes
        session.store.put(record, {name: _forged(name, files, forge, rng) for name in files})
        return [record]

    session.executor = toys.Runs(make)
    return session.grade(handed_in)


def _forged(name: str, files: dict[str, bytes], forge: Forge, rng: Rng) -> bytes:
    if not (name.startswith("evidence/") and name.endswith(".npz")):
        return files[name]
    given = arrays(files[name.replace("evidence/", "given/", 1)])
    return npz(**{key: forge(array, given, rng) for key, array in arrays(files[name]).items()})


CONSTANTS = [pytest.param(zeros), pytest.param(ones, marks=pytest.mark.thorough)]
OTHERS = [pytest.param(forge, marks=pytest.mark.thorough) for forge in (echo, drawn, turned)]


@pytest.mark.parametrize("part", MATRIX)
@pytest.mark.parametrize("forge", [*CONSTANTS, *OTHERS])
def test_empty_answers_pass_no_criterion(
    part: str, forge: Forge, forged: Callable[[str, Forge], Result]
):
    """If nothing was computed, no criterion that rests on numbers earns all of its points."""
    result = forged(part, forge)
    whole = {c.name for c in result.criteria if c.earned == c.points}

    assert whole <= BY_SOURCE | RIGHT_ALL_THE_SAME[forge.__name__], explain(result)


@pytest.mark.parametrize("part", MATRIX)
@pytest.mark.parametrize("forge", CONSTANTS)
def test_constants_earn_little(part: str, forge: Forge, forged: Callable[[str, Forge], Result]):
    """What is set aside is no way out: where it comes to too much, it is lost."""
    result = forged(part, forge)
    rest = [c for c in result.criteria if c.name not in BY_SOURCE and c.judged]
    share = sum(c.earned or 0 for c in rest) / sum(c.judged for c in rest)

    assert share < MOST[part], explain(result)
