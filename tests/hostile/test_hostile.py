"""A whole class of hostile submissions, graded in the real sandbox beside honest ones."""

import json
import os
import re
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from assay import cli
from assay.course.assignment import Assignment
from assay.errors import OurFault
from assay.execution import isolation
from assay.sandbox import cgroup
from tests.hostile.cases import CASES, FORGING, INJECTED, NONE, REFUSED, Hostile, called
from tests.toys import toy as toys
from tests.toys.kept import EVERY_SANDBOX
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, notebook

PINNED = int(os.environ.get("ASSAY_PINNED_ISOLATION", "0"))
HONEST = {f"honest-{i}": notebook(PARAMETERS, f"# {i}", ADD) for i in range(3)}
WRONG = {"wrong": notebook(PARAMETERS, SUBTRACT)}
QUOTED = r"^(`{3,})[^\n]*\n.*?^\1$|`[^`\n]*`|^ {4}[^\n]*$"
"""What Markdown shows as it stands: code in fences, in ticks, and indented."""
RISKY = re.compile(r"(?<!\\)<(script|img|svg)|(?<!\\)\]\(javascript:|\x1b|\u202e", re.IGNORECASE)


def thorough(which: Any) -> Any:
    """For the long round: sixty submissions, whose attacks test_sandbox tries in each sandbox."""
    values = which.values if hasattr(which, "values") else (which,)
    return pytest.param(*values, marks=pytest.mark.thorough)


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """Words that stand in our environment and in the rubric, and must get nowhere else."""
    words = f"planted-{secrets.token_hex(12)}"
    monkeypatch.setenv("ASSAY_PLANTED", words)
    return words


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on this machine that nobody in a sandbox may reach."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        yield listening


@pytest.fixture
def course(tmp_path: Path, secret: str) -> Iterator[Assignment]:
    """The toy with small limits, its rubric holding the secret."""
    text = toys.toml(cell=3, run=20).replace("run_seconds", "memory_mb = 512\nrun_seconds")
    tests = {"test_add.py": f"SECRET = {secret!r}\n{toys.TEST}"}
    with toys.course(tmp_path / "course", text=text, tests=tests) as assignment:
        yield assignment


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for all temporary files, with a short name: paths of sockets are limited."""
    folder = Path(tempfile.mkdtemp(prefix="h-"))
    folder.chmod(0o711)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[cgroup.Cgroup | None]:
    """Every cgroup that is made from here on."""
    made: list[cgroup.Cgroup | None] = []
    create = cgroup.create

    def noted(memory: int, pids: int) -> cgroup.Cgroup | None:
        made.append(create(memory, pids))
        return made[-1]

    monkeypatch.setattr(cgroup, "create", noted)
    return made


@pytest.mark.parametrize(
    "which", [EVERY_SANDBOX[0], *(thorough(which) for which in EVERY_SANDBOX[1:])]
)
def test_every_hostile_submission_meets_its_end(
    which: tuple[int, bool],
    course: Assignment,
    secret: str,
    listener: socket.socket,
    temporary: Path,
    groups: list[cgroup.Cgroup | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Each has its outcome, its sentence and its marks; honest ones lose nothing beside them."""
    level, warm = which
    at_level(level, monkeypatch, warm=warm)
    port = str(listener.getsockname()[1])
    cases = [case for case in CASES if case.least_level <= level]
    files = {case.name: {n: re.sub(rb"\bPORT\b", port.encode(), c) for n, c in case.files.items()}
             for case in cases}  # fmt: skip
    hand_in(tmp_path / "class", files)

    printed, results = grade(course, tmp_path / "class", tmp_path / "reports")

    found = [wrong for case in cases if (wrong := differs(case, results))]
    assert not found, "\n".join(found)
    assert all(earned(results[name]) == 2 for name in HONEST)
    assert not [each for each in psutil.process_iter() if belongs_to(each, temporary)]
    assert not any(folder.exists() for group in groups if group for folder in group.folders)
    assert not list(temporary.iterdir())
    assert_nowhere(secret, printed, tmp_path / "reports")
    assert_harmless(printed, tmp_path / "reports")
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_forging_changes_no_grade(
    course: Assignment, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A wrong answer that forges has the very grade of the same wrong answer that does not."""
    at_level(3, monkeypatch)
    forging = [case for case in FORGING if SUBTRACT in str(json.dumps(sources(case)))]
    hand_in(tmp_path / "class", {case.name: dict(case.files) for case in forging} | {"w": WRONG_})

    _, results = grade(course, tmp_path / "class", tmp_path / "reports")

    honest = grade_of(results["wrong"])
    for case in forging:
        assert grade_of(results[name_of(case)]) == honest, case.name


def test_the_grades_of_twenty_do_not_depend_on_ten_hostile_ones(
    course: Assignment, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Graded with the hostile ones among them or without, to the last byte."""
    at_level(3, monkeypatch)
    honest = {f"s{i:02}.ipynb": notebook(PARAMETERS, f"# {i}", (ADD, SUBTRACT)[i % 2])
              for i in range(20)}  # fmt: skip
    names = ("segfault", "fork storm", "os._exit(0)", "endless loop",
             "kills all it can, itself among them",
             "writes results of its own", "leaves startup files behind", "disk filled",
             "walks the file system", "brings conftest and pytest.ini")  # fmt: skip
    hostile = {case.name: dict(case.files) for case in CASES if case.name in names}
    hand_in(tmp_path / "alone", {"": honest})
    hand_in(tmp_path / "mixed", {"": honest} | hostile)

    _, alone = grade(course, tmp_path / "alone", tmp_path / "r1")
    printed, mixed = grade(course, tmp_path / "mixed", tmp_path / "r2")

    assert len(hostile) == 10
    for name in honest:
        stem = name.removesuffix(".ipynb")
        assert stem in alone.keys() & mixed.keys(), printed
        assert grade_of(alone[stem]) == grade_of(mixed[stem])
        assert earned(alone[stem]) == (2 if int(stem[1:]) % 2 == 0 else 0)


WRONG_ = {"wrong.ipynb": WRONG["wrong"]}


def at_level(level: int, monkeypatch: pytest.MonkeyPatch, *, warm: bool = True) -> None:
    """Grade in such a sandbox, or skip the test where the machine cannot have it."""
    try:
        sandbox = MACHINE.isolation.at(level, warm=warm)
    except OurFault as error:
        if level <= PINNED:
            raise
        pytest.skip(str(error.what))
    monkeypatch.setattr(isolation.Proof, "best", lambda self: sandbox)
    monkeypatch.setattr(isolation.Proof, "warmest", lambda self: sandbox)


def hand_in(folder: Path, files: dict[str, dict[str, bytes]]) -> None:
    """Lay out a class: honest notebooks, and each case as a file or, of several, as a folder."""
    folder.mkdir(parents=True)
    for name, content in HONEST.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    for case, of_case in files.items():
        bare = not case or len(of_case) == 1
        for name, content in of_case.items():
            path = folder / name if bare else folder / called(case) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def grade(
    course: Assignment, handed_in: Path, reports: Path
) -> tuple[str, dict[str, dict[str, Any]]]:
    """`assay grade` of the class: what it printed, and every result by the submission's name."""
    options = ["--assignment", str(course.root / "assignment.toml"), "--reports", str(reports)]
    ran = CliRunner().invoke(
        cli.cli, ["grade", str(handed_in), *options, "--jobs", "2"], obj=MACHINE
    )
    paths = sorted(reports.glob("*/results.json"))
    return ran.output, {path.parent.name: json.loads(path.read_text()) for path in paths}


def differs(case: Hostile, results: dict[str, dict[str, Any]]) -> str:
    """What came out otherwise than it must; '' where nothing did."""
    result = results.get(name_of(case))
    if result is None:
        return f"{case.name}: no result among {sorted(results)[:3]}..."
    outcome = result["runs"][0]["outcome"] if result["runs"] else REFUSED
    text = json.dumps(result, ensure_ascii=False)
    if (outcome, earned(result)) != (case.outcome, case.earned) or case.sentence not in text:
        why = result["runs"][0]["reason"] if result["runs"] else result["not_graded"]
        reasons = [p["reason"] for c in result["criteria"] for p in c["properties"]]
        return f"{case.name}: {outcome}, {earned(result)} points, {why}, {reasons}"
    return ""


def name_of(case: Hostile) -> str:
    """What its report is called."""
    only = next(iter(case.files))
    return Path(only).stem if len(case.files) == 1 else called(case.name)


def sources(case: Hostile) -> list[str]:
    books = [json.loads(c) for n, c in case.files.items() if n.endswith(".ipynb")]
    return ["".join(cell["source"]) for book in books for cell in book["cells"]]


def earned(result: dict[str, Any]) -> float:
    return float(sum(c["earned"] or 0 for c in result["criteria"])) if result["criteria"] else NONE


def grade_of(result: dict[str, Any]) -> str:
    """The mark sheet to the last byte."""
    return json.dumps(result["criteria"], sort_keys=True)


def belongs_to(process: psutil.Process, temporary: Path) -> bool:
    try:
        return any(str(temporary) in word for word in process.cmdline())
    except psutil.Error:
        return False


def assert_nowhere(secret: str, printed: str, reports: Path) -> None:
    assert secret not in printed
    for path in reports.rglob("*"):
        assert path.is_dir() or secret.encode() not in path.read_bytes(), path


def assert_harmless(printed: str, reports: Path) -> None:
    """No page, no line on the terminal, holds what a browser or a terminal would act on."""
    assert not re.search("\x1b|\u202e", printed)
    for path in reports.rglob("*.md"):
        unquoted = re.sub(QUOTED, "", path.read_text(), flags=re.S | re.M)
        assert not RISKY.search(unquoted), path
    assert INJECTED
