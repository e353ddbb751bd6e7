"""What is made to cost whoever takes it in: long names, many archives, many objects."""

import ast
import gzip
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
from assay.report import annotated, executed
from assay.source import cells, decoding, order
from assay.submission import (
    archives,
    discovery,
    modules,
    notebook,
    reader,
    sections,
    submission,
)
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

    with at_most(100_000_000), pytest.raises(CannotGrade, match="more than 1,000,000 lists"):
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


def told_of(kind: str, records: dict[str, str]) -> bytes:
    """An entry of a tar that is no member, and says this of the next one, or of all."""
    said = "".join(record(key, value) for key, value in records.items()).encode()
    return entry("of", said, kind)


def record(key: str, value: str) -> str:
    held = f" {key}={value}\n"
    length = len(held.encode())
    while length != len(held.encode()) + len(str(length)):
        length = len(held.encode()) + len(str(length))
    return f"{length}{held}"


def entry(name: str, content: bytes = b"", kind: str = "0") -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = len(content), kind.encode()
    return member.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def with_more(block: bytes, place: int) -> bytes:
    """A header of a file with holes, or a block of places of holes, that says: one more follows."""
    whole = bytearray(block)
    whole[place] = 1
    if block[257:262] == b"ustar":
        whole[148:156] = b" " * 8
        whole[148:156] = b"%06o\0 " % sum(whole)
    return bytes(whole)


VERSION_1 = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
HOLES = VERSION_1 | {"GNU.sparse.name": "s"}
ACCENTS = "\u0301\u0323"
"""Marks above and below a letter: Unicode has those below first."""
TARS = {
    "of all": told_of("g", {f"k{n}": "" for n in range(20_000)})
    + b"".join(entry(f"a{n}") for n in range(2_000)),
    "names": b"".join(
        told_of("x", {"path": f"{n}{'a' * 60_000}"}) + entry("a") for n in range(200)
    ),
    "accents": told_of("x", {"path": "a" + ACCENTS * 100_000}) + entry("a"),
    "holes": told_of("x", HOLES | {"GNU.sparse.realsize": "1"})
    + entry("s", b"4000000\n" + b"1\n" * 8_000_000),
    "holes of all": told_of("g", VERSION_1) + entry("s", b"4000000\n" + b"1\n" * 8_000_000),
    "old holes": entry("s", b"", "S"),
    "old holes, in blocks that are read again": entry("a")
    + told_of("x", {"size": str(-30_000 * 512 - 1536)})
    + with_more(entry("s", b"", "S"), 482)
    + with_more(bytes(512), 504) * 29_999
    + bytes(512),
}


@pytest.mark.parametrize("case", TARS)
def test_a_tar_takes_its_reader_no_more_than_its_size(
    case: str, tmp_path: Path, within: Callable[[float], None]
):
    """What is said of all its members, of one, holes in files, accents without end: each a few
    kilobytes that took gigabytes or hours."""
    packed = tmp_path / "s.tar.gz"
    packed.write_bytes(gzip.compress(TARS[case] + entry("hw.ipynb", BOOK) + bytes(1024)))

    within(10.0)
    tracemalloc.start()
    with pytest.raises(CannotGrade, match=r"homework|too long|holes|leads back"):
        submission.read(packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 200e6


def with_holes(name: str, form: str) -> bytes:
    """A file of 1 MB, all hole but the last byte, as GNU's `tar` or libarchive packs it."""
    said = {"GNU.sparse.name": name, "GNU.sparse.realsize": "1000000"}
    data = b"x"
    if form == "old":
        whole = bytearray(with_more(entry(name, data, "S")[:512], 482))
        whole[386:410], whole[483:495] = b"%011o\0%011o\0" % (999_999, 1), b"%011o\0" % 1_000_000
        whole[148:156] = b" " * 8
        whole[148:156] = b"%06o\0 " % sum(whole)
        return bytes(whole) + bytes(512) + data + bytes(511)
    if form == "1.0":
        said |= VERSION_1
        data = b"1\n999999\n1\n".ljust(512, b"\0") + data
    elif form == "0.1":
        said |= {"GNU.sparse.numblocks": "1", "GNU.sparse.map": "999999,1"}
    else:
        said |= {"GNU.sparse.size": "1000000", "GNU.sparse.offset": "999999"}
        said |= {"GNU.sparse.numbytes": "1"}
    return told_of("x", said) + entry("GNUSparseFile.0/s", data)


@pytest.mark.parametrize("form", ["old", "0.0", "0.1", "1.0"])
def test_a_file_with_holes_costs_itself_alone(form: str, tmp_path: Path):
    """On macOS and Windows `tar` writes it wherever the disk holds one, in caches too."""
    packed = tmp_path / "s.tar.gz"
    files = with_holes(".git/index", form) + entry("hw.ipynb", BOOK) + entry("a.txt", b"a")
    packed.write_bytes(gzip.compress(files + bytes(1024)))
    assert list(submission.read(packed).files) == ["hw.ipynb", "a.txt"]

    files = with_holes("data/holes.bin", form) + entry("hw.ipynb", BOOK)
    packed.write_bytes(gzip.compress(files + bytes(1024)))
    found = reader.read(packed)
    (problem,) = found.problems
    assert list(found.files) == ["hw.ipynb"]
    assert "holes.bin" in str(problem)
    assert "--no-read-sparse" in str(problem)


def test_what_a_tar_says_of_all_is_not_kept_for_each(tmp_path: Path):
    """Each of 20,000 members had a copy of its own: 40 kB became more than half a gigabyte."""
    said = told_of("g", {f"{n:x}": "" for n in range(1_200)})
    packed = gzip.compress(said + b"".join(entry(f"a{n}") for n in range(5_000)) + bytes(1024))

    tracemalloc.start()
    members = list(archives.tarred(packed, 20_000_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert len(members) == 5_000
    assert peak < 50e6


def test_a_tar_as_git_and_macs_write_it_is_read(tmp_path: Path):
    """What is said of all of them, and attributes of each, are passed over."""
    of_each = {"LIBARCHIVE.xattr.com.apple.quarantine": "a" * 200, "mtime": "1.5"}
    members = [told_of("x", of_each) + entry(f"a{n}.txt", b"a") for n in range(1_000)]
    packed = tmp_path / "s.tar.gz"
    packed.write_bytes(
        gzip.compress(
            told_of("g", {"comment": "a" * 40})
            + b"".join(members)
            + told_of("x", {"path": f"{'b' * 150}/hw.ipynb"})
            + entry("b", BOOK)
            + bytes(1024)
        )
    )

    assert len(submission.read(packed).files) == 1_001


def test_accents_in_names_of_a_zip_are_put_in_order_in_no_time(
    tmp_path: Path, within: Callable[[float], None]
):
    """A hundred names of 30,000 marks took minutes."""
    names = {f"{n}{ACCENTS * 15_000}": b"" for n in range(40)}
    (tmp_path / "s.zip").write_bytes(zipped({"hw.ipynb": BOOK, **names}))

    within(10.0)
    with pytest.raises(CannotGrade, match="too long"):
        submission.read(tmp_path / "s.zip")


@pytest.mark.parametrize("name", ["a" + ACCENTS * 140_000, "a" + "\u0301\uff9e" * 140_000])
@pytest.mark.parametrize("where", ["cell", "module", "escaped"])
def test_accents_on_one_letter_of_a_name_are_too_much_to_be_read(
    name: str, where: str, tmp_path: Path, within: Callable[[float], None]
):
    """Python's parser takes minutes for one name, and nobody else can run meanwhile."""
    cells, modules = [PARAMETERS, ADD], {}
    if where == "cell":
        cells.append(f"{name} = 1")
    else:
        text = f"{name} = 1".encode()
        if where == "escaped":
            escaped = f"{name[:40_000]} = 1".encode("unicode_escape")
            text = b"# coding: unicode_escape\n" + escaped
        modules = {"m.py": text}
    (tmp_path / "s.zip").write_bytes(zipped({"hw.ipynb": toys.notebook(*cells), **modules}))

    within(10.0)
    with pytest.raises(CannotGrade, match="too much to be read"):
        submission.read(tmp_path / "s.zip")


def test_letters_of_many_tongues_are_read(tmp_path: Path):
    """Accents of Vietnamese and vowels of Hindi in names, and long lines of Chinese."""
    code = "ti\u1ebf\u0302\u0301ng = 'नमस्ते ' * 2\nनमस्ते = 1\n# " + "\u4e2d" * 5_000
    book = toys.notebook(PARAMETERS, ADD, code)
    (tmp_path / "s.zip").write_bytes(zipped({"hw.ipynb": book, "m.py": code.encode()}))

    assert submission.read(tmp_path / "s.zip").modules == ["m.py"]


def test_an_encoding_for_names_of_hosts_is_none_of_a_module(within: Callable[[float], None]):
    """Its decoder takes quadratic time, each time that a module is read."""
    module = b"# coding: punycode\n" + b"a" * 140_000 + b"-" + b"a" * 140_000

    within(5.0)

    assert "punycode" in decoding.fault(module)
    assert decoding.text_of(module) == module.decode()


@pytest.mark.parametrize(
    "code",
    ["import assay\nx[" + "-" * 800 + "1] = assay.check()", "if " + "-" * 900 + "1:\n    pass"],
)
def test_code_that_is_nested_deeply_is_no_bug_of_ours(code: str, tmp_path: Path):
    """It runs, and what becomes of it there is its own outcome."""
    (tmp_path / "hw.ipynb").write_bytes(toys.notebook(PARAMETERS, ADD, code))

    found = submission.read(tmp_path / "hw.ipynb")

    assert found.cells_in("hw.ipynb")[-1].imports in ((), ("assay",))


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("import assay\rassay.check()\rx = 1", "x = 1"),
        ("pass\rpass\rimport assay\rassay.check()", "pass\npass"),
        ("x = 1\rimport assay\ry = assay.check()", "x = 1\ny = None"),
    ],
)
def test_a_check_in_lines_of_old_macs_is_taken_out_and_nothing_else(
    code: str, left: str, tmp_path: Path
):
    """What stood beside it was lost, or the whole submission was a bug of ours."""
    (tmp_path / "hw.ipynb").write_bytes(toys.notebook(PARAMETERS, ADD, code))

    assert submission.read(tmp_path / "hw.ipynb").cells_in("hw.ipynb")[-1].source == left


def test_an_adapter_that_is_nested_deeply_is_no_bug_of_ours(toy: Assignment, tmp_path: Path):
    """What it binds is read without recursion, and so is what asks for a GPU."""
    code = "x = " + "-" * 900 + "1\ny = x.cuda()" + "()" * 900
    book = json.loads(toys.notebook(PARAMETERS, ADD, code))
    book["cells"][-1]["metadata"]["tags"] = ["adapter"]
    (tmp_path / "hw.ipynb").write_text(json.dumps(book))

    found = sections.sections(toy, submission.read(tmp_path / "hw.ipynb"))["sums"]

    assert found.adapter == code
    assert len(list(order.wants_gpu([code]))) == 1


def test_what_imports_a_module_is_found_in_linear_time(within: Callable[[float], None]):
    """A line of calls without end took two minutes, in which nobody else could run."""
    within(10.0)

    assert not modules._named("m.py", ["__import__ " * 27_000])
    assert modules._named("m.py", ["__import__ " * 9_000 + "__import__('m')"])


def test_a_cell_of_parameters_is_read_in_linear_time(
    toy: Assignment, tmp_path: Path, within: Callable[[float], None]
):
    """Empty lines without end in it took minutes."""
    book = toys.notebook("\n" * 250_000 + PARAMETERS, ADD)
    (tmp_path / "hw.ipynb").write_bytes(book)
    read = submission.read(tmp_path / "hw.ipynb")

    within(10.0)

    assert not sections.sections(toy, read)["sums"].once


def test_imports_are_found_in_linear_time(within: Callable[[float], None]):
    """Among statements without end, of which each was taken from the begin of a list."""
    within(8.0)

    assert cells.imports("a;" * 140_000 + "\nimport os") == ["os"]


def test_the_cell_of_a_remark_is_found_in_linear_time(within: Callable[[float], None]):
    """Empty lines without end, for each name of each remark."""
    cells = [{"cell_type": "code", "source": "\n" * 20_000, "metadata": {}}] * 100
    remark = annotated.Remark("", names=["fit"])

    within(10.0)

    assert (
        annotated._place([*cells, {**cells[0], "source": "  def fit():\n    pass"}], remark) == 100
    )


def test_a_folder_in_a_folder_without_end_is_opened_in_no_time(
    toy: Assignment, tmp_path: Path, within: Callable[[float], None]
):
    """Each folder that is taken off takes as long as all names are."""
    names = {f"{'a/' * 30_000}{n}": b"" for n in range(40)}
    (tmp_path / "s.zip").write_bytes(zipped(names))

    within(10.0)
    (found,) = discovery.discover([tmp_path / "s.zip"], toy).found
    with pytest.raises(CannotGrade, match="too long"):
        found.read()


def test_outputs_of_very_many_objects_are_left_out_of_the_notebook_as_it_ran():
    """Each costs its reader as much as a cell does."""
    data = {"application/json": [[] for _ in range(1_100_000)]}
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [output]}
    ran = json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5}).encode()

    (shown,) = json.loads(executed.readable(ran))["cells"]

    assert (shown["source"], shown["outputs"]) == ("x = 1", [])
