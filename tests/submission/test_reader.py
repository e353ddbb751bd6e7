"""Whatever was handed in: it is taken in as plain files, or refused with a sentence."""

import io
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.errors import CannotGrade
from assay.submission import archives, reader, submission
from assay.submission.submission import Submission
from tests.toys.toy import ADD, PARAMETERS, notebook

NOTEBOOK = notebook(PARAMETERS, ADD)
Pack = Callable[..., bytes]


def zipped(*members: tuple[str, bytes], mode: int = 0, **options: int) -> bytes:
    """A zip of these members, all of one Unix mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            member.compress_type = options.get("compression", zipfile.ZIP_DEFLATED)
            archive.writestr(member, content)
    return buffer.getvalue()


def tarred(*members: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar.gz of these members; all but the first of this kind."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number, (name, content) in enumerate(members):
            member = tarfile.TarInfo(name)
            member.size, member.linkname = len(content), "../../etc/passwd"
            member.type = kind if number else tarfile.REGTYPE
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


PACKED = [pytest.param(zipped, ".zip", id="zip"), pytest.param(tarred, ".tar.gz", id="tar.gz")]


def said(path: Path) -> list[str]:
    return [problem.what for problem in submission.inspect(path)[1]]


@pytest.mark.parametrize(("pack", "suffix"), PACKED)
def test_an_archive_is_the_folder_it_was_made_of(tmp_path: Path, pack: Pack, suffix: str):
    """Named after itself; the folder round everything, caches and hidden files fall away."""
    path = tmp_path / f"ada{suffix}"
    inside = {"ada/hw.ipynb": NOTEBOOK, "ada/data/x.csv": b"1,2", "ada/.git/config": b"x"}
    path.write_bytes(pack(*inside.items(), ("__MACOSX/ada/._hw.ipynb", b"x")))
    read = submission.read(path)

    assert read.name == "ada"
    assert read.files == {"hw.ipynb": NOTEBOOK, "data/x.csv": b"1,2"}


@pytest.mark.parametrize(("pack", "suffix"), PACKED)
def test_a_folder_that_means_something_is_kept(tmp_path: Path, pack: Pack, suffix: str):
    """`notebooks/` alone is not a folder round everything."""
    path = tmp_path / f"ada{suffix}"
    path.write_bytes(pack(("notebooks/hw.ipynb", NOTEBOOK)))

    assert set(submission.read(path).files) == {"notebooks/hw.ipynb"}


def test_a_folder_and_its_archives_are_the_same_submission(tmp_path: Path):
    """Content-addressed: the digest does not depend on how it was handed in."""
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "hw.ipynb").write_bytes(NOTEBOOK)
    (tmp_path / "ada.zip").write_bytes(zipped(("hw.ipynb", NOTEBOOK)))
    (tmp_path / "ada.tgz").write_bytes(tarred(("x/hw.ipynb", NOTEBOOK)))

    assert len({submission.read(path).digest for path in tmp_path.iterdir()}) == 1


NAMES = {
    "/etc/passwd": "is an absolute path",
    "C:/Users/ada.txt": "is an absolute path",
    "../../evil.py": "leads out of the submission",
    "data/../../evil.py": "leads out of the submission",
    "a\nb.py": "holds control characters",
    "a\x1b[31mb.py": "holds control characters",
    "x" * 300: "is too long",
    "d/" * 300 + "x": "is too long",
}


@pytest.mark.parametrize(("pack", "suffix"), PACKED)
@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, pack: Pack, suffix: str, name: str):
    """By name, in a sentence without control characters; the rest is read all the same."""
    path = tmp_path / f"ada{suffix}"
    path.write_bytes(pack(("hw.ipynb", NOTEBOOK), (name, b"x")))
    handed_in, (problem,) = submission.inspect(path)

    assert NAMES[name] in problem.what
    assert problem.what.isprintable()
    assert set(handed_in.files) == {"hw.ipynb"}


def test_backslashes_are_folders(tmp_path: Path):
    """As some programs pack on Windows; and they lead out no more than slashes do."""
    path = tmp_path / "ada.zip"
    path.write_bytes(zipped(("hw.ipynb", NOTEBOOK), ("data\\x.csv", b"1"), ("..\\evil", b"1")))
    handed_in, (problem,) = submission.inspect(path)

    assert set(handed_in.files) == {"hw.ipynb", "data/x.csv"}
    assert "leads out of the submission" in problem.what


def test_names_are_composed(tmp_path: Path):
    """`u` with two dots and `ü` are one name: a notebook finds its data on every system."""
    path = tmp_path / "ada.zip"
    path.write_bytes(zipped(("hw.ipynb", NOTEBOOK), ("u\u0308ben.csv", b"1")))

    assert "\u00fcben.csv" in submission.read(path).files


@pytest.mark.parametrize(("pack", "suffix"), PACKED)
@pytest.mark.parametrize(
    "names", [("a.csv", "A.csv"), ("a.csv", "./a.csv"), ("a", "a/b"), ("A/b", "a")]
)
def test_two_files_of_one_name_are_refused(
    tmp_path: Path, pack: Pack, suffix: str, names: tuple[str, str]
):
    """Which of the two would the notebook have read?"""
    path = tmp_path / f"ada{suffix}"
    path.write_bytes(pack(("hw.ipynb", NOTEBOOK), *((name, b"x") for name in names)))
    (problem,) = said(path)

    assert "are one name on some systems" in problem


def test_folders_that_differ_in_case_only_hold_what_they_hold(tmp_path: Path):
    """`Data/x` and `data/y` do not clash."""
    path = tmp_path / "ada.zip"
    path.write_bytes(zipped(("hw.ipynb", NOTEBOOK), ("Data/x", b"1"), ("data/y", b"1")))

    assert said(path) == []


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_zip_of_anything_but_files_is_refused(tmp_path: Path, mode: int):
    """Links, pipes and devices, by the mode that Unix programs write down."""
    path = tmp_path / "ada.zip"
    path.write_bytes(zipped(("x", b"/etc/passwd"), mode=mode | 0o777))

    assert any("not a file" in what for what in said(path))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_a_tar_of_anything_but_files_is_refused(tmp_path: Path, kind: bytes):
    """Symbolic and hard links, pipes, devices."""
    path = tmp_path / "ada.tar.gz"
    path.write_bytes(tarred(("hw.ipynb", NOTEBOOK), ("x", b""), kind=kind))
    (problem,) = said(path)

    assert "not a file" in problem


def test_a_pipe_in_a_folder_is_refused(tmp_path: Path):
    """And nobody waits for what might come out of it."""
    (tmp_path / "hw.ipynb").write_bytes(NOTEBOOK)
    os.mkfifo(tmp_path / "pipe")
    (problem,) = said(tmp_path)

    assert "is a pipe or device, not a file" in problem


@pytest.mark.parametrize(("pack", "suffix"), PACKED)
def test_a_bomb_goes_off_in_a_counter(tmp_path: Path, pack: Pack, suffix: str):
    """30 MB of zeros in 30 KB: refused by how far it expands, whatever the limit in bytes."""
    path = tmp_path / f"ada{suffix}"
    path.write_bytes(pack(("hw.ipynb", NOTEBOOK), ("zeros.bin", bytes(30 * reader.MB))))
    problem = submission.inspect(path)[1][0]

    assert "more than 20 MB" in f"{problem}"


@pytest.mark.parametrize(("pack", "suffix"), PACKED)
def test_too_many_files_are_refused(
    tmp_path: Path, pack: Pack, suffix: str, monkeypatch: pytest.MonkeyPatch
):
    """The count is a sentence with its limit."""
    monkeypatch.setattr(reader, "MAX_FILES", 5)
    path = tmp_path / f"ada{suffix}"
    path.write_bytes(pack(*((f"f{n}.txt", b"") for n in range(6)), ("hw.ipynb", NOTEBOOK)))

    assert any("holds more than 5 files" in what for what in said(path))


@pytest.mark.parametrize(("pack", "suffix"), PACKED)
def test_members_are_counted_though_nobody_reads_them(
    tmp_path: Path, pack: Pack, suffix: str, monkeypatch: pytest.MonkeyPatch
):
    """A million entries in `.git/` would cost memory all the same."""
    monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
    path = tmp_path / f"ada{suffix}"
    path.write_bytes(pack(("hw.ipynb", NOTEBOOK), *((f".git/{n}", b"") for n in range(6))))
    problems = submission.inspect(path)[1]

    assert any("more than 5 files" in problem.found for problem in problems)


def test_stored_outputs_beyond_the_limit_are_never_read(tmp_path: Path):
    """30 MB of them do not count: they were refused once, and outputs are not looked at anyway."""
    book = json.loads(NOTEBOOK)
    text = "x" * (30 * reader.MB) + '"outputs": [ \\" ]'
    book["cells"][0]["outputs"] = [{"output_type": "stream", "text": [text, "]"]}]
    (tmp_path / "ada.ipynb").write_text(json.dumps(book, indent=1))
    handed_in, problems = submission.inspect(tmp_path / "ada.ipynb")

    assert problems == []
    assert handed_in.cells_in("ada.ipynb") == Submission("x", {"n": NOTEBOOK}).cells_in("n")


def test_a_notebook_that_is_too_large_without_its_outputs_is_refused(tmp_path: Path):
    """How large it is, and what to leave out."""
    book = json.loads(NOTEBOOK)
    book["cells"][0]["source"] = "x" * (30 * reader.MB)
    (tmp_path / "ada.ipynb").write_text(json.dumps(book))
    (problem,) = submission.inspect(tmp_path / "ada.ipynb")[1]

    assert "larger than 20 MB" in problem.what
    assert "30.0 MB" in problem.found
    assert problem.hint


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_deflate_is_unpacked(tmp_path: Path, compression: int):
    """The others unpack gigabytes before a limit is looked at."""
    path = tmp_path / "ada.zip"
    path.write_bytes(zipped(("hw.ipynb", NOTEBOOK), compression=compression))

    assert "cannot be read" in said(path)[0]


def test_an_encrypted_zip_is_refused(tmp_path: Path):
    """Nobody has the password."""
    packed = bytearray(zipped(("hw.ipynb", NOTEBOOK)))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "ada.zip").write_bytes(packed)
    problem = submission.inspect(tmp_path / "ada.zip")[1][0]

    assert problem.found == "it is encrypted"


def test_everything_wrong_is_told_at_once(tmp_path: Path):
    """A link, a name, a broken and an old notebook: four problems, not the first of them."""
    (tmp_path / "a.ipynb").write_bytes(b"%PDF")
    (tmp_path / "b.ipynb").write_bytes(b'{"nbformat": 2, "worksheets": []}')
    (tmp_path / "link").symlink_to("a.ipynb")
    (tmp_path / os.fsdecode(b"\xfcbung.csv")).write_bytes(b"1")

    assert len(said(tmp_path)) == 4


def test_a_bare_notebook_brings_the_adapter_beside_it(tmp_path: Path):
    """And nothing else of its folder."""
    (tmp_path / "ada.ipynb").write_bytes(NOTEBOOK)
    (tmp_path / "adapter.py").write_bytes(b"add = plus")
    (tmp_path / "bob.ipynb").write_bytes(NOTEBOOK)

    assert set(submission.read(tmp_path / "ada.ipynb").files) == {"ada.ipynb", "adapter.py"}


MEMBER_NAMES = st.text(max_size=12) | st.sampled_from(
    ["hw.ipynb", "../x", "/x", "a/b", "a", "A", "solution/__init__.py", "x\\y", ".", "..", "a/"]
)
CONTENTS = st.binary(max_size=40) | st.just(NOTEBOOK)
MEMBERS = st.lists(st.tuples(MEMBER_NAMES, CONTENTS), max_size=5)
FLIPS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.GNUTYPE_SPARSE])
FUZZ = settings(
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def taken_in(folder: Path, name: str, content: bytes) -> None:
    """Read it; what comes in has plain names, and nothing but CannotGrade is raised."""
    (folder / name).write_bytes(content)
    handed_in, problems = submission.inspect(folder / name)
    for file in handed_in.files:
        assert not file.startswith("/")
        assert ".." not in file.split("/")
    assert handed_in.notebooks or problems
    assert all(isinstance(problem, CannotGrade) for problem in problems)
    if not problems:
        [handed_in.cells(name) for name in handed_in.notebooks]


@given(members=MEMBERS, mode=st.integers(0, 2**16 - 1), flips=FLIPS)
@FUZZ
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_random_zips_raise_nothing_but_refusals(
    tmp_path: Path, members: list[tuple[str, bytes]], mode: int, flips: list[tuple[int, int]]
):
    """Odd names, modes and bytes changed anywhere."""
    members = [(name.encode("utf-8", "replace").decode(), content) for name, content in members]
    packed = bytearray(zipped(*members, mode=mode))
    for place, byte in flips:
        packed[place % len(packed)] = byte
    taken_in(tmp_path, "x.zip", bytes(packed))


@given(members=MEMBERS, kind=KINDS, flips=FLIPS)
@FUZZ
def test_random_tars_raise_nothing_but_refusals(
    tmp_path: Path, members: list[tuple[str, bytes]], kind: bytes, flips: list[tuple[int, int]]
):
    """The bytes are changed below the compression, where the headers are."""
    import gzip

    members = [(name.encode("utf-8", "replace").decode(), content) for name, content in members]
    raw = bytearray(gzip.decompress(tarred(*members, kind=kind)))
    for place, byte in flips:
        raw[place % len(raw)] = byte
    taken_in(tmp_path, "x.tar.gz", gzip.compress(bytes(raw), 1))


@given(content=st.binary(max_size=300), name=st.sampled_from(["x.zip", "x.tgz", "x.ipynb"]))
@FUZZ
def test_random_bytes_raise_nothing_but_refusals(tmp_path: Path, content: bytes, name: str):
    """Under whatever name they come."""
    taken_in(tmp_path, name, content)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
CELL_KEYS = ["cell_type", "source", "metadata", "outputs", "id", "attachments", "input", "level"]
CELLS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(CELL_KEYS, VALUES)).map(
        lambda cell: {"cell_type": "code", **cell}
    )
    | VALUES,
    max_size=3,
)
BOOKS = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([1, 2, 3, 4, 5]) | VALUES},
    optional={
        "cells": CELLS,
        "worksheets": st.lists(st.fixed_dictionaries({"cells": CELLS}), max_size=2) | VALUES,
        "metadata": VALUES,
        "nbformat_minor": VALUES,
    },
)


@given(book=BOOKS)
@FUZZ
def test_random_notebooks_raise_nothing_but_refusals(tmp_path: Path, book: object):
    """Every key may hold anything."""
    taken_in(tmp_path, "x.ipynb", json.dumps(book).encode())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".sums.ipynb.icloud", b"bplist00"),
        ("solution/.add.py.icloud", b"bplist00"),
        ("sums.ipynb", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        ("solution/add.py", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
    ],
)
def test_a_file_of_which_only_the_place_was_handed_in_stops(
    tmp_path: Path, name: str, content: bytes
):
    """Its work is elsewhere: what is left would be marked as if it were all."""
    for path, written in {"other.ipynb": NOTEBOOK, name: content}.items():
        (tmp_path / "ann" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ann" / path).write_bytes(written)
    found = reader.read(tmp_path / "ann")

    absent = name.replace("/.", "/").removeprefix(".").removesuffix(".icloud")
    assert [problem.what for problem in found.problems] == [
        f"`{absent}` of `{tmp_path / 'ann'}` was not handed in"
    ]
    (tmp_path / "ann" / absent).write_bytes(NOTEBOOK)

    assert reader.read(tmp_path / "ann").problems == []
