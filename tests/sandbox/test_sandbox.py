"""The real sandbox, attacked: every claim of docs/sandbox.md by code that tries the opposite."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from assay.course.assignment import Assignment
from assay.errors import OurFault
from assay.execution import isolation
from assay.execution.execute import Ended
from assay.execution.isolation import ATTEMPTS, KEPT_FROM, Trial
from assay.records import Isolation, Outcome
from assay.sandbox import privileges, sandbox
from assay.sandbox.inside import canary, seccomp
from assay.sandbox.level import Level
from assay.sandbox.sandbox import Sandbox
from tests.toys import toy as toys
from tests.toys.kept import EVERY_SANDBOX, PINNED, PROGRAM, executing, kept
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, submission

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


def test_the_machine_has_the_level_that_is_pinned():
    """Where CI says what its machine can do, less is a failure and no skipped test."""
    assert MACHINE.isolation.best().level >= PINNED


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """The toy with an exam that looks at what an attack has found."""
    root = tmp_path_factory.mktemp("attacked") / "course"
    with toys.course(root, text=toys.toml(cell=6, run=15), exam=LOOK, given=PROBED) as assignment:
        yield assignment


@pytest.fixture(scope="module", params=EVERY_SANDBOX)
def at_both(request: pytest.FixtureRequest, course: Assignment) -> Callable[..., Ended]:
    """Execute a notebook of these cells at level 4, and at level 3."""
    level, warm = request.param
    return executing(course, kept(level, warm=warm))


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
        "kept": "list(Path('/assay-run').rglob('*kept*'))",
        "workdir": "sorted(os.listdir('/assay-run'))",
        "processes": "sorted(int(n) for n in os.listdir('/proc') if n.isdigit())[-1] < 100",
        "others": f"Path('/proc/{os.getpid()}/environ').read_bytes()",
        "kill": f"os.kill({os.getpid()}, 0)",
        "network": f"socket.create_connection(('127.0.0.1', {server}), timeout=1)",
        "interfaces": "socket.if_nameindex()",
        "submission": "Path('/assay-run/submission/new').write_text('x')",
        "support": "Path('/assay-run/support/ask.py').write_text('x')",
        "given": "Path('/assay-run/given/new').write_text('x')",
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


def test_no_other_workdir_can_be_seen(found: dict[str, str]):
    """The temporary folder inside is another one."""
    assert found["temporary"] == "[]" or found["temporary"].startswith("kept: ")


def test_a_workdir_has_only_what_the_exam_needs(found: dict[str, str]):
    """No answers, no record of the job."""
    names = {"boot", "evidence", "fonts", "given", "support", "submission"}

    assert set(json.loads(found["workdir"].replace("'", '"'))) == names
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
    "name", ["submission", "support", "given", "python", "site", "root", "dev", "core"]
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
        [sys.executable, "-c", PROGRAM, str(chosen.bwrap)], stdin=subprocess.PIPE
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


@pytest.mark.parametrize("level", range(5))
def test_the_level_is_what_the_canary_proved(level: int):
    """Every attempt that succeeded takes away the levels that promise against it."""
    succeeded = dict.fromkeys(ATTEMPTS, False)
    if level < 4:
        succeeded[KEPT_FROM[level + 1][0]] = True

    assert Trial(Sandbox(Level(4)), succeeded).level == level


def test_a_canary_that_said_nothing_has_proved_nothing():
    """An attempt that was not made is not one that failed."""
    missing = {name: False for name in ATTEMPTS if name != "read our home folder"}

    assert Trial(Sandbox(Level(4)), missing).level == 0


def test_a_sandbox_is_never_called_more_than_it_is():
    """A canary that got nowhere in Landlock has not proved bubblewrap."""
    assert Trial(Sandbox(Level(1)), dict.fromkeys(ATTEMPTS, False)).level == 1


def test_without_limits_what_limits_stop_succeeds(tmp_path: Path):
    """Processes, memory and room on the disk: that a canary fails there shows a limit."""
    told = {"processes": 20, "memory": 4 << 20, "home": str(tmp_path)}

    assert canary._starts(20)
    assert canary._holds(told["memory"])
    assert canary._room(told["home"]) > canary.UNBOUNDED


def test_a_limit_on_processes_stops_the_canary():
    """As another user, who may have ten."""
    if os.getuid() != 0:
        pytest.skip("only root may become another user")
    program = (
        "import os, resource, sys; sys.path.insert(0, sys.argv[1]); import canary\n"
        "os.setuid(61000); resource.setrlimit(resource.RLIMIT_NPROC, (10, 10))\n"
        "print(canary._starts(20))"
    )
    room = str(Path(canary.__file__).parent)
    ended = subprocess.run(
        [sys.executable, "-c", program, room], capture_output=True, text=True, check=True
    )

    assert ended.stdout == "False\n"


def test_a_probe_that_does_not_work_proves_nothing(monkeypatch: pytest.MonkeyPatch):
    """A system that refuses every clone has not shown a limit."""

    class Refusing:
        pause = None

        def __init__(self, *_: object, **__: object) -> None: ...

        def clone(self, *_: object) -> int:
            return -1

    monkeypatch.setattr(canary.ctypes, "CDLL", Refusing)

    assert canary._starts(20)


def test_the_canary_sees_what_a_weaker_sandbox_lets_through():
    """Landlock alone hides no processes: the attempt succeeds, so it is a real one."""
    kept(1)
    trial = isolation.attempt(Sandbox(Level(1)), MACHINE.servers)

    assert trial.level == 1
    assert trial.succeeded["see a process outside"]
    assert not trial.succeeded["read a file of another submission"]


def test_less_than_required_stops(monkeypatch: pytest.MonkeyPatch):
    """With what is missing, and where to find out how to get it."""
    weak = Isolation(level=1, missing=["could see a process outside"])
    monkeypatch.setattr(MACHINE.isolation, "warmest", lambda: Sandbox(Level(1), isolation=weak))

    with pytest.raises(OurFault) as refused:
        MACHINE.isolation.require(3, Path(__file__).parent)

    assert "level 3 is required, and this machine has level 1" in str(refused.value)
    assert "could see a process outside" in str(refused.value)
    assert "assay doctor" in str(refused.value)


def test_a_course_where_every_sandbox_looks_is_refused():
    """Its rubric would be readable, whatever the level."""
    with pytest.raises(OurFault, match="which student code can read"):
        MACHINE.isolation.require(1, Path("/usr/share/course"))


def test_folders_that_only_their_owner_may_enter_are_found(tmp_path: Path):
    """They are what another user cannot pass on the way to Python."""
    inside = tmp_path / "shut" / "open" / "python"
    inside.mkdir(parents=True)
    inside.parents[1].chmod(0o700)
    above = privileges.barriers([tmp_path])

    assert privileges.barriers([inside]) == (above or [inside.parents[1]])


def test_the_filter_is_written_for_two_processors():
    """Elsewhere there is none, and the level says so."""
    assert {len(seccomp.program(name) or b"") % 8 for name in ("x86_64", "aarch64")} == {0}
    assert seccomp.program("x86_64") != seccomp.program("aarch64")
    assert seccomp.program("riscv64") is None
