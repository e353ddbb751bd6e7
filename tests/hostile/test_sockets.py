"""What a kernel does with the paths and sockets that lead out of its sandbox."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.records import Outcome
from assay.sandbox import workdirs
from tests.toys import toy as toys
from tests.toys.kept import EVERY_SANDBOX, executing, kept
from tests.toys.toy import ADD

HANG_UP = """
import os, socket, stat, time
for descriptor in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            line = socket.socket(fileno=os.dup(descriptor))
            if not line.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
time.sleep(3)
"""
LEAD_ELSEWHERE = """
import os, pathlib
for number in range(1, 6):
    path = pathlib.Path(os.environ['ASSAY_SUPPORT']).parent / 'ipc' / f'kernel-{{number}}'
    try:
        path.unlink()
        path.symlink_to({there!r})
    except OSError:
        pass
"""
NAMES = """
import os, socket, stat
for descriptor in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            said = socket.socket(fileno=os.dup(descriptor)).getsockname()
            assert 'assay' not in str(said) and 'shm' not in str(said), said
    except OSError:
        pass
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    with toys.course(tmp_path_factory.mktemp("toy")) as assignment:
        yield assignment


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket of this machine, such as Docker has one."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as made:
        made.bind(f"{folder}/s")
        made.listen(100)
        made.setblocking(False)
        yield made


@pytest.mark.parametrize("which", [*EVERY_SANDBOX, (2, False), (1, False)])
def test_the_runner_is_led_to_no_socket_of_this_machine(
    toy: Assignment, which: tuple[int, bool], listener: socket.socket
):
    """Links in place of the kernel's sockets: the runner connects to none, however often."""
    run = executing(toy, kept(which[0], warm=which[1]))

    ended = run(LEAD_ELSEWHERE.format(there=listener.getsockname()) + HANG_UP, ADD)

    with pytest.raises(BlockingIOError):
        listener.accept()
    assert ended.outcome is Outcome.PROTOCOL_BROKEN, ended.reason
    assert "closed its connection" in ended.reason
    assert ended.cpu_seconds < 15, "its loop spins on what it has shut down"


def test_the_kernels_sockets_do_not_name_our_folders(toy: Assignment):
    """Their addresses are neutral."""
    ended = executing(toy, kept(3))(NAMES, ADD)

    assert ended.outcome is Outcome.COMPLETED, ended.reason


@pytest.mark.parametrize("there", ["/etc/hostname", "/nowhere/at/all"])
def test_a_link_as_the_last_file_says_nothing_of_this_machine(toy: Assignment, there: str):
    """`finished.json` as a link is no end of an exam, whatever it points at."""
    ended = executing(toy, kept(3))(
        "import os, pathlib\nsupport = pathlib.Path(os.environ['ASSAY_SUPPORT'])\n"
        f"os.symlink({there!r}, support.parent / 'evidence' / 'finished.json')",
        ADD,
    )

    assert ended.outcome is not Outcome.COMPLETED


ENDS_WITH_A_LINK = """
import os, pathlib, time
def add(x, y):
    time.sleep(1)  # what is asked now has left the kernel, or the sentence cannot name it
    answer = pathlib.Path(os.environ['ASSAY_SUPPORT']).parent / 'evidence' / 'add' / 'plain.json'
    answer.parent.mkdir(exist_ok=True)
    answer.symlink_to({there!r})
    os._exit(3)
"""


def test_a_link_as_an_answer_says_nothing_of_this_machine(toy: Assignment):
    """Whether a question that ends its kernel is put again does not depend on what is outside."""
    run = executing(toy, kept(3))
    there, nowhere = (
        run(ENDS_WITH_A_LINK.format(there=path)) for path in ("/etc/hostname", "/nowhere/at/all")
    )

    assert (there.outcome, there.reason) == (nowhere.outcome, nowhere.reason)
    assert sorted(there.files) == sorted(nowhere.files)
    assert b"ended" in there.files["evidence/add/plain.json"]


def test_no_link_is_followed_below_a_workdir(tmp_path: Path):
    """Neither by the count of files nor by who reads them."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "link").symlink_to(tmp_path / "outside")

    found = [path.name for path, _ in workdirs.files(tmp_path / "evidence", 100)]

    assert found == ["link"]
    assert workdirs.read_below(tmp_path, "evidence/link/secret", 100) is None


def test_a_shut_folder_hides_no_file_beside_it(tmp_path: Path):
    """It is passed over; those after it are counted."""
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    (tmp_path / "b").rename(tmp_path / "moved")
    (tmp_path / "b").symlink_to("/nowhere")

    assert len(list(workdirs.files(tmp_path, 100))) == 4


def test_a_link_of_a_workdirs_name_is_left_alone(tmp_path: Path):
    """Anybody may leave one where temporary files stand; nothing behind it changes."""
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / "theirs" / "file").write_text("")
    (tmp_path / "theirs" / "file").chmod(0o000)
    (tmp_path / "workdir").symlink_to(tmp_path / "theirs")

    workdirs.remove(tmp_path / "workdir")

    assert (tmp_path / "theirs" / "file").stat().st_mode & 0o777 == 0
