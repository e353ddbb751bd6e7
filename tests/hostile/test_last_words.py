"""What ends the exam itself, before its last question: the sentence names it."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

from assay.course.assignment import Assignment
from assay.execution.monitor import Monitor
from assay.records import Outcome
from tests.toys import toy as toys
from tests.toys.shared import MACHINE, execute
from tests.toys.toy import ADD, PARAMETERS, submission

SHADOWS = "import sys, types\nsys.modules[{0!r}] = types.ModuleType({0!r})"
FULL = """
import os, threading
kept = []
try:
    while True:
        kept.append(os.open('/dev/null', os.O_RDONLY))
except OSError:
    pass
for saying in ('{0}', '{0} again'):
    thread = threading.Thread(target=print, args=(saying,))
    thread.start()
    thread.join()
print('by itself', flush=True)
for number in kept:
    os.close(number)
"""
MANY = """
import time
time.sleep(1)
for count in range(3_000):
    display(count)
"""
PILE = """
import os
file = os.memfd_create('pile')
while True:
    os.write(file, bytes(10_000_000))
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    text = toys.toml(cell=10, run=60)
    with toys.course(tmp_path_factory.mktemp("words") / "course", text=text) as assignment:
        yield assignment


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import os\nkept = []\nwhile True:\n    kept.append(os.open('/dev/null', 0))",
            "[Errno 24]",
        ),
        (SHADOWS.format("json"), "module 'json' has no attribute"),
        (SHADOWS.format("numpy"), "module 'numpy' has no attribute"),
        ("import sys\nsys.modules['json'] = None", "import of json halted"),
        ("import os\nos.environ.clear()", "KeyError: 'ASSAY_SUPPORT'"),
        ("import sys\nsys.path = None", "AttributeError"),
        ("import contextlib\ncontextlib.contextmanager = None", "TypeError"),
        ("import builtins\nbuiltins.open = None\nimport io\nio.open = None", "TypeError"),
        (
            "import signal, resource\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
            "[Errno 27]",
        ),
        (
            "shell = get_ipython()\n"
            "shell.input_transformers_cleanup.append(lambda lines: ['1 / 0\\n'])",
            "ZeroDivisionError",
        ),
        (
            "import sys\nsys.modules['json'] = None\nshell = get_ipython()\n"
            "shell.showtraceback = shell._showtraceback = lambda *a, **k: None",
            "import of json halted",
        ),
    ],
    ids=lambda text: text.splitlines()[-1][:40],
)
def test_the_sentence_names_what_ended_the_exam(course: Assignment, code: str, said: str):
    """A notebook that leaves a kernel in which nothing can be asked is told what was missing."""
    ended = toys.run(course, submission(PARAMETERS, ADD, code))

    assert said in ended.reason
    assert "its kernel's work" not in ended.reason
    assert ended.outcome in (Outcome.EXITED, Outcome.DISK_FULL)
    assert "evidence/last_words.txt" not in ended.files


@pytest.mark.parametrize(
    "code",
    [
        "import os, tempfile\ngone = tempfile.mkdtemp()\nos.chdir(gone)\nos.rmdir(gone)",
        "import sys\nsys.stdout.close()\nsys.stderr.close()",
        "import os\nfor number in (0, 1, 2):\n    os.close(number)",
        "import sys\nsys.setrecursionlimit(70)",
    ],
    ids=["removed folder", "closed streams", "closed descriptors", "recursion"],
)
def test_the_exam_is_put_all_the_same(course: Assignment, code: str):
    """What can be set back is, and every question is asked."""
    ended = toys.run(course, submission(PARAMETERS, ADD, code))

    assert ended.outcome is Outcome.COMPLETED, ended.reason
    assert "evidence/add/plain.npz" in ended.files


@pytest.mark.parametrize("warm", [True, False])
def test_what_is_said_without_a_descriptor_is_heard(course: Assignment, warm: bool):
    """Each thread says something for the first time when nothing can be opened any more."""
    best = MACHINE.isolation.warmest()
    kept_in = best if warm else MACHINE.isolation.at(best.level)
    job = toys.jobs(course, submission(PARAMETERS, ADD, FULL.format("a thread")))[0]

    ended = execute(job.packed, kept_in)

    assert ended.outcome is Outcome.COMPLETED, ended.reason
    executed = nbformat.reads(ended.files["executed.ipynb"].decode(), 4)
    cell = next(cell for cell in executed.cells if "kept = []" in cell.source)
    heard = "".join(output.text for output in cell.outputs)
    assert heard == "a thread\na thread again\nby itself\n"


@pytest.mark.parametrize(
    "code",
    [
        "import asyncio\nasyncio.run = asyncio.ensure_future = None",
        "import asyncio\nasyncio.get_running_loop()._closed = True",
    ],
    ids=["functions of asyncio", "the event loop"],
)
def test_a_kernel_that_hears_nothing_more_is_not_waited_for(tmp_path: Path, code: str):
    """It has the time of one cell to begin the exam, and not that of the whole run."""
    with toys.course(tmp_path / "course", text=toys.toml(cell=2, run=600)) as course:
        ended = toys.run(course, submission(PARAMETERS, ADD, code))

    assert ended.outcome is Outcome.TIMED_OUT
    said = "the notebook left a kernel that answers nothing: the exam did not begin in 7 s, waiting"
    assert ended.reason == said


def test_no_message_is_dropped_while_nobody_reads(
    course: Assignment, monkeypatch: pytest.MonkeyPatch
):
    """More than zmq queues by itself, sent while the process that reads them has no processor."""
    looks = 0
    look = Monitor.look

    def stop_and_look(monitor: Monitor, runner: int) -> str:
        nonlocal looks
        looks += monitor.where() == "cell 4"
        if looks:
            with suppress(ProcessLookupError):  # it has ended since it was looked at
                os.kill(runner, signal.SIGSTOP if looks < 12 else signal.SIGCONT)
        return look(monitor, runner)

    monkeypatch.setattr(Monitor, "look", stop_and_look)

    ended = toys.run(course, submission(PARAMETERS, ADD, MANY))

    assert ended.outcome is Outcome.COMPLETED, ended.reason
    executed = nbformat.reads(ended.files["executed.ipynb"].decode(), 4)
    cell = next(cell for cell in executed.cells if "count" in cell.source)
    assert [output.data["text/plain"] for output in cell.outputs] == list(map(repr, range(3_000)))


def test_a_pile_in_memory_is_no_full_disk(course: Assignment):
    """A file in memory that meets the limit of a file is told as what it is."""
    ended = toys.run(course, submission(PARAMETERS, ADD, PILE))

    assert ended.outcome is Outcome.OUT_OF_MEMORY
    assert "into a file in memory" in ended.reason


def test_what_the_parser_gives_up_on_has_not_asked_for_memory(course: Assignment):
    """Python calls it MemoryError, and there is plenty."""
    ended = toys.run(course, submission(PARAMETERS, ADD, "-" * 50_000 + "1"))

    assert ended.outcome is Outcome.CELL_FAILED
    assert "is nested too deeply for Python to read it" in ended.reason


def test_an_exception_that_is_called_memory_error_is_quoted(course: Assignment):
    """The name is all that there is to see of it: the sentence says whose word it is."""
    ended = toys.run(
        course, submission(PARAMETERS, ADD, "raise type('MemoryError', (Exception,), {})")
    )

    assert "by its own error (MemoryError: )" in ended.reason
