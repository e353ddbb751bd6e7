"""Files are cut, laid out and put together again to a byte, whatever they hold."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from assay.evidence import answers, planes

NUMBERS = st.one_of(
    arrays_of.integer_dtypes(endianness="<"),
    arrays_of.unsigned_integer_dtypes(endianness="<"),
    arrays_of.floating_dtypes(endianness="<"),
    arrays_of.boolean_dtypes(),
)
ARRAYS = NUMBERS.flatmap(
    lambda dtype: arrays_of.arrays(
        dtype, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=90)
    )
)


def npz(*, kind: int = zipfile.ZIP_STORED, **arrays: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, array in arrays.items():
            body = io.BytesIO()
            np.save(body, np.asarray(array))
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), body.getvalue(), kind)
    return buffer.getvalue()


def size(files: dict[str, bytes]) -> int:
    return sum(len(zlib.compress(piece, 6)) for piece in planes.packed(files))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), ARRAYS, max_size=4), st.binary(max_size=500), st.booleans())
def test_what_is_cut_comes_back_to_a_byte(
    arrays: dict[str, np.ndarray], junk: bytes, compressed: bool
):
    """Archives of any arrays, compressed or not, beside bytes of any kind."""
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(
        buffer, **{f"a{number}": array for number, array in enumerate(arrays.values())}
    )
    files = {f"evidence/{name}.npz": buffer.getvalue() for name in (*arrays, "last")}
    files |= {"evidence/junk.npz": junk, "evidence/note.json": junk, "run.json": b"{}"}

    assert planes.unfolded(planes.folded(files)) == files


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_archive_that_lies_comes_back_too(data: st.DataObject):
    """A student's process wrote it: its sizes and headers may be anything."""
    content = bytearray(npz(a=np.arange(400.0), b=np.arange(700).reshape(100, 7)))
    places = st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)
    for at in data.draw(places):
        content[at] = data.draw(st.integers(0, 255))
    files = {"evidence/a.npz": bytes(content)}

    assert planes.unfolded(planes.folded(files)) == files


def test_what_is_said_twice_is_kept_once():
    """The rows of a table, and the same in another question, or with its columns turned round."""
    rng = np.random.default_rng(0)
    weights, table = rng.normal(size=(40, 40)), rng.integers(0, 10, (3000, 12)).astype(np.int16)
    one = {"evidence/a.npz": npz(weights=weights, table=table)}
    both = one | {"evidence/b.npz": npz(again=weights, turned=table[:, ::-1])}

    assert size(both) < 1.02 * size(one)


def test_digits_take_what_they_say():
    """A fifth more than their entropy, and a tenth less than deflate alone makes of them."""
    table = np.random.default_rng(0).integers(0, 10, (20_000, 6)).astype(np.int16)
    files = {"evidence/a.npz": npz(table=table)}

    assert size(files) < 1.2 * table.size * np.log2(10) / 8
    assert size(files) < 0.9 * len(npz(kind=zipfile.ZIP_DEFLATED, table=table))


def test_few_values_that_come_often_stay_whole():
    """A column of scaled integers is no noise: cut by byte it would take three times as much."""
    column = np.random.default_rng(0).integers(0, 17, (1600, 10)) / 3.7
    files = {"evidence/a.npz": npz(column=column)}

    assert size(files) < 1.05 * len(npz(kind=zipfile.ZIP_DEFLATED, column=column))


@pytest.mark.parametrize("piece", planes.PIECES)
def test_a_piece_that_is_missing_is_noticed(piece: str):
    """Never a run without its answers."""
    folded = planes.folded({"evidence/a.npz": npz(a=np.arange(400.0)), "run.json": b"{}"})
    del folded[piece]

    with pytest.raises(ValueError, match=piece):
        planes.unfolded(folded)


@pytest.mark.parametrize("piece", planes.PIECES[1:])
@pytest.mark.parametrize("change", [lambda held: held[:-1], lambda held: held + b"x"])
def test_pieces_that_do_not_belong_together_are_refused(piece: str, change):
    """One that is longer or shorter than the index says."""
    folded = planes.folded({"evidence/a.npz": npz(a=np.arange(400.0)), "run.json": b"{}"})

    with pytest.raises(ValueError):  # noqa: PT011
        planes.unfolded(folded | {piece: change(folded[piece])})


def test_a_run_without_answers_has_no_pieces():
    """There is nothing to lay out."""
    files = {"executed.ipynb": b"{}", "run.json": b"{}"}

    assert planes.folded(files) == files
    assert planes.unfolded(files) == files


def listed(offset: int) -> bytes:
    """An npz whose list says that its array begins there."""
    whole = npz(a=np.zeros(100))
    at = whole.rfind(b"PK\x01\x02")
    name, end = whole[at + 46 : at + 51], bytearray(whole[whole.rfind(b"PK\x05\x06") :])
    far = struct.pack("<HHQ", 1, 8, offset)
    head = bytearray(whole[at : at + 46])
    head[30:32], head[42:46] = struct.pack("<H", len(far)), b"\xff" * 4
    end[12:16] = struct.pack("<I", 46 + len(name) + len(far))
    return whole[:at] + head + name + far + end


STRANGE = {
    "a shape of no numbers": npz(a=np.zeros(100)).replace(b"(100,), ", b"(1 00), "),
    "an array beyond all places": listed(2**63 + 5),
    "an array beyond its end": listed(2**40),
}


@pytest.mark.parametrize("case", STRANGE)
def test_whatever_a_kernel_writes_is_kept(case: str):
    """An archive that is none of NumPy's is the student's, and no fault of ours."""
    files = {"evidence/x.npz": STRANGE[case]}

    assert planes.unpacked(*planes.packed(files)) == files


def test_a_list_of_very_many_arrays_is_read_by_nobody():
    """64 MB hold more than a million entries, and zipfile makes an object of each."""
    whole = npz(a=np.zeros(3))
    at, end = whole.rfind(b"PK\x01\x02"), whole.rfind(b"PK\x05\x06")
    entries = 200_000
    size_ = entries * (end - at)
    tail = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size_, at)
    tail += struct.pack("<4sIQI", b"PK\x06\x07", 0, at + size_, 1)
    tail += struct.pack("<4s4H2IH", b"PK\x05\x06", *[0xFFFF] * 4, *[0xFFFFFFFF] * 2, 0)
    many = whole[:at] + whole[at:end] * entries + tail
    assert zipfile.is_zipfile(io.BytesIO(many))

    tracemalloc.start()
    planes.packed({"evidence/x.npz": many})
    with pytest.raises(answers.Refused):
        answers.read_arrays(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 5 * len(many)
