"""Put together all that one run needs, as bytes: what can change the evidence is in them."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from assay import rubric as library
from assay.course.secret import PUBLIC, Secret
from assay.errors import CourseFault
from assay.evidence import keys, numerics, packing, questions
from assay.evidence.packing import SECONDS
from assay.evidence.questions import Question
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
    draw: Callable[[], Mapping[str, Question]]
    memory: int = 0
    """Bytes that one of its processes may hold."""
    seed: int | None = None
    """What the questions can be drawn from again."""
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
        return questions.as_files(self.draw())

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
    code = {name: keys.shared_code(s.assignment, s.part) for name, s in named.items()}

    def job(run: Run) -> Job:
        section = sections[run.part]
        seed = _seed(section, run, secret)
        return Job(
            run=run,
            lay=lambda: _lay_out(section, run),
            recipe=keys.of_run(section, run, code[run.part], secret),
            draw=lambda: questions.draw(section.assignment, section.part, run, seed),
            memory=round(section.assignment.limits.memory_mb) * MIB,
            seed=seed,
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


def _seed(section: Section, run: Run, secret: Secret) -> int:
    """A seed that no other submission and no other run has, yet the same when asked again.

    With a secret no one else can make it: the rest of it is known to the student.
    """
    described = run.model_dump_json(exclude_defaults=True)
    return secret.seed(f"{section.assignment.title}\n{section.submission.digest}\n{described}")
