"""Version 2 of cgroups, on a tree of files with the same names; test_limits.py has a real one."""

import os
from pathlib import Path

import pytest

from assay.sandbox import cgroup


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
