"""What exhausts whoever reads, judges or reports: the submission's outcome, and others go on."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.course.assignment import Assignment
from assay.errors import AssayError, CannotGrade
from assay.judge import judge as judging
from assay.records import Verdict
from assay.source import syntax
from assay.submission import submission
from rubric_tests import written
from rubric_tests.part2 import drawings
from tests.judge.test_judge import judge
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

MEMORY = 1 << 30
BOOK = notebook(PARAMETERS, ADD)
MEASURED = """
import os, sys
log = [(os.POSIX_SPAWN_DUP2, 2, 1)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=log)
print(os.wait4(child, 0)[2].ru_maxrss)
"""
"""Kilobytes, of a child of a small process: what starts one counts as much as it holds itself."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    text = toys.toml(seeds=(0, 1, 2))
    with toys.course(tmp_path_factory.mktemp("toy"), text=text) as assignment:
        yield assignment


def zeros(megabytes: int) -> bytes:
    """An archive that was padded to be allowed as much as there is: small, and large inside."""
    return zipped(
        {"hw.ipynb": BOOK, "pad": os.urandom(2_000_000), "zeros": bytes(megabytes * 10**6)}
    )


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def graded(course: Assignment, files: dict[str, bytes], at: Path) -> tuple[dict[str, Any], int]:
    """Every result of a class by name, and the most memory that the grader took."""
    (at / "class").mkdir()
    for name, content in files.items():
        (at / "class" / name).write_bytes(content)
    command = [
        str(Path(sys.executable).with_name("assay")),
        "grade",
        str(at / "class"),
        "--jobs",
        "2",
    ]
    command += ["--assignment", str(course.root / "assignment.toml"), "--reports", str(at / "r")]
    with (at / "log").open("wb") as log:
        measured = subprocess.run(
            [sys.executable, "-c", MEASURED, *command],
            stdout=subprocess.PIPE,
            stderr=log,
            check=True,
        )
    assert "Traceback" not in (at / "log").read_text()
    results = [json.loads(path.read_bytes()) for path in (at / "r").glob("*/results.json")]
    return {each["submission"]: each for each in results}, 1024 * int(measured.stdout)


def test_archives_of_zeros_take_no_gigabyte(toy: Assignment, tmp_path: Path):
    """Many that are each as large as is allowed, and one that is larger, beside an honest one."""
    files = {f"z{number}.zip": zeros(95) for number in range(4)} | {"more.zip": zeros(190)}

    results, peak = graded(toy, files | {"ada.ipynb": BOOK}, tmp_path)

    assert results["ada"]["criteria"][0]["earned"] == 2.0
    assert "100 MB" in results["more"]["not_graded"][0]
    assert all(results[f"z{number}"]["criteria"][0]["earned"] == 2.0 for number in range(4))
    assert peak < MEMORY, f"{peak / 1e6:.0f} MB"


def test_code_that_takes_the_judge_gigabytes_is_not_graded(toy: Assignment, tmp_path: Path):
    """Three modules of two million characters: told with names and numbers, before any run."""
    modules = {f"m{n}.py": b"1," * 1_000_000 for n in range(3)}

    results, peak = graded(
        toy, {"ben.zip": zipped({"hw.ipynb": BOOK, **modules}), "ada.ipynb": BOOK}, tmp_path
    )

    assert results["ada"]["criteria"][0]["earned"] == 2.0
    assert "too much to be read" in results["ben"]["not_graded"][0]
    assert peak < MEMORY


@pytest.mark.parametrize(
    "files",
    [
        {f"m{n}.py": b"x = 1\n" * 40_000 for n in range(3)},
        {"m.py": b"x = [" + b"1," * 160_000 + b"]"},
        {"m.py": b"import a" + b".a" * 30_000},
        {"b.ipynb": notebook(PARAMETERS, ADD, "x = [" + "1," * 160_000 + "]")},
    ],
)
def test_too_much_code_is_refused_when_it_is_read(files: dict[str, bytes], tmp_path: Path):
    """In one module, in all of them, in the notebook, in one name."""
    (tmp_path / "s.zip").write_bytes(zipped({"hw.ipynb": BOOK, **files}))

    with pytest.raises(CannotGrade, match=r"too much to be read|characters of code"):
        submission.read(tmp_path / "s.zip")


def test_as_much_code_as_anybody_writes_is_read(tmp_path: Path):
    """A quarter of a million characters in one module are not refused."""
    code = b"x = 1\n" * (syntax.LONGEST // 7)
    (tmp_path / "s.zip").write_bytes(zipped({"hw.ipynb": BOOK, "m.py": code}))

    assert submission.read(tmp_path / "s.zip").files["m.py"] == code


@pytest.mark.parametrize(
    "text",
    ["# a\n" * 250_000, "###### a\n" * 100_000 + "# b", "# " + " " * 1_000_000 + "x", "#" * 10**6],
    ids=["many", "deep", "gaps", "marks"],
)
def test_headings_are_found_in_linear_time(text: str, within: Callable[[float], None]):
    """A million characters of them take seconds at most."""

    class Cell:
        kind, source = "markdown", text

    within(5.0)
    found = written.sections([Cell])

    assert len(found) == sum(line.startswith(("# ", "###### ")) for line in text.split("\n"))


def test_drawings_are_found_in_linear_time(within: Callable[[float], None]):
    """Strokes, boxes, arrows and names of components, a million characters of them."""
    source = "+" + "-" * 300_000 + "\n" + "|_" * 150_000 + "\n" + "embedding linear 3 " * 20_000
    cells = [SimpleNamespace(kind=kind, source=source) for kind in ("markdown", "code")]

    within(5.0)

    assert drawings.found(SimpleNamespace(cells=cells, files=[]))


def test_a_section_ends_at_the_next_heading_of_its_level_or_above():
    """What is deeper belongs to it; marks at the end of a heading are no part of it."""

    class Cell:
        kind, source = "markdown", "# A #\none\n## B ##\ntwo\n### C\nthree\n## D\nfour\n# E#\nfive"

    assert written.sections([Cell]) == [
        ("A", "one\n## B ##\ntwo\n### C\nthree\n## D\nfour"),
        ("B", "two\n### C\nthree"),
        ("C", "three"),
        ("D", "four"),
        ("E", "five"),
    ]


SPIN = """
import pytest
pytestmark = pytest.mark.criterion("add")
def test_spins(evidence):
    \"\"\"It takes as long as the answer makes it.\"\"\"
    while True:
        pass
"""
HOARD = """
import pytest
pytestmark = pytest.mark.criterion("add")
def test_hoards(evidence):
    \"\"\"It takes as much as the answer makes it.\"\"\"
    assert bytes(4 * 10**8)
"""


def test_a_judge_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By its processor time, whatever else the machine does; it is no fault of ours."""
    monkeypatch.setattr(judging, "CPU_SECONDS", 2)

    with pytest.raises(CannotGrade, match="more than 2 s of processor time"):
        judge(tmp_path, "right", tests={"test_add.py": SPIN})


BROKEN = """
import posix
import pytest
pytestmark = pytest.mark.criterion("add")
@pytest.fixture(scope="session", autouse=True)
def said():
    print("a process that judged some of the tests ended with -24; MemoryError", flush=True)
    posix.WAYS
def test_holds(evidence):
    \"\"\"It holds.\"\"\"
"""
ENDINGS = {
    "_exit(3)": "could not be run",
    "kill(posix.getpid(), 24)": "more than 900 s of processor time",
    "_exit(71)": "MB of memory",
}


@pytest.mark.parametrize("way", ENDINGS)
def test_which_limit_ended_a_judge_is_told_by_its_status(tmp_path: Path, way: str):
    """And by no words: what a judge prints may hold a student's."""
    with pytest.raises(AssayError, match=ENDINGS[way]):
        judge(tmp_path, "right", tests={"test_add.py": BROKEN.replace("WAYS", way)})


def test_memory_that_a_rubric_takes_while_it_is_collected_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By the status that the judge ends with, too."""
    monkeypatch.setattr(judging, "MEMORY", 2 * 10**8)
    source = HOARD + "\nassert bytes(4 * 10**8)\n"

    with pytest.raises(CannotGrade, match="more than 240 MB of memory"):
        judge(tmp_path, "right", tests={"test_add.py": source})


@pytest.mark.parametrize(("ended", "found"), [(-24, -24), (71, 71), (3, 1)])
def test_a_judge_ends_as_one_of_its_hands_did(tmp_path: Path, ended: int, found: int):
    """By the same signal, or with the same lack of memory; else it says what happened."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom assay.judge.parallel import Workers\n"
        "from assay.records import Judgement\n"
        "from assay.execution.forkserver_main import _within_memory\n"
        "ended, pid = int(sys.argv[1]), os.fork()\n"
        "if pid == 0:\n    os.kill(os.getpid(), 24) if ended < 0 else os._exit(ended)\n"
        "own = Judgement(checks=[], measurements=[], written=[], drawings=[])\n"
        "workers = Workers(Path('x.json'), {pid: Path('y.json')})\n"
        "sys.exit(_within_memory(lambda: workers.save(own)))"
    )

    process = subprocess.run(
        [sys.executable, "-c", code, str(ended)], cwd=tmp_path, capture_output=True, check=False
    )

    assert process.returncode == found, process.stderr


def test_a_judge_has_so_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A test that an answer makes take more does not hold; the machine is not brought to swap."""
    monkeypatch.setattr(judging, "MEMORY", 2 * 10**8)

    (check,) = judge(tmp_path, "right", tests={"test_add.py": HOARD}).checks("test_hoards")

    assert check.verdict is Verdict.FAILED
    assert "MemoryError" in check.reason
