"""The questions of a run: drawn from a seed, and drawn again from it, the same to a byte.

What they show and what stays with the judge is most of what a run would take on the disk, and all
of it follows from the course and one number. So a run that is kept has the number, and the SHA-256
of each file; what is drawn again is held against those.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from threading import Lock
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from assay.course import rubric
from assay.course.assignment import Assignment, Part
from assay.errors import CourseFault, OurFault, UsageError, quoted
from assay.evidence import packing
from assay.evidence.packing import SECONDS
from assay.records import Run

DRAWN = ("given/", "kept/")
"""How the names begin of what is drawn again, and not kept."""
SEED = "seed.txt"
"""What is kept in place of it."""

_one_at_a_time = Lock()
"""A course may draw from a generator that all threads share."""


class NotDrawn(OurFault):
    """What is drawn is not what was asked, or nothing can be drawn."""


class Question(Protocol):
    """What a rubric's `given.draw` returns for each question.

    `seconds`, where it has that, is how long the question may compute.
    """

    @property
    def shown(self) -> Mapping[str, Any]: ...
    @property
    def kept(self) -> Mapping[str, Any]: ...
    @property
    def answers(self) -> Mapping[str, tuple[int | None, ...]]: ...


def draw(assignment: Assignment, part: Part, run: Run, seed: int) -> dict[str, Question]:
    """Return the questions of a run by name, the same whenever they are drawn.

    One thread draws, as in a judge: how many share a product of matrices changes its last bits.

    Raises
    ------
    CourseFault
        If the rubric cannot draw them.
    """
    given = rubric.load(assignment, part, "given")
    try:
        with _one_at_a_time, threadpool_limits(limits=1):
            questions: dict[str, Question] = given.draw(
                np.random.default_rng(seed),
                dict(run.parameters),  # a draw may write in it
            )
    except (Exception, SystemExit) as error:
        found = rubric.in_words(error, assignment.root) or f"{type(error).__name__}: {error}"
        raise CourseFault(
            f"`{part.rubric.replace('/', '.')}.given` cannot draw the inputs of {run.id}",
            found=found,
            hint="does assignment.toml vary a value that the rubric does not know?",
        ) from error
    return questions


def as_files(questions: Mapping[str, Question]) -> dict[str, bytes]:
    """Return what the questions show, what stays with the judge, and what they promise."""
    given = {f"given/{name}.npz": _npz(question.shown) for name, question in questions.items()}
    kept = {f"kept/{name}.npz": _npz(question.kept) for name, question in questions.items()}
    shapes = {name: dict(question.answers) for name, question in questions.items()}
    largest = {name: bound for name in questions if (bound := _largest(questions[name]))}
    declared = {name: s for name, question in questions.items() if (s := _seconds(name, question))}
    promised = {"shapes.json": shapes} | ({"largest.json": largest} if largest else {})
    promised |= {SECONDS: declared} if declared else {}
    texts = {name: json.dumps(told, sort_keys=True) for name, told in promised.items()}
    return given | kept | {name: text.encode() for name, text in texts.items()}


def without(files: Mapping[str, bytes], seed: int | None) -> dict[str, bytes]:
    """Return what is kept of a run: the seed in place of the questions; all, if there is none."""
    if seed is None:
        return dict(files)
    held = {name: content for name, content in files.items() if not name.startswith(DRAWN)}
    return held | {SEED: f"{seed:032x}\n".encode()}


def whole(kept: Mapping[str, bytes], run: Run, course: Assignment) -> dict[str, bytes]:
    """Return all files of a run: its questions are drawn again, unless they are kept.

    Raises
    ------
    NotDrawn
        If what is drawn is not what was asked, byte for byte.
    """
    files = {name: content for name, content in kept.items() if name != SEED}
    if SEED not in kept:
        return files
    listed = packing.listed(kept.get(packing.MANIFEST, b"").decode("utf-8", "replace"))
    asked = {name: digest for name, digest in listed.items() if name.startswith(DRAWN)}
    drawn, why = _drawn(course, run, kept[SEED])
    now = {name: hashlib.sha256(content).hexdigest() for name, content in drawn.items()}
    if now != asked:
        other = sorted(
            name for name in now.keys() | asked.keys() if now.get(name) != asked.get(name)
        )
        raise NotDrawn(
            f"the questions of {run.id} cannot be drawn again as they were asked",
            found=why
            or f"{len(other)} of {len(asked)} files differ, the first is {quoted(other[0])}",
            hint="that takes the course and the numerics that they were drawn with; "
            "`assay grade --force` asks and judges anew",
        )
    return files | drawn


def _drawn(course: Assignment, run: Run, seed: bytes) -> tuple[dict[str, bytes], str]:
    """What is drawn of a seed; why nothing is."""
    part = next((part for part in course.part if part.name == run.part), None)
    if part is None:
        return {}, f"the course has no part {quoted(run.part)}"
    try:
        files = as_files(draw(course, part, run, int(seed, 16)))
    except (CourseFault, UsageError) as error:
        return {}, f"{error.what}: {error.found}"
    except ValueError:
        return {}, f"{quoted(SEED)} holds no seed"
    return {name: content for name, content in files.items() if name.startswith(DRAWN)}, ""


def _largest(question: Question) -> float | None:
    """Return the largest number of an honest answer, where the question says so."""
    return getattr(question, "largest", None)


def _seconds(name: str, question: Question) -> float | None:
    """How long a question may compute; None if the rubric leaves it to the assignment."""
    seconds: Any = getattr(question, "seconds", None)
    if seconds is None:
        return None
    if type(seconds) not in (int, float) or not 0 < seconds <= 3600:
        raise UsageError(
            f"the question {quoted(name)} has `seconds` of {seconds!r:.60}",
            hint="a number of seconds above 0 and up to 3600, or none at all",
        )
    return float(seconds)


def _npz(arrays: Mapping[str, Any]) -> bytes:
    """Return what `np.savez` writes of them: that takes none that is called `file`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in sorted(arrays.items()):  # a set of names has another order elsewhere
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
    return buffer.getvalue()
