"""Put together all that one run needs, as bytes: what can change the evidence is in them."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NotRequired, Protocol, TypedDict

import numpy as np

from assay import rubric as library
from assay.course import rubric
from assay.course.secret import PUBLIC, Secret
from assay.errors import CourseFault, UsageError, quoted
from assay.evidence import keys, numerics, packing
from assay.execution.clock import SECONDS
from assay.records import Run, Scalar
from assay.sandbox import inside
from assay.source import imports
from assay.submission import notebook
from assay.submission.sections import Section
from assay.submission.submission import Submission
from assay.units import MIB

if TYPE_CHECKING:  # it can be imported in a sandbox alone
    from assay.sandbox.inside.boot import Trace

WORKDIR = ("given/", "kept/", "shapes.json", "largest.json", SECONDS)
"""How the names begin of all that is kept of the questions."""
OURS = {
    "support/ask.py": "ask.py",
    "support/switches.py": "switches.py",
    "support/commands/pip/__init__.py": "offline.py",
}
"""Our own files that enter the student's kernel."""
LIBRARY = Path(library.__file__).parent
"""What a rubric is written with; it enters if the exam, or what stands beside it, imports it."""
REFERENCE = "support/reference"
"""Stands there where the course's own answer is asked: the exam itself is on trial then."""


_one_at_a_time = Lock()
"""A course may draw from a generator that all threads share."""


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


def _largest(question: Question) -> float | None:
    """Return the largest number of an honest answer, where the question says so."""
    return getattr(question, "largest", None)


class RunData(TypedDict):
    """A `Run` as plain data; a notebook that takes no parameters has none here."""

    part: str
    parameters: dict[str, Scalar]
    parameterised: bool


class JobFile(TypedDict):
    """What job.json holds: what is run, and within which limits."""

    run: RunData
    notebook: str
    """Where in the submission it stands."""
    limits: dict[str, float]
    trace: "NotRequired[Trace]"
    """Of an audited run."""


@dataclass(frozen=True)
class Job:
    """One run, ready to be executed anywhere: `packed` goes there, `workdir` waits for the judge.

    It is put together when first asked for: `recipe` names all that it is made from.
    """

    run: Run
    recipe: str
    lay: Callable[[], dict[str, bytes]]
    """Makes all that goes there but the questions."""
    draw: Callable[[], "Mapping[str, Question]"]
    memory: int = 0
    """Bytes that one of its processes may hold."""
    drawn: Mapping[str, bytes] | None = None
    """The workdir of an earlier run: its very questions are asked again, and none are drawn."""

    @property
    def code(self) -> dict[str, bytes]:
        """What is known of it before its questions are drawn."""
        return self.lay()

    @property
    def packed(self) -> bytes:
        """Made anew each time: kept, it would be as many copies of a submission as it has runs."""
        given = {name: self.workdir[name] for name in self.workdir if name.startswith("given/")}
        given |= {name: self.workdir[name] for name in [SECONDS] if name in self.workdir}
        return packing.pack(self.code | given)

    @cached_property
    def workdir(self) -> dict[str, bytes]:
        if self.drawn is not None:
            return dict(self.drawn)
        questions = self.draw()
        given = {f"given/{name}.npz": _npz(question.shown) for name, question in questions.items()}
        kept = {f"kept/{name}.npz": _npz(question.kept) for name, question in questions.items()}
        shapes = {name: dict(question.answers) for name, question in questions.items()}
        largest = {name: bound for name in questions if (bound := _largest(questions[name]))}
        declared = {
            name: seconds for name, q in questions.items() if (seconds := _seconds(name, q))
        }
        promised = {"shapes.json": shapes} | ({"largest.json": largest} if largest else {})
        promised |= {SECONDS: declared} if declared else {}
        texts = {name: json.dumps(told, sort_keys=True) for name, told in promised.items()}
        return given | kept | {name: text.encode() for name, text in texts.items()}

    @cached_property
    def key(self) -> str:
        """Names everything that can change the evidence, the machine's numerics included."""
        profile = json.dumps(numerics.profile(), sort_keys=True).encode()
        digest = hashlib.sha256(self.packed)
        digest.update(packing.pack(self.workdir) + profile)
        return digest.hexdigest()


def assemble(section: Section, run: Run, secret: Secret = PUBLIC) -> Job:
    """Return the job of one run, with inputs drawn afresh for this submission and this run."""
    return assemble_all({section.part.name: section}, [run], secret)[0]


def assemble_all(sections: Mapping[str, Section], runs: Sequence[Run], secret: Secret) -> list[Job]:
    """Return the jobs of runs; the code that they rest on is hashed once for each part."""
    named = {run.part: sections[run.part] for run in runs}
    code = {name: keys.code(s.assignment, s.part) for name, s in named.items()}

    def job(run: Run) -> Job:
        section = sections[run.part]
        return Job(
            run,
            keys.of_run(section, run, code[run.part], secret),
            lambda: _lay_out(section, run),
            lambda: _draw(section, run, secret),
            round(section.assignment.limits.memory_mb) * MIB,
        )

    return [job(run) for run in runs]


def _lay_out(section: Section, run: Run) -> dict[str, bytes]:
    assert section.notebook, "the plan has a run only where there is a notebook"
    assignment, submission = section.assignment, section.submission
    job: JobFile = {
        "run": {
            "part": run.part,
            "parameters": run.parameters if run.parameterised else {},
            "parameterised": run.parameterised,
        },
        "notebook": section.notebook,
        "limits": assignment.limits.model_dump(),
    }
    files = {f"submission/{name}": content for name, content in _snapshot(submission).items()}
    files |= {
        "job.json": json.dumps(job, sort_keys=True).encode(),
        "notebook.ipynb": section.executed,
        **{name: (Path(inside.__file__).parent / ours).read_bytes() for name, ours in OURS.items()},
        "support/adapter.py": section.adapter.encode("utf-8", "replace"),
    }
    files |= {REFERENCE: b""} if submission.is_reference else {}
    return files | _exam(assignment.root / section.part.rubric)


def _snapshot(submission: Submission) -> dict[str, bytes]:
    """Return the files of a submission; its notebooks without what they once printed."""
    books = {name: notebook.dumps(submission.cells_in(name)) for name in submission.notebooks}
    return submission.files | books


def _exam(folder: Path) -> dict[str, bytes]:
    """The package `exam/` or the module `exam.py`; `fallback.py` if there is one."""
    package = folder / "exam"
    whole = (package / "__init__.py").exists()
    paths = sorted(package.rglob("*.py")) if whole else [folder / "exam.py"]
    paths += [path for path in [folder / "fallback.py"] if path.exists()]
    try:
        support = {
            f"support/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in paths
        }
    except OSError as error:
        raise CourseFault(
            f"the rubric `{folder}` has neither exam.py nor exam/__init__.py",
            found=str(error.strerror),
            hint="docs/rubric.md says what a rubric holds",
        ) from None
    sources = [content.decode(errors="replace") for content in support.values()]
    return support | (_library() if library.__name__ in imports.modules(sources) else {})


def _library() -> dict[str, bytes]:
    """For the support folder: `assay.rubric`, in a package that holds nothing else of assay."""
    files = {
        f"support/assay/rubric/{path.name}": path.read_bytes() for path in LIBRARY.glob("*.py")
    }
    return {"support/assay/__init__.py": b"", **files}


def _draw(section: Section, run: Run, secret: Secret) -> dict[str, Question]:
    """Inputs that no other submission and no other run has, yet the same when asked again.

    With a secret nobody else can draw them: the rest of the seed is known to the student.
    """
    assignment, part = section.assignment, section.part
    given = rubric.load(assignment, part, "given")
    described = run.model_dump_json(exclude_defaults=True)
    seed = secret.seed(f"{assignment.title}\n{section.submission.digest}\n{described}")
    try:
        with _one_at_a_time:
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
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
