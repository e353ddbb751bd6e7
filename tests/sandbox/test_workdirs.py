"""The folder of a run: where it stands, and that it goes."""

import os
import tempfile
from pathlib import Path

import pytest

from assay.sandbox import workdirs


@pytest.mark.parametrize("length", [10, 200])
def test_a_socket_fits_below_every_workdir(monkeypatch: pytest.MonkeyPatch, length: int):
    """107 bytes are the most that the system takes; where $TMPDIR is long, /tmp is taken."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as short:
        chosen = Path(short, *["f" * 50] * (length // 50))
        chosen.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(tempfile, "tempdir", str(chosen))
        made = workdirs.make()
        workdirs.remove(made)

    assert len(os.fsencode(made / "ipc" / "kernel-99999")) <= 107
    assert made.is_relative_to(chosen) == (length < 50)


def test_a_workdir_stands_in_memory_where_there_is_room(monkeypatch: pytest.MonkeyPatch):
    """Only where that is asked for."""
    monkeypatch.setattr(workdirs, "ROOM", 0)  # how much there is depends on what runs beside us
    if not workdirs._has_room():
        pytest.skip("no folder in memory here")
    folders = [workdirs.make(in_memory=True), workdirs.make()]
    monkeypatch.setattr(workdirs, "ROOM", 1 << 60)
    folders.append(workdirs.make(in_memory=True))
    for made in folders:
        workdirs.remove(made)

    assert [made.is_relative_to("/dev/shm") for made in folders] == [True, False, False]


def test_a_folder_that_was_named_for_temporary_files_is_taken(monkeypatch: pytest.MonkeyPatch):
    """TMPDIR says where, whatever room memory has."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as named:
        monkeypatch.setattr(tempfile, "tempdir", named)
        made = workdirs.make(in_memory=True)
        workdirs.remove(made)

    assert made.is_relative_to(named)


def test_a_workdir_goes_however_deep_a_run_has_nested_it():
    """Deeper than Python calls itself."""
    made = workdirs.make()
    here = os.open(made / "home", os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    workdirs.remove(made)

    assert not made.exists()
