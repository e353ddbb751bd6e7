"""The real sandbox, attacked: every claim of docs/sandbox.md by code that tries the opposite."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from assay.assignment import Assignment
from assay.errors import OurFault
from assay.records import Isolation, Outcome
from assay.run import cgroup, prove, reach, sandbox, seccomp
from assay.run.execute import Ended, execute
from assay.run.prove import ATTEMPTS, KEPT_FROM, Trial
from assay.run.sandbox import Sandbox
from tests.assay import toy as toys
from tests.assay.toy import ADD, submission

PINNED = int(os.environ.get("ASSAY_PINNED_ISOLATION", "0"))
"""A machine that is to test the sandbox says so; elsewhere what it lacks is skipped."""

PROBED = toys.GIVEN.replace(
    "    return {",
    "    probe = SimpleNamespace(shown={}, kept={}, answers={})\n"
    "    return {\n        'probe': probe,",
)
LOOK = toys.EXAM + "\nwith ask('probe') as (given, answer):\n    answer.found = student.found\n"
TRY = """
import ctypes, os, signal, socket, sys
from pathlib import Path
found = {}
def attempt(name, what):
    try:
        found[name] = str(what())
    except BaseException as error:
        found[name] = f"kept: {type(error).__name__}"
"""


def kept(level: int) -> Sandbox:
    """A sandbox of this level, or a skipped test where the machine cannot have it."""
    try:
        return prove.at(level)
    except OurFault as error:
        if level <= PINNED:
            raise
        pytest.skip(str(error.what))


def test_the_machine_has_the_level_that_is_pinned():
    """Where CI says what its machine can do, less is a failure and no skipped test."""
    assert prove.best().level >= PINNED


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """The toy with an exam that looks at what an attack has found."""
    root = tmp_path_factory.mktemp("attacked") / "course"
    with toys.course(root, text=toys.toml(cell=6, run=15), exam=LOOK, given=PROBED) as assignment:
        yield assignment


@pytest.fixture(scope="module", params=[4, 3])
def at_both(request: pytest.FixtureRequest, course: Assignment) -> Callable[..., Ended]:
    """Execute a notebook of these cells at level 4, and at level 3."""
    return _executing(course, kept(request.param))


@pytest.fixture(scope="module")
def run(course: Assignment) -> Callable[..., Ended]:
    """Execute a notebook of these cells, with or without a cgroup: what is tested needs none."""
    kept(3)
    return _executing(course, prove.best())


def _executing(course: Assignment, chosen: Sandbox) -> Callable[..., Ended]:
    def of(*cells: str, **limits: float) -> Ended:
        small = course.model_copy(
            update={"limits": course.limits.model_copy(update={"memory_mb": 512.0, **limits})}
        )
        return execute(toys.jobs(small, submission(*cells))[0].packed, chosen)

    return of


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """A port on which this machine really listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname(), timeout=5):
            yield listening.getsockname()[1]


@pytest.fixture(scope="module")
def found(
    at_both: Callable[..., Ended], server: int, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What a notebook found that tried everything it should not."""
    secret = tmp_path_factory.mktemp("other") / "secret.txt"
    secret.write_text("the answers")
    here = Path(__file__).parents[2]
    tries = {
        "secret": f"Path({str(secret)!r}).read_text()",
        "rubric": f"Path({str(here / 'assignment.toml')!r}).read_text()",
        "temporary": f"[n for n in os.listdir({tempfile.gettempdir()!r}) if 'assay' in n]",
        "kept": "list(Path('/desk').rglob('*kept*'))",
        "desk": "sorted(os.listdir('/desk'))",
        "processes": "sorted(int(n) for n in os.listdir('/proc') if n.isdigit())[-1] < 100",
        "others": f"Path('/proc/{os.getpid()}/environ').read_bytes()",
        "kill": f"os.kill({os.getpid()}, 0)",
        "network": f"socket.create_connection(('127.0.0.1', {server}), timeout=1)",
        "interfaces": "socket.if_nameindex()",
        "submission": "Path('/desk/submission/new').write_text('x')",
        "kit": "Path('/desk/kit/ask.py').write_text('x')",
        "given": "Path('/desk/given/new').write_text('x')",
        "python": "Path(sys.prefix, 'new').write_text('x')",
        "site": "Path(os.__file__).with_name('sitecustomize.py').write_text('x')",
        "root": "Path('/new').write_text('x')",
        "dev": "Path('/dev/new').write_text('x')",
        "core": "open('/proc/sys/kernel/core_pattern', 'w')",
        "user": "os.setuid(0) or os.getuid()",
        "namespace": "ctypes.CDLL(None).unshare(0x10000000)",
        "mount": "ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "trace": "ctypes.CDLL(None).ptrace(16, 1, 0, 0)",
        "capabilities": "[l for l in open('/proc/self/status') if l.startswith('CapEff')][0]",
        "environment": "sorted(os.environ)",
        "home": "Path.home()",
        "written": "Path('beside.txt').write_text('mine')",
    }
    lines = [f"attempt({name!r}, lambda: {what})" for name, what in tries.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_TOKEN", "the key to the gradebook")
        ended = at_both(TRY + "\n".join(lines), ADD)

    assert ended.outcome is Outcome.COMPLETED, ended.reason
    return json.loads(ended.files["evidence/probe.json"])["text"]["found"]


@pytest.mark.parametrize("name", ["secret", "rubric"])
def test_files_outside_are_not_there(found: dict[str, str], name: str):
    """Neither what another run has nor what the judge knows, though the paths are known."""
    assert found[name].startswith("kept: ")


def test_no_other_desk_can_be_seen(found: dict[str, str]):
    """The temporary folder inside is another one."""
    assert found["temporary"] == "[]" or found["temporary"].startswith("kept: ")


def test_a_desk_has_only_what_the_exam_needs(found: dict[str, str]):
    """No answers, no record of the job."""
    names = {"boot", "evidence", "fonts", "given", "ipc", "kit", "submission"}

    assert set(json.loads(found["desk"].replace("'", '"'))) == names
    assert found["kept"] == "[]"


@pytest.mark.parametrize("name", ["others", "kill"])
def test_processes_outside_cannot_be_reached(found: dict[str, str], name: str):
    """They have no number in here."""
    assert found[name].startswith("kept: ")
    assert found["processes"] == "True"


def test_there_is_no_network(found: dict[str, str]):
    """Not even to a server on this machine that really listens."""
    assert found["network"].startswith("kept: ")


@pytest.mark.parametrize(
    "name", ["submission", "kit", "given", "python", "site", "root", "dev", "core"]
)
def test_what_is_given_cannot_be_changed(found: dict[str, str], name: str):
    """Neither what was handed in nor what asks the questions nor what the next run starts with."""
    assert found[name].startswith("kept: ")


@pytest.mark.parametrize("name", ["namespace", "mount", "trace"])
def test_system_calls_that_open_doors_are_refused(found: dict[str, str], name: str):
    """No namespaces, no mounts, no tracing."""
    assert found[name] == "-1"


def test_there_is_no_way_to_become_root(found: dict[str, str]):
    """No user to change to, and no capability that is left."""
    assert found["user"].startswith("kept: ")
    assert int(found["capabilities"].split()[1], 16) == 0


def test_the_environment_is_ours_to_choose(found: dict[str, str]):
    """What we hold in our own is not in theirs."""
    assert "SECRET_TOKEN" not in found["environment"]
    assert found["home"] == "/home/student"


def test_a_notebook_may_write_beside_itself(found: dict[str, str]):
    """In a copy, in memory, of a size."""
    assert found["written"] == "4"


def test_the_user_really_changes(course: Assignment):
    """Where we are root, what a run writes belongs to a user that nobody is."""
    if os.getuid() != 0:
        pytest.skip("only root has a user to give up")
    chosen = kept(3)
    look = "import os, time\ntime.sleep(3)"
    job = toys.jobs(course, submission(look, ADD))[0].packed
    uids: set[int] = set()
    with subprocess.Popen(
        [sys.executable, "-c", _EXECUTE, str(chosen.bwrap)], stdin=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        running.stdin.write(job)
        running.stdin.close()
        while running.poll() is None:
            for process in psutil.Process(running.pid).children(recursive=True):
                try:
                    if "boot.start()" in " ".join(process.cmdline()):
                        uids |= set(process.uids())
                except psutil.Error:
                    continue

    assert uids - {0} <= set(sandbox.UIDS)
    assert uids - {0}


_EXECUTE = """
import sys
from pathlib import Path
from assay.run.execute import execute
from assay.run.sandbox import Sandbox
execute(sys.stdin.buffer.read(), Sandbox(3, Path(sys.argv[1])))
"""

HOGS = {
    "at once": "x = bytearray(10**9)",
    "in steps, the error swallowed": (
        "hog = []\nwhile True:\n    try:\n        hog.append(bytearray(10**7))\n"
        "    except MemoryError:\n        pass"
    ),
}


@pytest.mark.parametrize("hog", HOGS)
def test_a_memory_hog_is_named_so(at_both: Callable[..., Ended], hog: str):
    """The cell, the limit and what was measured."""
    ended = at_both("x = 1", HOGS[hog], ADD, cell_seconds=2.0)

    assert ended.outcome is Outcome.OUT_OF_MEMORY
    assert "cell 3" in ended.reason
    assert "512 MB" in ended.reason


def test_memory_that_no_process_owns_alone_is_counted(course: Assignment):
    """Shared pages are in no rlimit; the cgroup ends the run, and says its peak."""
    small = course.limits.model_copy(update={"memory_mb": 512.0})
    job = toys.jobs(course.model_copy(update={"limits": small}), submission(_SHARED, ADD))[0]
    ended = execute(job.packed, kept(4))

    assert ended.outcome is Outcome.OUT_OF_MEMORY
    assert ended.reason == "cell 2 used more than 512 MB of memory (peak 768 MB)"


_SHARED = """
import mmap
shared, piece = mmap.mmap(-1, 10**9), bytes([1]) * 10**7
for _ in range(100):
    shared.write(piece)
"""


def test_a_fork_storm_meets_a_limit(at_both: Callable[..., Ended]):
    """And is ended as a whole."""
    ended = at_both("import os\nwhile True:\n    os.fork()", ADD)

    assert ended.outcome is Outcome.TOO_MANY_PROCESSES
    assert ended.reason.startswith("cell 2 started more than 128 processes and threads at once")


def test_threads_are_counted_as_processes_are(at_both: Callable[..., Ended]):
    """The error in the cell names the limit."""
    ended = at_both(
        "import threading, time\n"
        "for _ in range(500):\n    threading.Thread(target=time.sleep, args=(9,)).start()",
        ADD,
        memory_mb=2048.0,
    )

    assert ended.outcome is Outcome.TOO_MANY_PROCESSES


@pytest.mark.parametrize(
    "loop",
    [
        "while True:\n    pass",
        "while True:\n    try:\n        while True:\n            pass\n"
        "    except BaseException:\n        pass",
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
    ],
)
def test_an_endless_loop_times_out(run: Callable[..., Ended], loop: str):
    """Whether it lets itself be interrupted or not."""
    ended = run(loop, ADD, cell_seconds=1.0, run_seconds=6.0)

    assert ended.outcome is Outcome.TIMED_OUT
    assert "cell 2" in ended.reason or "it ended in" in ended.reason
    assert ended.seconds < 12


FLOODS = {
    "one large display": (
        "from IPython.display import HTML, display\ndisplay(HTML('x' * 40_000_000))\n"
        "import time\ntime.sleep(4)"
    ),
    "an endless print": "while True:\n    print('x' * 1000)",
    "many small prints": "for _ in range(20_000):\n    print('x' * 600, flush=True)",
}


@pytest.mark.parametrize("flood", FLOODS)
def test_too_much_output_ends_the_run(run: Callable[..., Ended], flood: str):
    """Counted before anybody keeps it."""
    ended = run(FLOODS[flood], ADD, cell_seconds=30.0, run_seconds=40.0)

    assert ended.outcome is Outcome.TOO_MUCH_OUTPUT
    assert ended.reason.startswith("cell 2 sent")
    assert "8 MB" in ended.reason
    assert len(ended.files.get("executed.ipynb", b"")) < 10_000_000


def test_output_of_all_cells_together_has_a_limit(run: Callable[..., Ended]):
    """Six cells of 7 MB each are more than 32 MB."""
    cells = ["for _ in range(7):\n    print('x' * 1_000_000, flush=True)"] * 6
    ended = run(*cells, ADD, cell_seconds=30.0, run_seconds=40.0)

    assert ended.outcome is Outcome.TOO_MUCH_OUTPUT
    assert "above 32 MB" in ended.reason


FILLERS = {
    "one large file": (
        "with open('large', 'wb') as f:\n    while True:\n        f.write(bytes(10**7))"
    ),
    "many files": (
        "for i in range(20):\n    with open(f'{i}', 'wb') as f:\n        f.write(bytes(10**8))"
    ),
    "the evidence": (
        "for i in range(5):\n    with open(f'/desk/evidence/{i}', 'wb') as f:\n"
        "        f.write(bytes(10**8))\nimport time\ntime.sleep(3)"
    ),
    "thousands of small files": (
        "for i in range(10_000):\n    open(f'/desk/evidence/{i}', 'w').close()\n"
        "import time\ntime.sleep(3)"
    ),
}


@pytest.mark.parametrize("filler", FILLERS)
def test_a_full_disk_is_the_runs_own(run: Callable[..., Ended], filler: str):
    """The machine's disk does not fill; the run is told that its own did."""
    ended = run(FILLERS[filler], ADD)

    assert ended.outcome is Outcome.DISK_FULL
    assert ended.reason.startswith("cell 2 ")


ENDS = {
    "import os; os._exit(0)": (Outcome.EXITED, "exit code 0 in cell 2"),
    "import os; os.kill(os.getpid(), 9)": (Outcome.CRASHED, "SIGKILL in cell 2"),
    "import ctypes; ctypes.string_at(0)": (Outcome.CRASHED, "SIGSEGV in cell 2"),
    "import os; os.abort()": (Outcome.CRASHED, "SIGABRT in cell 2"),
    "import sys; sys.exit(0)": (Outcome.CELL_FAILED, "cell 2 raised SystemExit: 0"),
}


@pytest.mark.parametrize("end", ENDS)
def test_how_a_kernel_ended_is_told_from_its_wait_status(run: Callable[..., Ended], end: str):
    """Through the sandbox around it as without one."""
    outcome, words = ENDS[end]
    ended = run(end, ADD)

    assert ended.outcome is outcome
    assert words in ended.reason


FORGERIES = {
    "no signature": "k.iopub_socket.send_multipart([b'kernel', b'<IDS|MSG>'] + [b'{}'] * 5)",
    "no delimiter": "k.iopub_socket.send_multipart([b'nonsense'])",
    "no content": (
        "k.session.send(k.iopub_socket, 'stream', content={}, parent=k.get_parent())\n"
        "import time; time.sleep(1)"
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_messages_that_cannot_be_read_are_the_students_doing(
    run: Callable[..., Ended], forgery: str
):
    """`protocol broken`, never our fault, and never a completed run."""
    ended = run(f"k = get_ipython().kernel\n{FORGERIES[forgery]}", ADD)

    assert ended.outcome is Outcome.PROTOCOL_BROKEN
    assert "cell 2" in ended.reason


def test_nothing_is_left_behind(
    course: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """No process, no cgroup, no folder, after a run that tried to leave all three."""
    kept(3)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    marker = f"{40_000 + os.getpid()}.5"
    cell = (
        "import os, subprocess\n"
        f"subprocess.Popen(['sleep', '{marker}'], start_new_session=True)\n"
        "os.makedirs('/desk/evidence/' + 'd/' * 500)\nos.chmod('/desk/evidence/d', 0)"
    )
    groups = set(cgroup_folders())
    execute(toys.jobs(course, submission(cell, ADD))[0].packed)

    assert not _lives(marker)
    assert set(cgroup_folders()) <= groups
    assert list(tmp_path.iterdir()) == []


def test_kernels_end_with_the_program_that_started_them(course: Assignment):
    """Though it was killed in the middle of a run, and could not end anything itself."""
    chosen = kept(3)
    marker = f"{50_000 + os.getpid()}.5"
    job = toys.jobs(course, submission(f"!sleep {marker}", ADD))[0].packed
    program = [sys.executable, "-c", _EXECUTE, str(chosen.bwrap)]
    with tempfile.TemporaryDirectory() as folder:
        running = subprocess.Popen(
            program, stdin=subprocess.PIPE, env=os.environ | {"TMPDIR": folder}
        )
        assert running.stdin is not None
        with running.stdin as job_goes_in:
            job_goes_in.write(job)
        _wait_until(lambda: _lives(marker))
        running.kill()
        running.wait()

        _wait_until(lambda: not _lives(marker))


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def _lives(marker: str) -> bool:
    lines = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    return any(marker in line for line in lines)


def cgroup_folders() -> list[Path]:
    return [path for path in cgroup.ROOT.rglob("assay-*") if path.name != cgroup.LEAF]


@pytest.mark.parametrize("level", range(5))
def test_the_level_is_what_the_canary_proved(level: int):
    """Every attempt that succeeded takes away the levels that promise against it."""
    succeeded = dict.fromkeys(ATTEMPTS, False)
    if level < 4:
        succeeded[KEPT_FROM[level + 1][0]] = True

    assert Trial(Sandbox(4), succeeded).level == level


def test_a_canary_that_said_nothing_has_proved_nothing():
    """An attempt that was not made is not one that failed."""
    missing = {name: False for name in ATTEMPTS if name != "read our home folder"}

    assert Trial(Sandbox(4), missing).level == 0


def test_a_sandbox_is_never_called_more_than_it_is():
    """A canary that got nowhere in Landlock has not proved bubblewrap."""
    assert Trial(Sandbox(1), dict.fromkeys(ATTEMPTS, False)).level == 1


def test_the_canary_sees_what_a_weaker_sandbox_lets_through():
    """Landlock alone hides no processes: the attempt succeeds, so it is a real one."""
    kept(1)
    trial = prove.attempt(Sandbox(1))

    assert trial.level == 1
    assert trial.succeeded["see a process outside"]
    assert not trial.succeeded["read a file of another submission"]


def test_less_than_required_stops(monkeypatch: pytest.MonkeyPatch):
    """With what is missing, and where to find out how to get it."""
    isolation = Isolation(level=1, missing=["could see a process outside"])
    monkeypatch.setattr(prove, "best", lambda: Sandbox(1, isolation=isolation))

    with pytest.raises(OurFault) as refused:
        prove.require(3, Path(__file__).parent)

    assert "level 3 is required, and this machine has level 1" in str(refused.value)
    assert "could see a process outside" in str(refused.value)
    assert "assay doctor" in str(refused.value)


def test_a_course_where_every_sandbox_looks_is_refused():
    """Its rubric would be readable, whatever the level."""
    with pytest.raises(OurFault, match="which student code can read"):
        prove.require(1, Path("/usr/share/course"))


def test_folders_that_only_their_owner_may_enter_are_found(tmp_path: Path):
    """They are what another user cannot pass on the way to Python."""
    inside = tmp_path / "shut" / "open" / "python"
    inside.mkdir(parents=True)
    inside.parents[1].chmod(0o700)
    above = reach.barriers([tmp_path])

    assert reach.barriers([inside]) == (above or [inside.parents[1]])


def test_the_filter_is_written_for_two_processors():
    """Elsewhere there is none, and the level says so."""
    assert {len(seccomp.program(name) or b"") % 8 for name in ("x86_64", "aarch64")} == {0}
    assert seccomp.program("x86_64") != seccomp.program("aarch64")
    assert seccomp.program("riscv64") is None


class FakeGroups:
    """A tree of version 2 groups in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, name: str, *, shared: str = "", members: str = "") -> Path:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu memory pids")
        (folder / "cgroup.subtree_control").write_text(shared)
        (folder / "cgroup.procs").write_text(members)
        return folder


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGroups:
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    monkeypatch.setattr(cgroup, "_own", lambda: {"": "/user/scope"})
    made = FakeGroups(tmp_path)
    made.add("", shared="memory pids")
    made.add("user", shared="memory pids")
    return made


def test_a_delegated_group_is_shared_out_from_a_leaf(groups: FakeGroups):
    """Version 2 gives controllers to children only where the parent has no members."""
    scope = groups.add("user/scope", members=str(os.getpid()))
    made = cgroup.create(1000, 10)

    assert made is not None
    assert made.memory.parent == scope
    assert (scope / cgroup.LEAF / "cgroup.procs").read_text() == str(os.getpid())
    assert (scope / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert (made.memory / "memory.max").read_text() == "1000"
    assert (made.memory / "pids.max").read_text() == "10"


def test_a_group_where_others_live_is_left_as_it_is(groups: FakeGroups):
    """The next one above that shares its controllers is taken."""
    scope = groups.add("user/scope", members=f"{os.getpid()}\n1")
    made = cgroup.create(1000, 10)

    assert made is not None
    assert made.memory.parent == groups.root / "user"
    assert not (scope / cgroup.LEAF).exists()


def test_counters_of_version_2_are_read(groups: FakeGroups):
    """Kills for memory, refused forks, the peak."""
    groups.add("user/scope", members=str(os.getpid()))
    made = cgroup.create(1000, 10)
    assert made is not None
    (made.memory / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (made.memory / "memory.peak").write_text("900\n")
    (made.memory / "pids.events").write_text("max 7\n")

    assert made.counters() == cgroup.Counters(oom_kills=2, peak=900, refused_forks=7)
