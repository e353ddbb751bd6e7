"""Evidence is read as what it is: bytes from a stranger."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from assay.evidence import answers as evidence
from assay.evidence.answers import (
    SOME,
    Evidence,
    NotAnswered,
    Refused,
    Text,
    WrongAnswer,
    read_arrays,
    read_json,
)
from tests.toys.toy import npz

MATRIX, VECTOR = np.arange(6.0).reshape(3, 2), np.arange(5)


def zipped(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def header(shape: Any, descr: str = "<f8", version: tuple[int, int] = (1, 0)) -> bytes:
    text = str({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text)) + text


def long_header() -> bytes:
    """A sound array of no numbers, but for the blanks in its header."""
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}".ljust(2037) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def lying_size(claimed: int) -> bytes:
    """An archive whose directory claims another size than its member has."""
    good = bytearray(zipped(("x.npy", npy(VECTOR))))
    directory = good.index(b"PK\x01\x02")
    good[directory + 24 : directory + 28] = struct.pack("<I", claimed)
    return bytes(good)


def encrypted() -> bytes:
    good = bytearray(zipped(("x.npy", npy(VECTOR))))
    good[6] |= 1
    good[good.index(b"PK\x01\x02") + 8] |= 1
    return bytes(good)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "not a zip": lambda: b"hello",
    "a pickle": lambda: pickle.dumps({"W": 1}),
    "a bare npy file": lambda: npy(MATRIX),
    "objects": lambda: zipped(("W.npy", npy(np.array([print, None], dtype=object)))),
    "a header of objects": lambda: zipped(("W.npy", header((3, 2), "|O") + bytes(48))),
    "text": lambda: npz(W=np.array(["a", "b"])),
    "bytes": lambda: npz(W=np.array([b"a"])),
    "dates": lambda: npz(W=np.array(["2026-01-01"], dtype="M8[D]")),
    "complex numbers": lambda: npz(W=np.array([1j])),
    "a structured array": lambda: npz(W=np.zeros(2, dtype=[("a", "f8"), ("b", "i4")])),
    "raw memory": lambda: npz(W=np.zeros(2, dtype="V8")),
    "a header that asks for 8 TB": lambda: zipped(("W.npy", header((10**12,)))),
    "a header that overflows": lambda: zipped(("W.npy", header((2**62, 4)))),
    "a negative length": lambda: zipped(("W.npy", header((-1,)))),
    "two negative lengths": lambda: zipped(("W.npy", header((-1, -6)) + bytes(48))),
    "a length that is text": lambda: zipped(("W.npy", header(("3",)))),
    "a header that is code": lambda: zipped(("W.npy", header("__import__('os').abort()"))),
    "a header of another version": lambda: zipped(("W.npy", header((1,), version=(9, 0)))),
    "a body too short": lambda: zipped(("W.npy", npy(MATRIX)[:-1])),
    "a body too long": lambda: zipped(("W.npy", npy(MATRIX) + b"\0")),
    "no magic": lambda: zipped(("../../etc/x.npy", b"")),
    "two arrays of one name": lambda: two_of_one_name(),
    "too many arrays": lambda: npz(**{f"a{n}": 1 for n in range(65)}),
    "a cut archive": lambda: npz(W=MATRIX)[:-30],
    "encryption": encrypted,
    "a size too small": lambda: lying_size(10),
    "a size too large": lambda: lying_size(10**6),
    "a header of 2 KB": lambda: zipped(("W.npy", long_header())),
}


def two_of_one_name() -> bytes:
    twice = zipped(("W.npy", npy(MATRIX)), ("V.npy", npy(MATRIX)))
    return twice.replace(b"V.npy", b"W.npy")


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_are_refused(make: Callable[[], bytes]):
    """Refused, with a sentence; nothing is unpickled, allocated or raised instead."""
    with pytest.raises(Refused, match=r"\w"):
        read_arrays(make())


@pytest.mark.parametrize(
    ("lengths", "fits"), [((100,), True), ((200,), False), ((60, 60), True), ((65, 65), False)]
)
def test_arrays_that_are_too_large_together_are_refused(
    monkeypatch: pytest.MonkeyPatch, lengths: tuple[int, ...], fits: bool
):
    """A zip bomb is measured by what it says it expands to, all members together."""
    monkeypatch.setattr(evidence, "MAX_BYTES", 8 * 128 + 256)  # 128 numbers and two headers
    members = [(f"{n}.npy", npy(np.zeros(length))) for n, length in enumerate(lengths)]
    bomb = zipped(*members, compression=zipfile.ZIP_DEFLATED)

    if fits:
        assert len(read_arrays(bomb)) == len(lengths)
    else:
        with pytest.raises(Refused, match="expand to more than"):
            read_arrays(bomb)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_deflate_is_unpacked(compression: int):
    """bzip2 and LZMA unpack 4 KB to gigabytes before a size can be checked."""
    with pytest.raises(Refused):
        read_arrays(zipped(("W.npy", npy(MATRIX)), compression=compression))


def test_an_empty_array_of_impossible_shape_is_refused():
    """0 x 10^30 numbers need no bytes, and are no array."""
    with pytest.raises(Refused):
        read_arrays(zipped(("W.npy", header((0, 10**30)))))


def test_two_members_that_become_one_name_are_refused():
    """Which of the two would be the answer?"""
    with pytest.raises(Refused):
        read_arrays(zipped(("W.npy", npy(MATRIX)), ("W", npy(MATRIX + 1))))


def test_a_good_archive_is_read():
    """Names lose their `.npy`, values arrive as numpy itself reads them."""
    found = read_arrays(npz(W=MATRIX, y=VECTOR))

    assert found.keys() == {"W", "y"}
    assert np.array_equal(found["W"], MATRIX)
    assert np.array_equal(found["y"], VECTOR)


def test_fortran_order_and_foreign_bytes_are_read_as_the_same_numbers():
    """How the numbers were stored does not show."""
    found = read_arrays(npz(W=np.asfortranarray(MATRIX), y=VECTOR.astype(">i4")))

    assert np.array_equal(found["W"], MATRIX)
    assert np.array_equal(found["y"], VECTOR)
    assert found["y"].dtype.isnative


def test_what_was_read_belongs_to_the_judge():
    """An array can be written to: it is no view of the archive's bytes."""
    found = read_arrays(npz(W=MATRIX))["W"]
    found[0, 0] = 7

    assert found[0, 0] == 7


NUMBERS = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes()
)
ARRAYS = hnp.arrays(NUMBERS, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


@given(array=ARRAYS, compressed=st.booleans())
@settings(deadline=None, max_examples=150)
def test_every_array_of_numbers_survives_the_crossing(array: np.ndarray, compressed: bool):
    """Round trip: dtype, shape and every bit."""
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, x=array)

    found = read_arrays(buffer.getvalue())["x"]

    assert found.shape == array.shape
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


@given(content=st.binary(max_size=400))
@settings(deadline=None, max_examples=200)
def test_arbitrary_bytes_are_read_or_refused(content: bytes):
    """No bytes make either reader raise anything but Refused."""
    for read in (read_arrays, read_json):
        with suppress(Refused):
            read(content)


GOOD = npz(W=MATRIX, y=VECTOR)
SMALL = zipped(("W.npy", npy(MATRIX)), compression=zipfile.ZIP_DEFLATED)


@given(
    good=st.sampled_from([GOOD, SMALL]),
    flips=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, len(GOOD)) | st.none(),
)
@settings(deadline=None, max_examples=400)
def test_mutated_archives_are_read_or_refused(
    good: bytes, flips: list[tuple[int, int]], cut: int | None
):
    """Bytes changed or cut away anywhere: arrays of numbers, or Refused."""
    content = bytearray(good)
    for position, byte in flips:
        content[position % len(good)] = byte
    try:
        found = read_arrays(bytes(content[:cut]))
    except Refused:
        return
    assert all(array.dtype.kind in "biuf" for array in found.values())


@given(text=st.text(alphabet="{}'<>f8i4O,:()0123456789 -descrfortran_orderTrueFalse", max_size=118))
@settings(deadline=None, max_examples=200)
def test_arbitrary_headers_are_read_or_refused(text: str):
    """The header of an array is parsed by NumPy: what NumPy raises is a refusal."""
    line = text.encode().ljust(117) + b"\n"
    member = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line
    with suppress(Refused):
        read_arrays(zipped(("x.npy", member)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e999}', "no float can hold"),
        (b'{"a": 1, "a": 2}', "repeated key"),
        (b'{"a": {"b": 1, "b": 1}}', "repeated key"),
        (b"[" * 100_000, "deep"),
        (b"\xff", "not JSON"),
        (b"1" * 5000, "not JSON"),
        (b'"' + b"x" * 5_000_000 + b'"', "more than 5 MB"),
        (b"", "not JSON"),
        (b"{'a': 1}", "not JSON"),
    ],
)
def test_json_is_strict(content: bytes, words: str):
    """What Python's reader lets through is refused, and said."""
    with pytest.raises(Refused, match=words):
        read_json(content)


WORDS = st.text(st.characters(codec="utf-8"))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | WORDS,
    lambda inner: st.lists(inner) | st.dictionaries(WORDS, inner),
    max_leaves=6,
)


@given(value=PLAIN)
@settings(deadline=None, max_examples=50)
def test_plain_json_survives_the_crossing(value: Any):
    """Round trip of whatever strict JSON can say."""
    assert read_json(json.dumps(value).encode()) == value


def answers(
    note: object = None, shape: tuple[int | None, ...] = (3, 2), **values: object
) -> Evidence:
    files = {"evidence/q.npz": npz(**values)}
    files["evidence/q.json"] = json.dumps(note or {"status": "answered"}).encode()
    return Evidence(files, {"q": {"W": shape}}, "completed: every cell ran")


ANY_NOTE = st.one_of(
    st.binary(max_size=40),
    PLAIN.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"status": st.sampled_from(["answered", "raised", "missing"]) | PLAIN},
        optional={"text": PLAIN, "error": PLAIN, "traceback": PLAIN},
    ).map(lambda note: json.dumps(note).encode()),
)
MEMBERS = st.dictionaries(
    st.sampled_from(["W", "y", "text", "__class__", "../x", "W.npy"]) | WORDS, ARRAYS, max_size=3
)
SHAPES = st.lists(st.none() | st.integers(0, 4), max_size=3).map(tuple)


def saved(arrays: dict[str, np.ndarray]) -> bytes:
    """As a hostile process may write them: under any names that zipfile does not cut to nothing."""
    members = [(f"{n}.npy", npy(array)) for n, array in arrays.items() if not n.startswith("\0")]
    return zipped(*members)


@given(note=ANY_NOTE, arrays=MEMBERS, junk=st.none() | st.binary(max_size=60), shape=SHAPES)
@example(note=b"", arrays={"W": np.array(False), "\0": np.array(False)}, junk=None, shape=())
@settings(deadline=None, max_examples=300)
def test_any_evidence_is_an_answer_or_none_in_words(
    note: bytes, arrays: dict[str, np.ndarray], junk: bytes | None, shape: tuple[int | None, ...]
):
    """Names, dtypes, shapes, sizes, numbers: what comes through is as promised, or refused."""
    files = {"evidence/q.json": note, "evidence/q.npz": saved(arrays) if junk is None else junk}
    evidence = Evidence(files, {"q": {"W": shape}}, "completed")
    try:
        answer, found = evidence["q"], "an answer"
    except (NotAnswered, WrongAnswer) as reason:
        found = str(reason)
        answer = None

    assert found
    if answer is not None:
        assert answer.W.dtype.kind in "biuf"
        assert len(answer.W.shape) == len(shape)
        assert np.isfinite(answer.W).all()
        assert isinstance(answer.text, dict)


def test_an_answer_has_its_arrays_as_attributes():
    """`evidence["q"].W` is the array, `.text` what was not numbers."""
    answer = answers({"status": "answered", "text": {"s": "hi"}}, W=MATRIX)["q"]

    assert np.array_equal(answer.W, MATRIX)
    assert answer.text == {"s": "hi"}


def test_any_length_is_any_length():
    """None in a promised shape stands for every length, 0 too."""
    for rows in (0, 1, 3):
        assert answers(shape=(None, 2), W=MATRIX[:rows])["q"].W.shape == (rows, 2)


def test_some_is_any_length_but_none():
    """A question may say that an answer without a single number is none."""
    assert answers(shape=(SOME, 2), W=MATRIX)["q"].W.shape == MATRIX.shape
    with pytest.raises(WrongAnswer, match="there is nothing in it"):
        answers(shape=(SOME, 2), W=MATRIX[:0])["q"]


def test_a_named_length_is_the_same_throughout():
    """What a rubric sets against each other fits: it is looked at where an answer is read."""
    shapes = {"q": {"out": (2, "width"), "again": (2, "width")}}

    def read(again: np.ndarray) -> evidence.Answer:
        files = {"evidence/q.json": b'{"status": "answered"}'}
        files["evidence/q.npz"] = npz(out=np.ones((2, 3)), again=again)
        return Evidence(files, shapes, "ended")["q"]

    assert read(np.ones((2, 3))).again.shape == (2, 3)
    with pytest.raises(WrongAnswer, match=r"its width is 4, that of `out` is 3"):
        read(np.ones((2, 4)))
    with pytest.raises(WrongAnswer, match="there is nothing in it"):
        read(np.ones((2, 0)))


@pytest.mark.parametrize(
    "number",
    [1.7e308, -1.7e308, 1e13, -1e13, 2**62, -(2**62), np.float32(3e38)],
)
def test_a_number_that_no_honest_answer_holds_is_wrong(number: float):
    """Comparisons with it hold for the wrong reason: it is told before any is made."""
    array = np.array([1, number])

    with pytest.raises(WrongAnswer, match="holds a number beyond 1e"):
        answers(shape=(2,), W=array)["q"].W  # noqa: B018


def test_a_question_may_allow_for_larger_numbers():
    """Raw data may be counted in nanoseconds."""
    files = {
        "evidence/q.npz": npz(W=np.array(1.7e18)),
        "evidence/q.json": b'{"status": "answered"}',
    }

    assert Evidence(files, {"q": {"W": ()}}, "", (), {"q": 1e20})["q"].W == 1.7e18


@pytest.mark.parametrize(
    ("written", "read", "kind"),
    [
        (np.array([True, False]), [1, 0], np.int64),
        (np.array([200, 1], dtype=np.uint8), [200, 1], np.int64),
        (np.array([-0.0, 5e-324]), [0.0, 0.0], np.float64),
        (np.array([1.5, 60000], dtype=np.float16), [1.5, 60000], np.float32),
        (np.array([1.5, 2], dtype=np.longdouble), [1.5, 2], np.float64),
    ],
)
def test_numbers_arrive_as_arithmetic_can_take_them(written: Any, read: list[float], kind: type):
    """No sum of them wraps round: one kind of integers, two of floats, one zero."""
    found = answers(shape=(2,), W=written)["q"].W

    assert (found.dtype, found.tolist()) == (kind, read)
    assert not np.signbit(found).any()


MISTYPED = ["null", "1", "true", "[1]", "{}", "[null]", '[["a"]]', "1e308"]


@pytest.mark.parametrize("value", MISTYPED)
@pytest.mark.parametrize("reader", ["string", "strings", "shapes"])
def test_text_of_another_type_is_not_answered(value: str, reader: str):
    """A note that says a number where a text belongs makes no test stumble."""
    text = noted(f'{{"name": {value}}}')

    if (value, reader) == ("{}", "shapes"):
        assert text.shapes("name") == {}
    else:
        with pytest.raises(NotAnswered, match="`name`"):
            getattr(text, reader)("name")


@pytest.mark.parametrize("value", ["null", "true", '"1"', "[]", "{}"])
def test_a_number_of_another_type_is_not_answered(value: str):
    """True is no number."""
    with pytest.raises(NotAnswered, match="expected a number"):
        noted(f'{{"n": {value}}}').number("n")


def test_text_is_read_as_what_it_is():
    """By the type that a test expects; half a character becomes a question mark."""
    text = noted('{"s": "a\\ud800", "l": ["a"], "n": 2, "w": {"fresh": [[2, 3], [3, 1]]}}')

    assert (text.string("s"), text.strings("l"), text.number("n")) == ("a?", ["a"], 2.0)
    assert text.shapes("w") == {"fresh": [(2, 3), (3, 1)]}
    with pytest.raises(NotAnswered, match="the answer has no `x`"):
        text.string("x")
    with pytest.raises(WrongAnswer, match="no honest number"):
        noted('{"n": 1e300}').number("n")


def noted(text: str) -> Text:
    note = f'{{"status": "answered", "text": {text}}}'.encode()
    found: Text = Evidence({"evidence/q.npz": npz(), "evidence/q.json": note}, {"q": {}}, "")[
        "q"
    ].text
    return found


@pytest.mark.parametrize(
    ("value", "shape", "words"),
    [
        (MATRIX, (3,), r"`W` has shape \(3, 2\), expected \(3,\)"),
        (MATRIX.T, (3, 2), r"`W` has shape \(2, 3\), expected \(3, 2\)"),
        (VECTOR, (), r"`W` has shape \(5,\), expected \(\)"),
        (1.0, (None, 2), r"`W` has shape \(\), expected \(any, 2\)"),
        (MATRIX * np.nan, (3, 2), "`W` holds NaN"),
        (MATRIX + np.inf, (3, 2), "`W` holds infinity"),
    ],
)
def test_an_answer_of_another_form_is_wrong_in_words(value: Any, shape: Any, words: str):
    """Shape found and expected; NaN and infinity by name. That is the student's failure."""
    with pytest.raises(WrongAnswer, match=words):
        answers(shape=shape, W=value)["q"].W  # noqa: B018


def test_an_array_fails_who_reads_it_and_nobody_else():
    """A loss that is infinite says nothing against the gradients that came with it."""
    files = {
        "evidence/q.npz": npz(W=MATRIX, loss=np.inf),
        "evidence/q.json": b'{"status": "answered"}',
    }
    answer = Evidence(files, {"q": {"W": (3, 2), "loss": ()}}, "completed")["q"]

    assert np.array_equal(answer.W, MATRIX)
    with pytest.raises(WrongAnswer, match="`loss` holds infinity"):
        answer.loss  # noqa: B018


def test_an_answer_that_is_not_numbers_is_not_answered():
    """The promised name has no array: what came was text, None or an object."""
    with pytest.raises(NotAnswered, match="the answer has no numbers in `W`"):
        answers(V=MATRIX)["q"]


def test_a_question_never_reached_says_how_the_run_ended():
    """No evidence at all: the reason is the run's."""
    silent = Evidence({}, {"q": {}}, "timed out: cell 3 took longer than 5 s")

    with pytest.raises(NotAnswered, match="never reached: timed out: cell 3"):
        silent["q"]


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ({"status": "raised", "error": "TypeError: no `x`"}, "your code raised TypeError: no `x`"),
        ({"status": "missing", "error": "expected `net`"}, "^expected `net`"),
        ({"status": 3}, "does not say what became of it"),
        ([], "does not say what became of it"),
        ("answered", "does not say what became of it"),
    ],
)
def test_a_question_without_an_answer_says_why(note: object, words: str):
    """Raised, missing, or a note that is none."""
    content = {"evidence/q.json": json.dumps(note).encode()}

    with pytest.raises(NotAnswered, match=words):
        Evidence(content, {"q": {"W": ()}}, "completed")["q"]


@pytest.mark.parametrize("name", ["evidence/q.json", "evidence/q.npz"])
def test_evidence_that_is_refused_is_not_answered(name: str):
    """A forged file is no crash of the judge, and no pass."""
    files = {"evidence/q.npz": npz(W=MATRIX), "evidence/q.json": b'{"status": "answered"}'}

    with pytest.raises(NotAnswered, match="the evidence was refused"):
        Evidence(files | {name: b"junk"}, {"q": {"W": (3, 2)}}, "completed")["q"]


def test_partial_answers_are_there_whatever_became_of_the_question():
    """Arrays set before an exception; none where there is nothing to read."""
    raised = answers({"status": "raised", "error": "x"}, W=MATRIX)

    assert np.array_equal(raised.partial("q")["W"], MATRIX)
    assert Evidence({}, {"q": {}}, "").partial("q") == {}


def test_a_question_that_the_rubric_never_put_is_the_rubrics_mistake():
    """A misspelt question in a test is our fault, not an answer that is missing."""
    with pytest.raises(KeyError, match="hands out no question `typo`"):
        answers(W=MATRIX)["typo"]


def test_a_name_that_was_not_promised_is_not_answered():
    """Reading it says which name is not there."""
    with pytest.raises(NotAnswered, match="the answer has no `loss`"):
        answers(W=MATRIX)["q"].loss  # noqa: B018


def test_the_reader_opens_no_file(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """It takes bytes: links, pipes and devices cannot be handed to it."""
    monkeypatch.setattr(os, "open", None)
    monkeypatch.setattr("builtins.open", None)

    assert read_arrays(GOOD).keys() == {"W", "y"}


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1, True)}",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (False,)}",
        "{'descr': '<f8', 'fortran_order': 1, 'shape': (1,)}",
        "{'descr': 'd', 'fortran_order': False, 'shape': (1.0,)}",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': [1]}",
        "{'descr': True, 'fortran_order': False, 'shape': (1,)}",
    ],
)
def test_a_header_that_numpy_would_not_write_is_refused(header: str):
    """A length of `True`, a list for a tuple: refused, never an error of ours."""
    text = header.encode().ljust(117) + b"\n"
    raw = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(8)

    with pytest.raises(Refused):
        read_arrays(zipped(("out.npy", raw)))
