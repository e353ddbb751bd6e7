"""Each question has time of its own: what takes too long costs itself, and nothing else."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.errors import UsageError
from assay.execution import execute as executing
from assay.execution.execute import Ended
from assay.records import Outcome
from tests.toys import toy as toys
from tests.toys.toy import arrays, submission

GIVEN = """
from types import SimpleNamespace
NAMES = ("first", "second", "third")
def draw(rng, parameters):
    return {
        name: SimpleNamespace(shown={"x": rng.normal(size=3)}, kept={}, answers={}, seconds=SECONDS)
        for name in NAMES
    }
"""
EXAM = """
from ask import ask, student
for name in ("first", "second", "third"):
    with ask(name) as (given, answer):
        answer.begun = 1
        answer.out = getattr(student, name)(given.x)
"""
GOOD = "def first(x): return x\ndef second(x): return x\ndef third(x): return x"
ENDLESS = {
    "a loop": "while True: pass",
    "a loop that swallows everything": (
        "while True:\n        try:\n            while True: pass\n        except: pass"
    ),
    "a loop that turns it into another error": (
        "try:\n        while True: pass\n    except BaseException: raise ValueError('no')"
    ),
    "a loop that hands in what it has": (
        "try:\n        while True: pass\n    except BaseException: return x"
    ),
    "signals blocked": (
        "import signal\n    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        "    while True: pass"
    ),
    "sleep": "import time; time.sleep(10_000)",
    "a lock": "import threading\n    lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "a child that computes": (
        "import subprocess, sys\n    subprocess.run([sys.executable, '-c', 'while True: pass'])"
    ),
}
HARD = {
    "signals ignored": (
        "import signal\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n    while True: pass"
    ),
    "a long call": "return sum(range(10**12))",
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """Three questions, each with a second."""
    root = tmp_path_factory.mktemp("asked") / "course"
    text = toys.toml(cell=20, run=40)
    with toys.course(root, text=text, given=GIVEN.replace("SECONDS", "1"), exam=EXAM) as assignment:
        yield assignment


@pytest.fixture
def run(course: Assignment) -> Callable[..., Ended]:
    """Execute a notebook of these cells."""
    return lambda *cells: toys.run(course, submission(*cells))


def notes(ended: Ended) -> Mapping[str, str]:
    """What became of each question."""
    found = {
        name: ended.files.get(f"evidence/{name}.json") for name in ("first", "second", "third")
    }
    read = {name: json.loads(content) for name, content in found.items() if content}
    return {name: note.get("error", note["status"]) for name, note in read.items()}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_function_costs_its_own_question(run: Callable[..., Ended], body: str):
    """Whatever it makes of being interrupted; those before and after it are answered."""
    ended = run(GOOD, f"def second(x):\n    {body}")

    took = "took longer than 5 s, waiting" if body in WAITING else "took longer than 1 s"
    assert notes(ended) == {
        "first": "answered",
        "second": f"TimeoutError: {took}",
        "third": "answered",
    }
    assert ended.outcome is Outcome.TIMED_OUT
    assert ended.reason == f"the question `second` {took}"
    assert arrays(ended.files["evidence/second.npz"]) == {}, "how much it did depends on speed"


WAITING = (ENDLESS["sleep"], ENDLESS["a lock"])


@pytest.mark.parametrize("body", HARD.values(), ids=HARD)
def test_what_no_interrupt_reaches_costs_its_own_question_too(run: Callable[..., Ended], body: str):
    """The run is made again without it."""
    ended = run(GOOD, f"def second(x):\n    {body}")

    assert notes(ended) == {
        "first": "answered",
        "second": "TimeoutError: took longer than 1 s",
        "third": "answered",
    }
    assert ended.reason == "the question `second` took longer than 1 s"


FATAL = {
    "os._exit": ("import os; os._exit(0)", "the kernel ended itself with exit code 0"),
    "an end in a thread": (
        "import os, threading; t = threading.Thread(target=os._exit, args=(3,)); t.start()\n"
        "    t.join()",
        "the kernel ended itself with exit code 3",
    ),
    "SIGKILL": ("import os; os.kill(os.getpid(), 9)", "the kernel was killed by SIGKILL"),
    "SIGTERM to its group": ("import os; os.killpg(0, 15)", "the kernel was killed by SIGTERM"),
    "a wrong address": (
        "import ctypes; ctypes.string_at(0)",
        "the kernel was killed by SIGSEGV",
    ),
    "abort": ("import os; os.abort()", "the kernel was killed by SIGABRT"),
    "another program": (
        "import os; os.execv('/bin/true', ['true'])",
        "the kernel ended itself with exit code 0",
    ),
}


@pytest.mark.parametrize(("body", "said"), FATAL.values(), ids=FATAL)
def test_what_ends_the_kernel_costs_its_own_question(
    run: Callable[..., Ended], body: str, said: str
):
    """The question is named, and the line; the run is made again without it."""
    ended = run(GOOD, f"def second(x):\n    {body}")

    found = notes(ended)
    assert (found["first"], found["third"]) == ("answered", "answered")
    assert found["second"].startswith(f"{said} in the question `second`")
    if "thread" not in body:
        assert found["second"].endswith(", in line 2 of cell 3")
    assert ended.reason == found["second"]
    assert ended.outcome in (Outcome.EXITED, Outcome.CRASHED)


def test_the_line_of_a_module_that_ends_the_kernel_is_named(course: Assignment):
    """By its path in the submission."""
    module = b"import os\n\ndef second(x):\n    os.kill(os.getpid(), 9)\n"
    ended = toys.run(
        course, submission(GOOD.replace("second", "other"), **{"solution/a.py": module})
    )

    assert ended.reason == (
        "the kernel was killed by SIGKILL in the question `second`, in line 4 of `solution/a.py`"
    )
    assert notes(ended)["third"] == "answered"


def test_each_of_several_that_end_the_kernel_is_named(run: Callable[..., Ended]):
    """The run says how the first one did."""
    ended = run(GOOD, "import os\ndef first(x): os._exit(1)\ndef third(x): os.abort()")

    assert notes(ended)["second"] == "answered"
    assert "exit code 1" in notes(ended)["first"]
    assert "SIGABRT" in notes(ended)["third"]
    assert ended.reason == f"{notes(ended)['first']}, and 1 more after it"


@pytest.mark.parametrize(
    "body",
    [
        "import sys, threading; t = threading.Thread(target=sys.exit); t.start(); t.join()",
        "import os\n    if os.fork() == 0: os._exit(0)\n    os.wait()",
        "import os; os.kill(os.getpid(), 0)",
        "import faulthandler; faulthandler.enable(); faulthandler.disable()",
    ],
    ids=["a thread exits", "a child exits", "it asks whether it lives", "faulthandler"],
)
def test_what_only_looks_like_an_end_is_an_answer(run: Callable[..., Ended], body: str):
    """The kernel lives on."""
    ended = run(GOOD, f"def second(x):\n    {body}\n    return x")

    assert notes(ended) == dict.fromkeys(("first", "second", "third"), "answered")
    assert ended.outcome is Outcome.COMPLETED


def test_answers_that_never_end_when_they_are_read_are_ended(run: Callable[..., Ended]):
    """What is handed in may compute when it is made an array of."""
    lazy = "class Lazy:\n    def __array__(self, *a, **k):\n        while True: pass"
    ended = run(GOOD, f"{lazy}\ndef second(x): return Lazy()")

    assert notes(ended)["second"] == "TimeoutError: took longer than 1 s"
    assert notes(ended)["third"] == "answered"


def test_an_adapter_that_never_ends_costs_one_question(course: Assignment):
    """The line is not begun again; the names below it are there for the next question."""
    adapter = b"while True: pass\nthird = second\n"
    ended = toys.run(course, submission(GOOD, **{"adapter.py": adapter}))

    assert notes(ended) == {
        "first": "TimeoutError: took longer than 1 s",
        "second": "answered",
        "third": "answered",
    }


def test_a_module_that_never_ends_costs_one_question(course: Assignment):
    """Its import is not begun again."""
    package = {"solution/__init__.py": b"", "solution/a.py": b"first = 1\nwhile True: pass\n"}
    package |= {"solution/b.py": GOOD.encode()}
    ended = toys.run(course, submission("x = 1", **package))

    assert notes(ended)["first"] == "TimeoutError: took longer than 1 s"
    assert notes(ended)["third"] == "answered"


def test_a_keyboard_interrupt_of_the_students_own_is_an_answer(run: Callable[..., Ended]):
    """It ends nothing but its question."""
    ended = run(GOOD, "def second(x): raise KeyboardInterrupt('mine')")

    assert ended.outcome is Outcome.COMPLETED
    assert notes(ended)["second"] == "KeyboardInterrupt: mine"
    assert notes(ended)["third"] == "answered"


def test_where_too_many_cannot_be_interrupted_the_last_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What was never reached is told which question took the time."""
    monkeypatch.setattr("assay.execution.execute.SPENT_AT_MOST", 1)
    body = HARD["signals ignored"]
    with toys.course(
        tmp_path / "course",
        text=toys.toml(cell=20, run=40),
        given=GIVEN.replace("SECONDS", "1"),
        exam=EXAM,
    ) as course:
        ended = toys.run(
            course, submission(GOOD, f"def first(x):\n    {body}\ndef second(x):\n    {body}")
        )

    assert notes(ended) == {"first": "TimeoutError: took longer than 1 s"}
    assert ended.reason == (
        "the question `first` took longer than 1 s, and 1 more after it; "
        "`second` could not be interrupted, which ended the exam"
    )


def test_a_question_has_the_default_where_the_rubric_says_nothing(tmp_path: Path):
    """`question_seconds` of assignment.toml."""
    text = toys.toml(cell=20, run=40).replace("run_seconds", "question_seconds = 1.5\nrun_seconds")
    given = GIVEN.replace(", seconds=SECONDS", "")
    with toys.course(tmp_path / "course", text=text, given=given, exam=EXAM) as course:
        ended = toys.run(course, submission(GOOD, "def third(x):\n    while True: pass"))

    assert ended.reason == "the question `third` took longer than 1.5 s"


@pytest.mark.parametrize("seconds", ["'long'", "0", "-1", "float('nan')", "True"])
def test_seconds_that_are_none_are_the_courses_fault(tmp_path: Path, seconds: str):
    """Told before anything is run."""
    given = GIVEN.replace("SECONDS", seconds)
    with (
        toys.course(tmp_path / "course", given=given, exam=EXAM) as course,
        pytest.raises(UsageError, match="the question `first`"),
    ):
        toys.jobs(course, submission(GOOD))[0].packed  # noqa: B018 - it is put together now


def test_the_exam_as_a_whole_has_a_limit_that_names_the_question(tmp_path: Path):
    """`run_seconds` once more: what was never reached is told where it ended."""
    given = GIVEN.replace("SECONDS", "20")
    with toys.course(
        tmp_path / "course", text=toys.toml(cell=20, run=2), given=given, exam=EXAM
    ) as course:
        ended = toys.run(course, submission(GOOD, "def second(x):\n    while True: pass"))

    assert notes(ended) == {"first": "answered"}
    assert ended.outcome is Outcome.TIMED_OUT
    assert ended.reason == "the exam took longer than 2 s, in the question `second`"


def test_a_kernel_of_another_user_is_told_that_its_time_is_up(
    run: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
):
    """Though files of ours are for us alone: `umask 077`."""
    attempts, attempt = list[bytes](), executing._attempt
    monkeypatch.setattr(
        executing, "_attempt", lambda job, *of: attempts.append(job) or attempt(job, *of)
    )
    before = os.umask(0o077)
    try:
        ended = run(GOOD, "def second(x):\n    while True: pass")
    finally:
        os.umask(before)

    assert notes(ended)["second"] == "TimeoutError: took longer than 1 s"
    assert len(attempts) == 1, "it was not made again"


FORGERIES = {
    "nothing is asked": "(evidence / 'asking.txt').write_text('')",
    "another question is asked": "(evidence / 'asking.txt').write_text('99 third')",
    "a folder in its place": (
        "os.unlink(evidence / 'asking.txt'); (evidence / 'asking.txt').mkdir()"
    ),
    "a pipe in its place": (
        "os.unlink(evidence / 'asking.txt'); os.mkfifo(evidence / 'asking.txt')"
    ),
    "an answer, and nothing is asked": (
        "(evidence / 'second.json').write_text('{}'); (evidence / 'asking.txt').write_text('')"
    ),
    "a question that was not handed out": (
        "sys.modules['assay-switches'].tell({'asking': '99 fourth'})"
    ),
    "the same question once more": "sys.modules['assay-switches'].tell({'asking': '99 second'})",
    "what is asked is kept at nothing": (
        "threading.Thread(target=lambda: [time.sleep(0.01) or (evidence / 'asking.txt')"
        ".write_text('') for _ in range(500)], daemon=True).start()"
    ),
    "a call that lets no other thread run": "sum(range(10**12))",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_who_forges_what_is_asked_gains_no_time(run: Callable[..., Ended], forgery: str):
    """At once, before anybody has looked: the question has its own limit all the same."""
    head = (
        "import os, sys, threading, time\nfrom pathlib import Path\n"
        "evidence = Path(os.environ['ASSAY_SUPPORT']).parent / 'evidence'\n"
    )
    body = f"def second(x):\n    {forgery}\n    while True: pass"

    ended = run(GOOD, head + body)

    assert ended.cpu_seconds < 15
    assert ended.outcome is Outcome.TIMED_OUT
    assert ended.reason.startswith("the question `second` took longer than 1 s")
    assert "took longer than 1 s" in notes(ended)["second"]
    assert notes(ended)["first"] == "answered"


BURN = "import time\ndef burn(seconds):\n    until = time.process_time() + seconds\n" + (
    "    while time.process_time() < until: pass"
)


def test_what_each_question_and_cell_took_is_told(run: Callable[..., Ended]):
    """By both clocks: one that sleeps takes time, and no processor.

    It is told from when it was heard of, which on a busy machine is late.
    """
    ended = run(
        f"{GOOD}\n{BURN}",
        "def second(x):\n    burn(0.6)\n    return x\n"
        "def third(x):\n    time.sleep(2)\n    return x",
        "burn(1)",
    )

    assert notes(ended) == dict.fromkeys(("first", "second", "third"), "answered")
    second, third = ended.questions["second"], ended.questions["third"]
    assert 0.25 < second.cpu_seconds <= second.seconds + 0.05
    assert third.cpu_seconds < 0.2 < 0.35 < third.seconds
    assert ended.exam is not None
    assert second.cpu_seconds + third.cpu_seconds < ended.exam.cpu_seconds < ended.cpu_seconds
    assert [(cell.cpu_seconds or 0) > 0.6 for cell in ended.cells] == [False, False, False, True]


@pytest.mark.parametrize("end", ["while True: pass", "import os; burn(0.2); os._exit(0)"])
def test_a_question_that_was_ended_has_its_time_told(run: Callable[..., Ended], end: str):
    """Where it took its kernel with it, the run that counts did not put it."""
    ended = run(f"{GOOD}\n{BURN}", f"def second(x):\n    {end}")

    took = ended.questions["second"].cpu_seconds if "second" in ended.questions else 0.0
    assert (took > 0.9) == ("while" in end)


def test_a_kernel_cannot_tell_the_time_of_what_it_was_not_asked(run: Callable[..., Ended]):
    """Nor end a question whose turn it is not."""
    switches = "__import__('sys').modules['assay-switches']"
    ended = run(
        f"{GOOD}\n{BURN}",
        f"def second(x):\n    {switches}.tell({{'asking': '9 made up'}})\n    burn(0.5)\n"
        f"    {switches}.tell({{'question': 'made up', 'digest': ''}})\n    return x",
    )

    assert set(ended.questions) <= {"first", "second", "third"}
    assert ended.questions["second"].cpu_seconds > 0.08


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_question_that_ends_the_kernel_before_it_was_heard_of_is_known(
    run: Callable[..., Ended], end: str
):
    """zmq sends from a thread of its own: what was said last may die with the kernel, unsent."""
    unsent = (
        "import os, sys\nswitches = sys.modules['assay-switches']\nsend = switches.tell\n"
        "again = os.path.exists(switches.__file__.replace('switches.py', 'spent.json'))\n"
        "switches.tell = lambda s: not again and s.get('asking') == '2 second' or send(s)"
    )
    ended = run(GOOD, f"{unsent}\ndef second(x): {end}")

    assert (notes(ended)["first"], notes(ended)["third"]) == ("answered", "answered")
    assert " in the question `second`, in line 6 of cell 3" in notes(ended)["second"]
    assert "evidence/asking.txt" not in ended.files


def test_a_question_that_was_never_drawn_cannot_be_said_to_be_asked(run: Callable[..., Ended]):
    """The file is the student's to write: only what was handed out is read in it."""
    forge = (
        "file = sys.modules['ask'].WORKDIR / 'evidence' / 'asking.txt'\n"
        "    time.sleep(2)  # what was said by message is out; the file alone was forged\n"
        "    file.write_text('9 fourth'); os.kill(os.getpid(), 9)"
    )
    ended = run(GOOD, f"import os, sys, time\ndef second(x):\n    {forge}")

    assert (notes(ended)["first"], notes(ended)["third"]) == ("answered", "answered")
    assert "in the question `second`" in notes(ended)["second"]


@pytest.mark.thorough
@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_an_end_at_once_is_known_every_time(run: Callable[..., Ended], end: str):
    """Twenty times: the question is named, and the one after it is answered."""
    ends = [run(GOOD, f"import os\ndef second(x): {end}") for _ in range(20)]

    assert {notes(ended)["third"] for ended in ends} == {"answered"}
    assert all("in the question `second`" in notes(ended)["second"] for ended in ends)
