"""Read evidence strictly: it is a claim by the student's process, and may be made to hurt.

`numpy.load` trusts a header before it has seen the data (244 bytes can ask for 8 TB), and JSON
as Python reads it has NaN and repeated keys. So members, headers and sizes are checked first.
"""

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED

import numpy as np
from numpy.lib import format as npy

from assay.evidence import planes
from assay.records import Cell, sound
from assay.source import blame, syntax
from assay.units import MB

Shape = tuple[int | str | None, ...]
"""The promised length of each axis: a number, None for any, SOME for any but none.

A name stands for any length but none that is the same wherever an answer has that name.
"""
SOME = -1
Note = Mapping[str, object]
"""What a kernel wrote down of a question, as ask.py has it: a claim, so values may be anything."""
Header = tuple[tuple[int, ...], bool, "np.dtype[Any]", int]
"""Shape, whether in Fortran's order, dtype, and where the numbers begin."""
LONGEST_HEADER = 1_000
MAX_MEMBERS = 64
MAX_BYTES = 64_000_000
MAX_JSON = 5_000_000
KEEP_BYTES = 1_000_000
"""Answers up to this size are kept once they have been read."""
KINDS = "biuf"
LARGEST = 1e12
"""What an honest answer stays below, unless its question allows for more.

Inputs are of unit size, so answers are; what hides scores is written as -1e9 at times. The cube of
it is a number in float32 too, so no arithmetic of a test overflows.
"""
LONGEST_TEXT = 200_000
HOW_IT_RAN = "evidence/ran.json"
"""What ran and was not handed in: of what left the kernel beside its answers, our own record."""
STATUSES = ["answered", "raised", "missing", "ended"]


class Refused(ValueError):
    """The bytes are not evidence; the message says why."""


class NotAnswered(Exception):
    """The question was put, or should have been, and no answer came back.

    `place` is the line of the exam that could not put it: for the teacher to look at. `absent` is
    the name that the exam did not find, `lacks` one that does not take what the question needs;
    no message is ever read for them, as student code may raise any.
    """

    def __init__(self, said: str, place: str = "", absent: str = "", lacks: str = "") -> None:
        super().__init__(said)
        self.place, self.absent, self.lacks = place, absent, lacks


class WrongAnswer(AssertionError):
    """An answer came back that is not of the form that was asked for."""


def read_arrays(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """Return the arrays of an npz archive.

    Raises
    ------
    Refused
        If a member is anything but an array of numbers whose header, dtype, shape and size
        agree.
    """
    if content.count(planes.ENTRY) > planes.ENTRIES:  # before zipfile makes an object of each
        raise Refused("too many arrays")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = archive.infolist()
    except Exception as error:  # whatever strange bytes provoke is theirs
        raise Refused(f"not an npz archive: {error}") from None
    names = [member.filename.removesuffix(".npy") for member in members]
    if len(members) > MAX_MEMBERS or len(set(names)) != len(names):
        raise Refused("too many arrays, or two of one name")
    if any(member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for member in members):
        raise Refused("compressed in a way that NumPy does not write")
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise Refused(f"the arrays expand to more than {MAX_BYTES // MB} MB")
    raw = [(_raw(archive, member), member.filename) for member in members]
    return {name: _array(*content) for name, content in zip(names, raw, strict=True)}


def _raw(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            raw = file.read(member.file_size + 1)
    except Exception as error:  # whatever the bytes provoke is theirs
        raise Refused(f"`{member.filename[:60]}` cannot be unpacked: {error}") from None
    if len(raw) != member.file_size:
        raise Refused(f"`{member.filename[:60]}` is not as long as its archive says")
    return raw


def _array(raw: bytes, name: str) -> np.ndarray[Any, Any]:
    try:
        shape, fortran_order, dtype, start = syntax.alone(lambda: _header(raw))
    except SystemError:
        raise  # Python's own fault, not that of the bytes
    except Exception as error:
        raise Refused(f"`{name[:60]}` has no sound header: {type(error).__name__}") from None
    if dtype.hasobject or dtype.kind not in KINDS or dtype.itemsize > 16:
        raise Refused(f"`{name[:60]}` holds {dtype}, not plain numbers")
    count = math.prod(int(length) for length in shape)
    if (
        any(type(length) is not int or length < 0 for length in shape)
        or count * dtype.itemsize != len(raw) - start
    ):
        raise Refused(f"`{name[:60]}` has a header for {count} numbers and a body for others")
    try:
        array = np.frombuffer(raw, dtype, count, start).reshape(
            shape, order="F" if fortran_order else "C"
        )
    except (ValueError, OverflowError):  # an empty array may still claim 10**30 columns
        raise Refused(f"`{name[:60]}` has a shape that no array can have") from None
    return array.astype(dtype.newbyteorder("="))


def _header(raw: bytes) -> Header:
    """Return what the first bytes say; arrays of one dtype and shape begin alike, and are many."""
    width = 2 if raw[6:7] == b"\x01" else 4
    length = 8 + width + int.from_bytes(raw[8 : 8 + width], "little")
    if length > LONGEST_HEADER:
        raise ValueError("a header of very many bytes")
    return _parsed(raw[:length])


@lru_cache(1_000)
def _parsed(header: bytes) -> Header:
    file = io.BytesIO(header)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    shape, fortran_order, dtype = read[npy.read_magic(file)](file)
    return shape, fortran_order, dtype, file.tell()


def read_json(content: bytes) -> Any:
    """Strict JSON: no NaN, no Infinity, no numbers out of range, no repeated keys.

    Raises
    ------
    Refused
        With what was found.
    """
    if len(content) > MAX_JSON:
        raise Refused(f"JSON of more than {MAX_JSON // MB} MB")
    try:
        return json.loads(
            content, parse_constant=_no_constant, parse_float=_float, object_pairs_hook=_pairs
        )
    except RecursionError:
        raise Refused("JSON nested too deep") from None
    except Refused:
        raise
    except ValueError as error:
        raise Refused(f"not JSON: {str(error)[:100]}") from None


def _no_constant(name: str) -> None:
    raise Refused(f"JSON with {name}")


def _float(text: str) -> float:
    if math.isinf(value := float(text)):
        raise Refused(f"JSON with {text[:20]}, which no float can hold")
    return value


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise Refused("JSON with a repeated key")
    return dict(pairs)


class NotPut(KeyError):
    """A test asks for a question that its rubric never hands out: the course's fault."""

    def __str__(self) -> str:
        return str(self.args[0])


class Text(dict[str, object]):
    """What an answer says that is not numbers, read by the type that is expected.

    A value that is missing, or of another type, is not answered.
    """

    def __missing__(self, name: str) -> object:
        raise NotAnswered(f"the answer has no `{name}`")

    def string(self, name: str) -> str:
        """A text that can be written as UTF-8, of no more than 200,000 characters."""
        return str(self._of(str, name, self[name], "a text"))

    def number(self, name: str) -> float:
        """A number as large as an honest one may be; True and False are none."""
        value = self[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotAnswered(f"`{name}` is {_kind(value)}, expected a number")
        if not abs(value) <= LARGEST:
            raise WrongAnswer(f"`{name}` is larger than {LARGEST:g}: no honest number is")
        return float(value)

    def strings(self, name: str) -> list[str]:
        """A list of texts."""
        found = self._of(list, name, self[name], "a list of texts")
        return [self._of(str, name, value, "texts alone") for value in found]

    def shapes(self, name: str) -> dict[str, list[tuple[int, ...]]]:
        """Under each of several names, the shapes of some arrays."""
        found = self._of(dict, name, self[name], "shapes by name")
        return {
            moment: [self._shape(name, shape) for shape in self._of(list, name, shapes, "lists")]
            for moment, shapes in found.items()
        }

    def _shape(self, name: str, shape: Any) -> tuple[int, ...]:
        lengths = self._of(list, name, shape, "shapes")
        if not all(type(length) is int and 0 <= length <= LARGEST for length in lengths):
            raise NotAnswered(f"`{name}` holds {lengths!r:.60}, which is no shape")
        return tuple(lengths)

    @staticmethod
    def _of(kind: type, name: str, value: Any, expected: str) -> Any:
        if not isinstance(value, kind):
            raise NotAnswered(f"`{name}` holds {_kind(value)}, expected {expected}")
        return sound(value[:LONGEST_TEXT]) if isinstance(value, str) else value


def _kind(value: Any) -> str:
    kinds = {str: "a text", list: "a list", dict: "an object", bool: "a truth value"}
    return "nothing" if value is None else kinds.get(type(value), "a number")


class Answer(SimpleNamespace):
    """The arrays of one answer as attributes; `text` holds what is not numbers.

    An array with numbers that no honest answer has fails only the tests that read it: where a
    loss is infinite, its gradients may be right.
    """

    text: Text
    unsound: dict[str, str]
    """What is wrong with the arrays that cannot be read."""

    def __getattr__(self, name: str) -> Any:
        if wrong := self.__dict__.get("unsound", {}).get(name):
            raise WrongAnswer(wrong)
        raise NotAnswered(f"the answer has no `{name}`")


def _arrays_in(answer: Answer) -> dict[str, np.ndarray[Any, Any]]:
    return {name: value for name, value in vars(answer).items() if isinstance(value, np.ndarray)}


def _copied(answer: Answer) -> Answer:
    arrays = {name: array.copy() for name, array in _arrays_in(answer).items()}
    text = Text(deepcopy(dict(answer.text)))
    return Answer(text=text, unsound=dict(answer.unsound), **arrays)


class Evidence:
    """The answers of one run, by question; reading one checks it."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        shapes: Mapping[str, Mapping[str, Shape]],
        ended: str,
        cells: Sequence[Cell] = (),
        largest: Mapping[str, float] | None = None,
    ) -> None:
        self._files, self._shapes, self._ended, self._cells = files, shapes, ended, cells
        self._largest = largest or {}
        self._read: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
        self._checked: dict[str, Answer] = {}

    def questions(self) -> list[str]:
        """Every question this run was handed."""
        return list(self._shapes)

    def __getitem__(self, question: str) -> Answer:
        """Return an answer, checked, with arrays of its own; what is small is read once."""
        if question not in self._shapes:
            raise NotPut(f"the rubric hands out no question `{question}`")
        if question in self._checked:
            return _copied(self._checked[question])
        answer = self._answer(question)
        if sum(array.nbytes for array in _arrays_in(answer).values()) <= KEEP_BYTES:
            self._read.pop(question, None)
            self._checked[question] = _copied(answer)
        return answer

    def _answer(self, question: str) -> Answer:
        note = self._note(question)
        if note["status"] != "answered":
            put = _put(note)
            place = f"{put.file}:{put.line}" if put else ""
            raise NotAnswered(_in_words(note, self._cells), place, *_not_there(note))
        try:
            arrays = self._arrays(question)
        except Refused as error:
            raise NotAnswered(f"the evidence was refused: {error}") from None
        largest = self._largest.get(question, LARGEST)
        fitting = _fitting(arrays, self._shapes[question])
        found = {name: _implausible(array, largest) for name, array in fitting.items()}
        unsound = {name: f"`{name}` holds {wrong}" for name, wrong in found.items() if wrong}
        sound_ = {name: _plain(a) for name, a in fitting.items() if name not in unsound}
        text = note.get("text")
        words = Text(text if isinstance(text, dict) else {})
        return Answer(text=words, unsound=unsound, **sound_)

    def partial(self, question: str) -> dict[str, np.ndarray[Any, Any]]:
        """Return the sound arrays of an answer, promised or not; none if there is no answer."""
        try:
            arrays = self._arrays(question)
        except Refused:
            return {}
        largest = self._largest.get(question, LARGEST)
        return {name: _plain(a) for name, a in arrays.items() if not _implausible(a, largest)}

    def _arrays(self, question: str) -> dict[str, np.ndarray[Any, Any]]:
        """Copies, for a test of its own; what is small is read once for all tests."""
        if question in self._read:
            return {name: array.copy() for name, array in self._read[question].items()}
        arrays = read_arrays(self._files.get(f"evidence/{question}.npz", b""))
        if sum(array.nbytes for array in arrays.values()) <= KEEP_BYTES:
            self._read[question] = arrays
            return self._arrays(question)
        return arrays

    @property
    def _broke_off(self) -> str:
        """The line of the exam that raised between two questions; '' if none is known."""
        note = _note_of(self._files.get("evidence/broken.json", b"")) or {}
        put = _put({"status": "raised", **note})
        return f"{put.file}:{put.line}" if put else ""

    def _note(self, question: str) -> Note:
        content = self._files.get(f"evidence/{question}.json")
        if content is None:
            raise NotAnswered(f"never reached: {self._ended}", self._broke_off)
        try:
            note = read_json(content)
        except Refused as error:
            raise NotAnswered(f"the evidence was refused: {error}") from None
        if not isinstance(note, dict) or note.get("status") not in STATUSES:
            raise NotAnswered("the evidence was refused: it does not say what became of it")
        return note


def _note_of(content: bytes) -> Note | None:
    """Read a note of the kernel strictly; None if it is none."""
    try:
        note = read_json(content)
    except Refused:
        return None
    return note if isinstance(note, dict) else None


def _in_words(note: Note, cells: Sequence[Cell]) -> str:
    """The cell that failed before, where that is why a name is not there; else what was said."""
    error = str(note.get("error", ""))[:500] or "something that it does not name"
    said = f"your code raised {error}" if note["status"] == "raised" else error
    if put := _put(note):
        said = f"the question could not be put to your code: `{put.code}` raised {error}"
        said += f"; {put.called}" if put.called else ""
    return blame.of(said, cells) or said


def _not_there(note: Note) -> tuple[str, str]:
    """Return the names under `absent` and `lacks`, of a note that says a name is missing."""
    found = [note.get(kind) for kind in ("absent", "lacks")]
    absent, lacks = (
        name if isinstance(name, str) and name.isidentifier() else "" for name in found
    )
    return (absent, lacks) if note["status"] == "missing" else ("", "")


class Put(NamedTuple):
    """The line of the exam that raised, where no code of the student's had been entered."""

    file: str
    line: int
    code: str
    called: str = ""
    """How the code was called, and what it takes, where these do not fit."""


def _put(note: Note) -> Put | None:
    """Read strictly what the kernel says of it; None if it says nothing, or something else."""
    found = note.get("put")
    if note.get("status") != "raised" or not isinstance(found, dict):
        return None
    file, line, code = (found.get(name) for name in ("file", "line", "code"))
    called = found.get("called", "")
    if not (isinstance(file, str) and isinstance(code, str) and isinstance(called, str)):
        return None
    if type(line) is not int:
        return None
    named = re.fullmatch(r"[\w-]+(/[\w-]+)*\.py", file)
    code, called = (sound(text).replace("`", "'") for text in (code[:200], called[:400]))
    return Put(file, line, code, called) if named else None


def _fitting(
    arrays: Mapping[str, np.ndarray[Any, Any]], shapes: Mapping[str, Shape]
) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays that were promised; the only place where their shapes are looked at."""
    lengths: dict[str, tuple[int, str]] = {}
    for name, shape in shapes.items():
        if name not in arrays:
            raise NotAnswered(f"the answer has no numbers in `{name}`")
        array = arrays[name]
        if not _fits(array.shape, shape):
            none = " (there is nothing in it)" if not array.size else ""
            expected = f"expected {_shape_in_words(shape)}{none}"
            raise WrongAnswer(f"`{name}` has shape {array.shape}, {expected}")
        for length, axis in zip(array.shape, shape, strict=True):
            if isinstance(axis, str) and lengths.setdefault(axis, (length, name))[0] != length:
                known, other = lengths[axis]
                found = f"its {axis} is {length}, that of `{other}` is {known}"
                raise WrongAnswer(f"`{name}` has shape {array.shape}: {found}")
    return {name: arrays[name] for name in shapes}


def _fits(found: tuple[int, ...], promised: Shape) -> bool:
    return len(found) == len(promised) and all(
        length > 0 if isinstance(axis, str) or axis == SOME else axis in (None, length)
        for length, axis in zip(found, promised, strict=True)
    )


def _implausible(array: np.ndarray[Any, Any], largest: float) -> str:
    """Return what no honest answer holds; looked for here, so that no comparison has to."""
    if not array.size or array.dtype.kind == "b":
        return ""
    kind: type[int | float] = float if array.dtype.kind == "f" else int
    with np.errstate(over="ignore"):  # a long double may be more than any float
        low, high = kind(array.min()), kind(array.max())
    if math.isnan(low) or math.isinf(low) or math.isinf(high):
        return "NaN" if np.isnan(array).any() else "infinity"
    if high > largest or low < -largest:
        return f"a number beyond {largest:g}: {high if high > largest else low:.3g}"
    return ""


def _plain(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Numbers that arithmetic does not wrap round or overflow: int64, float32 or float64.

    Negative zero becomes zero, and what is smaller than any normal number too.
    """
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    single = array.dtype.itemsize <= 4
    wide = array.astype(np.float32 if single else np.float64)
    wide[np.abs(wide) < float(np.finfo(np.float32 if single else np.float64).tiny)] = 0
    return wide


def _shape_in_words(shape: Shape) -> str:
    inside = ", ".join("any" if axis in (None, SOME) else str(axis) for axis in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


Array = tuple[str, tuple[int, ...], bytes]
"""dtype, shape and bytes: equal if and only if the arrays are identical."""


def arrays_of(files: Mapping[str, bytes]) -> dict[str, Array]:
    """Return every recorded array of a run, by question and name; what is refused by its bytes."""
    found: dict[str, Array] = {}
    for file, content in files.items():
        if file.startswith("evidence/") and file.endswith(".npz"):
            try:
                arrays = read_arrays(content)
            except Refused as error:
                found[file] = (f"refused: {error}", (), content)
                continue
            question = file.removeprefix("evidence/").removesuffix(".npz")
            for name, array in arrays.items():
                found[f"{question}/{name}"] = (array.dtype.str, array.shape, array.tobytes())
    return found


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return a digest: equal for two runs if and only if all recorded arrays are identical."""
    digest = hashlib.sha256()
    for name, (dtype, shape, content) in sorted(arrays_of(files).items()):
        digest.update(f"{name} {dtype} {shape} {len(content)}\n".encode() + content)
    return digest.hexdigest()
