"""The pytest plugin of the judge: fixtures that bring the evidence, and a record of every verdict.

`run`, `evidence`, `given` and `kept` make a test run once for every run of the part; `runs` lets
it look at all of them at once. `measure` keeps a number for the report, `written` an answer for a
person to mark, `drawing` a picture that the student drew.
"""

import os
import sys
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from _pytest.outcomes import OutcomeException

from assay import portable
from assay.evidence.answers import Evidence, NotAnswered, NotPut
from assay.execution.process import OUT_OF_MEMORY
from assay.judge import statistics
from assay.judge.evidence_view import INPUT, EvidenceView, NotJudged, RunView, Sheets
from assay.judge.parallel import Workers
from assay.records import (
    Check,
    Claim,
    Drawing,
    Estimate,
    Measurement,
    Outcome,
    Verdict,
    Written,
    sound,
)

MAX_DRAWING = 200_000
LARGEST = 1e100
SECONDS = 60.0
"""Of processor time, for one test over one run of the course's own answer."""
ON_PURPOSE = (AssertionError, OutcomeException)
"""What a test raises to say that an answer is wrong."""
PER_RUN = {"run", "evidence", "given", "kept"}
MARKERS = {
    "criterion(name)": "the line of the mark sheet that this test judges",
    "claim(measure, at_least, at_most, share, against, confidence)": "what holds in most runs",
    "hint(text)": "where the student may look when it fails",
    "review": "collects a written answer; a person marks it",
    "public": "students may run this test: `assay handout` hands it out",
}

OURS = Path(__file__).parents[1]
"""No line in it is the course's, even where assay lies beside one."""
VIEW = pytest.StashKey[EvidenceView]()
WORKERS = pytest.StashKey[Workers]()
ESTIMATES = pytest.StashKey[list[Estimate]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--evidence-view", type=Path, required=True, help=f"the folder with {INPUT}")


def pytest_configure(config: pytest.Config) -> None:
    view = config.stash[VIEW] = EvidenceView(config.getoption("--evidence-view"))
    config.stash[WORKERS] = Workers(view.folder / "judgement.json")
    for name, meaning in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if PER_RUN & set(metafunc.fixturenames):
        runs = metafunc.config.stash[VIEW].runs
        metafunc.parametrize("run", runs, ids=[run.id for run in runs], scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    if session.testsfailed:  # what could not be collected is reported once
        return
    view = session.config.stash[VIEW]
    items[:] = [item for item in items if view.is_wanted(item.path)]
    efforts = [1 if _run_of(item) else len(view.runs) for item in items]
    session.config.stash[WORKERS].share_out(items, efforts, view.workers)


@pytest.fixture
def evidence(run: RunView) -> Evidence:
    """This run's answers, by question."""
    return run.evidence


@pytest.fixture
def given(run: RunView) -> Sheets:
    """What this run's questions handed out."""
    return run.given


@pytest.fixture
def kept(run: RunView) -> Sheets:
    """What stayed with the judge."""
    return run.kept


@pytest.fixture
def runs(pytestconfig: pytest.Config) -> list[RunView]:
    """Every run of the part that the machine could make."""
    made = [r for r in pytestconfig.stash[VIEW].runs if r.outcome is not Outcome.INFRASTRUCTURE]
    if not made:
        raise NotJudged("no run could be made")
    return made


@pytest.fixture
def submission(pytestconfig: pytest.Config) -> SimpleNamespace:
    """The notebook's `cells` as handed in, all Python `sources` by name, the names of all `files`.

    `unread` are the sources that were too large to be read: their text is empty.
    """
    return pytestconfig.stash[VIEW].submission


@pytest.fixture
def measure(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep a number, a series or a matrix for the report: `measure("accuracy", 0.97)`.

    A series may have its `x`. What is not finite is left out: there is nothing to draw. The numbers
    are a student's: what is too large for means and scales is kept as the largest that is not.
    """
    view = request.config.stash[VIEW]
    return keeper(view.part, _run_of(request.node), view.of(request.node.path).measurements)


def keeper(part: str, run: str | None, found: list[Measurement]) -> Callable[..., None]:
    """Return what the `measure` fixture of a run is; it adds to what was found."""

    def keep(name: str, value: Any, x: Any = None) -> None:
        y = np.asarray(value, dtype=float)
        steps = None if x is None else np.asarray(x, dtype=float)
        finite = np.isfinite(y) if steps is None else np.isfinite(y) & np.isfinite(steps)
        if y.ndim != 1 and not finite.all():
            return
        y = y.clip(-LARGEST, LARGEST)
        over = None if steps is None else steps[finite].clip(-LARGEST, LARGEST).tolist()
        number = y[finite].tolist() if y.ndim == 1 else y.tolist()
        found.append(Measurement(part=part, run=run, name=name, value=number, x=over))

    return keep


@pytest.fixture
def claim(request: pytest.FixtureRequest) -> Claim | None:
    """What the test's `claim` marker says: `claim.at_least` is the number to compare with."""
    return _claim(request.node)


@pytest.fixture
def compare(request: pytest.FixtureRequest) -> Callable[..., list[Estimate]]:
    """Decide for each place whether the mean of paired differences is above a threshold.

    `compare({"part1/penguins": differences, ...}, -0.05)` returns what was found at each place,
    with its `verdict`. A test that passes while a place is undecided is undecided itself.
    """
    looks = request.config.stash[VIEW].looks

    def decide(differences: Mapping[str, Sequence[float]], threshold: float) -> list[Estimate]:
        found = statistics.compare(differences, threshold, looks=looks)
        request.node.stash[ESTIMATES] = found
        return found

    return decide


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Keep a written answer for review: `written("Question 5: self-learning", text)`."""
    view = request.config.stash[VIEW]
    criterion = _argument(request.node, "criterion")

    def keep(heading: str, text: str) -> None:
        view.of(request.node.path).written.append(
            Written(part=view.part, criterion=criterion, heading=sound(heading), text=sound(text))
        )

    return keep


@pytest.fixture
def drawing(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Keep a picture of the student's as text, SVG or Mermaid: `drawing("The model", source)`.

    Of each title only the first is kept: every run draws the same.
    """
    view = request.config.stash[VIEW]
    run, kept = _run_of(request.node), view.of(request.node.path).drawings

    def keep(title: str, source: str) -> None:
        if source.strip() and all(title != drawing.title for drawing in kept):
            text = sound(source)[:MAX_DRAWING]
            kept.append(Drawing(part=view.part, run=run, title=title, source=text))

    return keep


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """A test that would end the judge raises instead, as any other does: its line is reported."""
    with _bounded(pyfuncitem):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """So does a fixture."""
    with _bounded(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """So does what a fixture does after the test."""
    with _bounded(item):
        return (yield)


@contextmanager
def _bounded(item: pytest.Item) -> Generator[None]:
    """Have no code of the course's end the judge, nor take it forever over the course's answer."""
    own = item.config.stash[VIEW].is_reference
    portable.interrupt_after(SECONDS if own else 0, _time_up)
    try:
        with no_end():
            yield
    except (KeyboardInterrupt, pytest.exit.Exception) as error:
        said = f"{type(error).__name__}: {error}"
        raise RuntimeError(said).with_traceback(error.__traceback__) from None
    finally:
        portable.interrupt_after(0, _time_up)


def _time_up(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"took longer than {SECONDS:g} s over the course's own answer")


@contextmanager
def no_end() -> Generator[None]:
    """Have `os._exit` raise as `sys.exit` does, which says where."""
    end = os._exit
    os._exit = sys.exit  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = end


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, Any, Any]:
    report = yield
    view = item.config.stash[VIEW]
    if call.when == "teardown" and call.excinfo is not None:
        _after_the_test(view, item, call)
    elif call.when == "call" or call.excinfo is not None:
        view.of(item.path).checks.append(_check(view, item, call))
    return report


def _after_the_test(view: EvidenceView, item: pytest.Item, call: "pytest.CallInfo[None]") -> None:
    """What a fixture raises after the test stands instead of its verdict, if that lost nothing."""
    checks = view.of(item.path).checks
    if not checks[-1].verdict.is_lost:
        checks[-1] = _check(view, item, call)


def pytest_internalerror(excinfo: "pytest.ExceptionInfo[BaseException]") -> None:
    """Report a lack of memory by the exit code: words may be a student's."""
    if excinfo.errisinstance(MemoryError):
        pytest.exit("the memory does not suffice", returncode=OUT_OF_MEMORY)


def pytest_exception_interact(node: Any, call: "pytest.CallInfo[Any]") -> None:
    """The same while tests are collected; of a test, it is a verdict."""
    if not isinstance(node, pytest.Item) and call.excinfo is not None:
        pytest_internalerror(call.excinfo)


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[WORKERS].save(session.config.stash[VIEW].found)


def _check(view: EvidenceView, item: pytest.Item, call: "pytest.CallInfo[None]") -> Check:
    return check_of(
        call.excinfo.value if call.excinfo else None,
        part=view.part,
        criterion=_argument(item, "criterion"),
        name=f"{item.path.stem}.{getattr(item, 'originalname', item.name)}",
        title=_first_line(item),
        run=_run_of(item),
        hint=_argument(item, "hint"),
        claim=_claim(item),
        estimates=item.stash.get(ESTIMATES, []),
        review=item.get_closest_marker("review") is not None,
        begun=call.when == "call",
        is_reference=view.is_reference,
        root=item.config.rootpath,
    )


def check_of(
    error: BaseException | None,
    *,
    hint: str,
    estimates: list[Estimate],
    review: bool = False,
    begun: bool = True,
    is_reference: bool = False,
    root: Path | None = None,
    **about: Any,
) -> Check:
    """Return what became of one test, by what it raised; `begun` is False where a fixture did.

    Over the reference's answers a fixture must not raise: the line in which it did is reported.
    """
    verdict = _verdict(error, review=review, begun=begun)
    if verdict is Verdict.PASSED and any(e.verdict is Verdict.UNDECIDED for e in estimates):
        verdict = Verdict.UNDECIDED
    hint = getattr(error, "hint", None) or hint
    stumbled = verdict is Verdict.FAILED and not isinstance(error, ON_PURPOSE)
    stumbled |= is_reference and verdict is Verdict.NOT_JUDGED and _is_of_course(error, root)
    return Check(
        verdict=verdict,
        reason=_reason(error) if error else "",
        hint=hint if verdict is Verdict.FAILED and not stumbled else "",
        mistake=sound(getattr(error, "mistake", "")),
        follows=getattr(error, "cause", "") if verdict is Verdict.SET_ASIDE else "",
        explains=verdict is Verdict.FAILED and about["criterion"] in getattr(error, "explains", ()),
        stumbled=place_of(error, root) if stumbled else getattr(error, "place", ""),
        estimates=estimates,
        **about,
    )


def _claim(item: pytest.Item) -> Claim | None:
    found = item.get_closest_marker("claim")
    return Claim(measure=found.args[0], **found.kwargs) if found else None


def _verdict(error: BaseException | None, *, review: bool, begun: bool) -> Verdict:
    if error is None:
        return Verdict.FOR_REVIEW if review else Verdict.PASSED
    if isinstance(error, pytest.skip.Exception):
        return Verdict.SET_ASIDE if getattr(error, "cause", "") else Verdict.NOT_ASKED
    if getattr(error, "for_review", False):
        return Verdict.FOR_REVIEW  # a person has to look at it, and the reason says why
    if isinstance(error, NotAnswered):
        return Verdict.NOT_ANSWERED
    if isinstance(error, NotJudged | NotPut):
        return Verdict.NOT_JUDGED  # not the student's doing
    if isinstance(error, ON_PURPOSE) or begun:
        return Verdict.FAILED  # also where the test stumbled over the answer: see `settled`
    return Verdict.NOT_JUDGED


def place_of(error: BaseException | None, root: Path | None) -> str:
    """`rubric/test_a.py:12`: the course's own line that raised, or the last line there is."""
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    last = (_of_course(frames, root) or frames)[-1:]
    return next((f"{_short(frame.filename, root)}:{frame.lineno}" for frame in last), "?")


def _is_of_course(error: BaseException | None, root: Path | None) -> bool:
    """Whether a line of the course's raised: not pytest, nor assay in its name."""
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    return not isinstance(error, NotJudged | NotPut) and bool(_of_course(frames, root))


def _of_course(
    frames: Sequence[traceback.FrameSummary], root: Path | None
) -> list[traceback.FrameSummary]:
    own = [frame for frame in frames if not Path(frame.filename).is_relative_to(OURS)]
    return [frame for frame in own if root and Path(frame.filename).is_relative_to(root)]


def _short(file: str, root: Path | None) -> str:
    path = Path(file)
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.name


def _reason(error: BaseException) -> str:
    """Return the first line of the message; an exception that is no verdict is named in full."""
    text = sound(str(error)).strip().split("\n")[0][:500]
    if isinstance(error, (*ON_PURPOSE, NotAnswered, NotJudged)) or hasattr(error, "for_review"):
        return text
    return f"the test raised {type(error).__name__}: {text}"


def _argument(item: pytest.Item, marker: str) -> str:
    found = item.get_closest_marker(marker)
    return str(found.args[0]) if found else ""


def _first_line(item: pytest.Item) -> str:
    docstring = getattr(getattr(item, "obj", None), "__doc__", None) or item.name
    return str(docstring).strip().split("\n")[0]


def _run_of(item: pytest.Item) -> str | None:
    run = getattr(item, "callspec", None) and item.callspec.params.get("run")  # type: ignore[attr-defined]
    return run.id if isinstance(run, RunView) else None
