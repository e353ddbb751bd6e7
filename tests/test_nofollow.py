"""What stands at a path is opened, and never what a link there leads to."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from assay import nofollow

ASSAY = Path(__file__).parents[1] / "assay"


def test_a_regular_file_is_read(tmp_path: Path):
    """By its path, and by its name below an opened folder."""
    (tmp_path / "a.txt").write_bytes(b"content")
    folder = nofollow.opened(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    with nofollow.regular(tmp_path / "a.txt") as one, nofollow.regular("a.txt", folder) as other:
        assert one.read() == other.read() == b"content"
        assert not os.get_inheritable(one.fileno())
    os.close(folder)


def _open_now(folder: Path) -> list[Path]:
    """What is open below a folder; elsewhere other threads open and close."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed by now
            found.append(descriptor.readlink())
    return [path for path in found if path.is_relative_to(folder)]


def _link(path: Path) -> None:
    path.symlink_to(path.with_name("secret"))


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [_link, _loop, os.mkfifo, Path.mkdir])
def test_nothing_else_is_opened(tmp_path: Path, make: Callable[[Path], None]):
    """A pipe that nobody writes to is not waited for; no descriptor is left open."""
    (tmp_path / "secret").write_text("the answers")
    make(tmp_path / "a.txt")
    with pytest.raises(OSError, match=r".") as refused:
        nofollow.regular(tmp_path / "a.txt")

    assert refused.value.strerror
    assert _open_now(tmp_path) == []


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path):
    """Where a folder was, a kernel may have put a link to another."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    with pytest.raises(OSError, match=r"."):
        nofollow.opened(tmp_path / "link", os.O_RDONLY | os.O_DIRECTORY)


def test_there_is_one_way_to_do_it():
    """Flags that are written twice are forgotten once."""
    having = [p.name for p in ASSAY.rglob("*.py") if "O_NOFOLLOW" in p.read_text()]

    assert having == ["portable.py"]
