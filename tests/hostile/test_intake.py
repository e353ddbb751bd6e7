"""What is made to cost whoever takes it in: long names, many archives, many objects."""

import ast
import io
import json
import os
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.errors import CannotGrade
from assay.submission import archives, discovery, notebook, reader, submission
from rubric_tests import texts
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS

BOOK = toys.notebook(PARAMETERS, ADD)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    with toys.course(tmp_path_factory.mktemp("toy")) as assignment:
        yield assignment


def named(names: list[bytes]) -> bytes:
    """A zip that lists these names, whatever they are; none of them is text in UTF-8."""
    listed = b"".join(
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, *[0] * 7, len(name), *[0] * 6) + name
        for name in names
    )
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(names), len(names), len(listed), 30, 0)
    return b"PK\x03\x04" + bytes(26) + listed + end


def tgz(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@contextmanager
def at_most(memory: int) -> Iterator[None]:
    """Fail where more bytes were held at one moment."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < memory, f"{peak / 1e6:.0f} MB"


def test_long_names_are_not_read(within: Callable[[float], None]):
    """100 MB of names took two minutes and more than a gigabyte."""
    content = named([b"%06d" % n + b"\xff" * 65_000 for n in range(600)])
    within(20)

    with pytest.raises(archives.Damaged, match="names are longer"):
        list(archives.zipped(content, reader.MAX_BYTES))


def test_odd_names_of_the_usual_length_are_read(within: Callable[[float], None]):
    """In Latin-1, 8 MB of them: what they are written in is found in time that is linear."""
    names = [f"f\xfcr_{n:05}_" + "\xe4" * 380 for n in range(19_000)]
    within(20)

    found = list(archives.zipped(named([n.encode("cp1252") for n in names]), reader.MAX_BYTES))

    assert [member.name for member in found] == names


def test_only_so_many_archives_of_one_hand_in_are_unpacked(
    tmp_path: Path, within: Callable[[float], None]
):
    """What in them is left out counts as nothing, and takes as long to unpack."""
    one = tgz("__pycache__/x", bytes(20_000_000))
    (tmp_path / "s.zip").write_bytes(zipped({f"{n}.tar.gz": one for n in range(1_500)}))
    within(20)

    with pytest.raises(CannotGrade, match="more than 10 archives"):
        submission.read(tmp_path / "s.zip")


def test_archives_in_a_hand_in_are_unpacked(tmp_path: Path):
    """One for each part, and others: they are as good as folders."""
    parts = {f"part{n}.zip": zipped({f"x{n}.csv": b"1"}) for n in range(9)}
    (tmp_path / "s.zip").write_bytes(zipped({"hw.zip": zipped({"hw.ipynb": BOOK}), **parts}))

    assert "hw.ipynb" in submission.read(tmp_path / "s.zip").files


@pytest.mark.parametrize("kind", [".zip", ".bin"])
def test_many_files_of_one_person_are_not_held_at_once(toy: Assignment, tmp_path: Path, kind: str):
    """Each may be as large as a submission; no more are read than one submission may hold."""
    pad = os.urandom(400_000)
    for number in range(9):
        content = bytes(30_000_000)
        if kind == ".zip":
            content = zipped({f"x{number}.bin": content, "pad": pad})
        name = f"malm_13_{100 + number}_f{number}{kind}"
        (tmp_path / name).write_bytes(content)
    (tmp_path / "malm_13_99_hw.ipynb").write_bytes(BOOK)
    (of_person,) = discovery.discover([tmp_path], toy).found

    with at_most(250_000_000), pytest.raises(CannotGrade, match="more than 100 MB"):
        of_person.read()


def test_many_archives_of_one_person(toy: Assignment, tmp_path: Path):
    """They are told, and none is unpacked."""
    for number in range(11):
        (tmp_path / f"malm_13_{100 + number}_f{number}.zip").write_bytes(zipped({"a": b"b"}))
    (of_person,) = discovery.discover([tmp_path], toy).found

    with pytest.raises(CannotGrade, match="more than 10 archives"):
        of_person.read()


def test_a_table_in_a_hand_in_makes_it_no_reference(toy: Assignment, tmp_path: Path):
    """The course's own answer is asked otherwise; no student's is, whatever lies in its folder."""
    for name in ("ada", "bob"):
        (tmp_path / name / "notebooks").mkdir(parents=True)
        (tmp_path / name / "notebooks" / "sums.ipynb").write_bytes(BOOK)
        (tmp_path / name / "assignment.toml").write_text("title = 'mine'")

    both = discovery.discover([tmp_path / "ada", tmp_path / "bob"], toy).found
    (own,) = discovery.discover([toy.root], toy).found

    assert [one.read().is_reference for one in both] == [False, False]
    assert own.read().is_reference


@pytest.mark.parametrize(
    "entry", [b"[]", *(pytest.param(e, marks=pytest.mark.thorough) for e in (b'{"":0}', b"[[]]"))]
)
def test_a_notebook_of_very_many_objects_is_not_parsed(entry: bytes):
    """20 MB of them became more than a gigabyte of Python's."""
    start = b'{"nbformat": 4, "metadata": {"x": ['
    content = start + b",".join([entry] * 3_000_000) + b']}, "cells": []}'

    with at_most(100_000_000), pytest.raises(CannotGrade, match="are read"):
        notebook.cells_of(content, "n.ipynb")


def test_outputs_of_very_many_objects_cost_nobody_a_notebook():
    """They are left behind anyway."""
    made = json.loads(BOOK)
    made["cells"][1]["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": {"x": [[]] * 1_100_000}}
    ]

    found = notebook.cells_of(json.dumps(made).encode(), "n.ipynb")

    assert [cell.source for cell in found] == [PARAMETERS, ADD]


@pytest.mark.parametrize("made", ['f"{a}{a}{a}{a}{a}"', '"".join([a, a, a, a, a])', "a + a"])
def test_texts_of_very_many_ways_are_not_written_out(made: str):
    """Which texts a name stands for is followed up to a number, told before they are made."""
    names = ", ".join(f'"w{number}"' for number in range(2_000 if made == "a + a" else 60))
    tree = ast.parse(f"for a in ({names}):\n    getattr(x, {made})")
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))

    with at_most(50_000_000):
        found = texts.values(call.args[1], texts.texts_bound(tree))

    assert found is None
