"""The folder of a run stands where a socket's path fits, whatever $TMPDIR says."""

import os
import tempfile
from pathlib import Path

import pytest

from assay.run import desk


@pytest.mark.parametrize("length", [10, 200])
def test_a_socket_fits_below_every_desk(monkeypatch: pytest.MonkeyPatch, length: int):
    """107 bytes are the most that the system takes; where $TMPDIR is long, /tmp is taken."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as short:
        chosen = Path(short, *["f" * 50] * (length // 50))
        chosen.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(tempfile, "tempdir", str(chosen))
        made = desk.make()
        desk.remove(made)

    assert len(os.fsencode(made / "ipc" / "kernel-99999")) <= 107
    assert made.is_relative_to(chosen) == (length < 50)
