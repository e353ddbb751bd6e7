"""What each exhausting submission costs a class: memory and processor time of assay's own.

`pytest -m thorough tests/hostile/test_measured.py -s` prints a row for each.
"""

import base64
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from assay.course.assignment import Assignment
from tests.hostile.test_exhaustion import zeros, zipped
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

pytestmark = pytest.mark.thorough

MEMORY = 1 << 30
SECONDS = 60
RIGHT = ("ada", "bob", "cyd")
BOOK = notebook(PARAMETERS, ADD)
EVERY = 0.1


@dataclass
class Usage:
    """What was seen of one process: its highest share of memory, and its processor time."""

    is_ours: bool
    peak: int = 0
    seconds: float = 0.0


@dataclass
class Measured:
    """Sums over all processes of a command. Kernels, which have limits of their own, are apart."""

    seconds: float = 0.0
    memory: int = 0
    """The most that all processes of assay's held at one moment; shared pages count once."""
    largest: int = 0
    """The most that one process of assay's ever held."""
    processes: dict[tuple[int, float], Usage] = field(default_factory=dict)

    def look(self, command: psutil.Process) -> None:
        """Look at the command and everything below it."""
        memory = 0
        for process in [command, *_below(command)]:
            try:
                usage = self.processes.setdefault(
                    (process.pid, process.create_time()), Usage(_is_ours(process))
                )
                times = process.cpu_times()
                usage.seconds = times.user + times.system
                if usage.is_ours:
                    memory += process.memory_full_info().pss
                    usage.peak = max(usage.peak, _high_water(process.pid))
            except (psutil.Error, OSError):
                continue
        self.memory = max(self.memory, memory)
        self.largest = max(self.largest, *(each.peak for each in self.processes.values()))

    def computed(self, *, ours: bool) -> float:
        """Seconds of processor time, of assay's processes or of kernels."""
        return sum(each.seconds for each in self.processes.values() if each.is_ours == ours)


def _below(command: psutil.Process) -> list[psutil.Process]:
    try:
        return command.children(recursive=True)
    except psutil.Error:
        return []


def _is_ours(process: psutil.Process) -> bool:
    """A kernel and all below it are in a namespace of processes of their own."""
    return Path(f"/proc/{process.pid}/ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()


def _high_water(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    lines = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return 1024 * int(lines[0].split()[1]) if lines else 0


def measured(command: list[str], log: Path) -> Measured:
    """Run a command to its end, and look at its processes all the time."""
    found, started = Measured(), time.monotonic()
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        while process.poll() is None:
            found.look(psutil.Process(process.pid))
            time.sleep(EVERY)
    found.seconds = time.monotonic() - started
    return found


Files = dict[str, bytes]


def cells(*sources: str) -> Files:
    """One bare notebook of these cells after the right answer."""
    return {"mallory.ipynb": notebook(PARAMETERS, ADD, *sources)}


def many_cells(number: int) -> Files:
    start, mark, end = BOOK.partition(b'"cells": [')
    return {"mallory.ipynb": start + mark + b'{"cell_type":"raw"},' * number + end}


def deep_json() -> Files:
    return {"mallory.ipynb": b'{"cells": ' + b"[" * 9_000_000 + b"]" * 9_000_000 + b"}"}


def many_members() -> Files:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("hw.ipynb", BOOK)
        for number in range(200_000):
            archive.writestr(f"{number}", b"")
    return {"mallory.zip": buffer.getvalue()}


PICTURE = """
import base64, zlib
def chunk(kind, data):
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
side = 20_000
packer = zlib.compressobj(9)
rows = b"".join(packer.compress(bytes(side // 8 + 1)) for _ in range(side)) + packer.flush()
head = chunk(b"IHDR", 2 * side.to_bytes(4, "big") + b"\\x01\\x00\\x00\\x00\\x00")
picture = b"\\x89PNG\\r\\n\\x1a\\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
text = base64.b64encode(picture).decode()
"""
SHOWS = """
from IPython.display import Image, display
for _ in range(20):
    display(Image(picture, format="png"))
"""


def png_bomb() -> Files:
    """20,000 x 20,000 pixels of one colour, 20 times shown by a cell and 20 times attached."""
    names: dict[str, Any] = {}
    exec(PICTURE, names)
    made = json.loads(notebook(PARAMETERS, ADD, PICTURE + SHOWS))
    attached = {"attachments": {"a.png": {"image/png": names["text"]}}}
    cell = {"cell_type": "markdown", "metadata": {}, "source": "![a](attachment:a.png)"}
    made["cells"] += [cell | attached] * 20
    return {"mallory.ipynb": json.dumps(made).encode()}


def much_markdown() -> Files:
    """20 MB of headings, pictures and what patterns for them begin with."""
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    line = f"# a ![b](data:image/png;base64,{picture}) ![c](attachment:c.png) <img src='d'>\n"
    made = json.loads(BOOK)
    sources = [line * (3_500_000 // len(line)), "# " * 3_000_000, "![" * 3_000_000, "#" * 3_500_000]
    made["cells"] += [
        {"cell_type": "markdown", "metadata": {}, "source": source} for source in sources
    ]
    return {"mallory.ipynb": json.dumps(made).encode()}


ERRORS = """
from IPython import get_ipython
kernel = get_ipython().kernel
def fail():
    content = {"ename": "E", "evalue": "\\U0001F600" * 480, "traceback": ["\\U0001F600" * 7990]}
    kernel.session.send(kernel.iopub_socket, "error", content, parent=kernel.get_parent())
"""
PILE = """
import os
files = []
while True:
    files.append(os.memfd_create("pile"))
    for _ in range(200):
        os.write(files[-1], bytes(1_000_000))
"""
REPLY = """
from IPython import get_ipython
session = get_ipython().kernel.session
send = session.send
def answer(stream, what, content=None, *more, **named):
    return send(stream, what, REPLIED if what == "execute_reply" else content, *more, **named)
session.send = answer
"""


def reply(content: str) -> Files:
    return cells(REPLY.replace("REPLIED", content), "1")


BY_NAME = """
class Own(Exception):
    pass
Own.__name__ = Own.__qualname__ = "MemoryError"
raise Own("DefaultCPUAllocator")
"""
HERD = """
import os, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for _ in range(95):
    if os.fork() == 0:
        while True:
            time.sleep(0.1 - time.time() % 0.1)
            for _ in range(300):
                pass
time.sleep(10_000)
"""


@dataclass(frozen=True)
class Case:
    """A submission, or many, and words of the outcome of each: '' where it earns its points."""

    name: str
    files: Callable[[], Files]
    told: str = ""


CASES = [
    Case("nothing", dict),
    Case("60 archives of zeros", lambda: {f"z{n}.zip": zeros(95) for n in range(60)}),
    Case(
        "60 archives that are too large",
        lambda: {f"z{n}.zip": zeros(190) for n in range(60)},
        "100 MB",
    ),
    Case("500,000 cells", lambda: many_cells(500_000), "cells"),
    Case("980,000 cells", lambda: many_cells(980_000), "cells"),
    Case(
        "three modules of 2 MB of `1,`",
        lambda: {
            "mallory.zip": zipped(
                {"hw.ipynb": BOOK} | {f"m{n}.py": b"1," * 1_000_000 for n in range(3)}
            )
        },
        "too much to be read",
    ),
    Case("deep JSON", deep_json, "too large to be read"),
    Case("a zip of 200,000 members", many_members, "files"),
    Case("40 pictures of 400,000,000 pixels", png_bomb),
    Case("20 MB of Markdown", much_markdown),
    Case("700 errors of 32 kB", lambda: cells(ERRORS, *["fail()"] * 700), "cell 4 raised E"),
    Case("a pile of files in memory", lambda: cells(PILE), "memory"),
    Case("a reply that is a list", lambda: reply("b'[1, 2]'"), "messages"),
    Case("a reply that never comes", lambda: reply("[1, 2]"), "took longer than"),
    Case("50,000 minus signs", lambda: cells("-" * 50_000 + "1"), "too deeply"),
    Case("MemoryError by name", lambda: cells(BY_NAME), "by its own error"),
    Case("95 processes that wake together", lambda: cells(HERD), "took longer than"),
]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """A course that lets a cell compute for 5 s, and wait for 13 s."""
    with toys.course(tmp_path_factory.mktemp("toy"), text=toys.toml(cell=5, run=20)) as assignment:
        yield assignment


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_exhausting_submission_costs_a_class_little(
    toy: Assignment, tmp_path: Path, case: Case
):
    """It has an outcome of its own; three right ones keep theirs; 60 s and 1 GB are enough."""
    folder, reports = tmp_path / "class", tmp_path / "reports"
    folder.mkdir()
    files = case.files()
    for name, content in {**files, **{f"{name}.ipynb": BOOK for name in RIGHT}}.items():
        (folder / name).write_bytes(content)
    command = [str(Path(sys.executable).with_name("assay")), "grade", str(folder), "--jobs", "2"]
    command += ["--assignment", str(toy.root / "assignment.toml"), "--reports", str(reports)]

    cost = measured(command, tmp_path / "log")

    found = [json.loads(path.read_bytes()) for path in reports.glob("*/results.json")]
    results = {each["submission"]: each for each in found}
    hostile = [each for name, each in results.items() if name not in RIGHT]
    said = [told(each) for each in hostile]
    row = f"{case.name} | {cost.seconds:.1f} | {cost.computed(ours=True):.1f} | "
    row += f"{cost.computed(ours=False):.1f} | {cost.memory / 1e6:.0f} | {cost.largest / 1e6:.0f}"
    print(f"\n| {row} | {said[0] if said else ''} |")
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert [results[name]["criteria"][0]["earned"] for name in RIGHT] == [2.0] * 3
    assert len(hostile) == len(files)
    for words in said:
        assert case.told in words
        assert "infrastructure" not in words
        assert case.told or words == "2.0"
    assert cost.memory < MEMORY
    assert cost.largest < MEMORY
    assert cost.computed(ours=True) < SECONDS * max(1, len(files))


def told(result: dict[str, Any]) -> str:
    """Why a submission was not graded, how its run ended, or what it earned."""
    runs = [f"{run['outcome']}: {run['reason']}" for run in result["runs"]]
    bad = [words for words in runs if not words.startswith("completed")]
    return "; ".join([*result["not_graded"], *bad]) or str(result["criteria"][0]["earned"])
