"""Many small files as one: what they have in common is kept once, and arrays are laid out to pack.

Answers repeat each other (the rows a notebook trained on are handed in, and are its targets in
another order), and deflate sees that only within 32 KB, and not at all in an archive of its own.
So the body of each array is cut into planes, the first byte of each number, the second, and so on
(of a table of integers: of each column); equal planes are kept once. Everything else is kept in
one piece. Whatever the bytes are, they are only cut and put together again.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import NamedTuple

import numpy as np

EVIDENCE = "evidence/"
PIECES = "evidence.index.json", "evidence.rest", "evidence.planes"
Packed = tuple[bytes, bytes, bytes]
"""An index, what is kept in one piece, and the planes, each once."""
HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '[<>|]([biuf])([1-8])', 'fortran_order': "
    rb"False, 'shape': \(((?:\d{1,18}, ?){0,31}\d{0,18})\)",
    re.DOTALL,
)
ENTRY, ENTRIES = b"PK\x01\x02", 1_000
"""The mark of an entry in a zip, and how often it may occur: each costs its reader an object, and
64 MB hold more than a million. Numbers have it by chance."""
LOCAL, NAMES = 30, slice(26, 30)
"""Of a member's own header in a zip: its length, and where the lengths of its names stand."""
SMALLEST = 256
"""Bytes of a body that is worth an entry in the index."""
LARGE, SAMPLE = 8_000, 16_000
"""Bytes of floating-point numbers from which both ways are tried, and of how many at most."""
COLUMNS, ROWS = 64, 64
"""A table of integers is cut by column if it has no more of these, and no fewer of those."""


class Body(NamedTuple):
    """Numbers in a file: from where to where, and how many bytes apart like ones are."""

    start: int
    end: int
    step: int


def folded(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files with the evidence as three pieces."""
    evidence = {name: held for name, held in files.items() if name.startswith(EVIDENCE)}
    if not evidence:
        return dict(files)
    rest = {name: held for name, held in files.items() if name not in evidence}
    return rest | dict(zip(PIECES, packed(evidence), strict=True))


def unfolded(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files as they were; an older assay kept each as it is.

    Raises
    ------
    ValueError
        If the pieces do not belong together.
    """
    if not any(piece in files for piece in PIECES):
        return dict(files)
    if missing := [piece for piece in PIECES if piece not in files]:
        raise ValueError(f"it holds no {missing[0]}")
    rest = {name: held for name, held in files.items() if name not in PIECES}
    return rest | unpacked(*(files[piece] for piece in PIECES))


def may_hold(begin: tuple[str, ...]) -> bool:
    """Return whether the pieces can hold a file whose name begins with one of these."""
    return any(b.startswith(EVIDENCE) or EVIDENCE.startswith(b) for b in begin)


def packed(files: Mapping[str, bytes]) -> Packed:
    """Return the files as three pieces."""
    index: dict[str, list[int | list[int]]] = {}
    rest: list[bytes] = []
    planes: dict[bytes, int] = {}
    for name, content in sorted(files.items()):
        parts: list[int | list[int]] = []
        at = 0
        for body in _bodies(name, content):
            parts.append(body.start - at)
            rest.append(content[at : body.start])
            numbers = [planes.setdefault(plane, len(planes)) for plane in _cut(content, body)]
            parts.append([body.end - body.start, body.step, *_ranges(numbers)])
            at = body.end
        parts.append(len(content) - at)
        rest.append(content[at:])
        index[name] = parts
    return json.dumps(index, separators=(",", ":")).encode(), b"".join(rest), b"".join(planes)


def unpacked(index: bytes, rest: bytes, planes: bytes) -> dict[str, bytes]:
    """Return the files of three pieces.

    Raises
    ------
    ValueError
        If they do not belong together.
    """
    files: dict[str, bytes] = {}
    known: list[bytes] = []
    at = end = 0
    for name, parts in json.loads(index).items():
        found: list[bytes] = []
        for part in parts:
            if isinstance(part, int):
                found.append(rest[at : at + part])
                at += part
                continue
            length, step, *ranges = part
            size = length // step
            numbers = list(_numbers(ranges))
            for number in numbers:
                if number == len(known):
                    known.append(planes[end : end + size])
                    end += size
            found.append(_joined([known[number] for number in numbers], step, size))
        files[name] = b"".join(found)
    if (at, end) != (len(rest), len(planes)):
        raise ValueError("the pieces of its evidence do not belong together")
    return files


def _bodies(name: str, content: bytes) -> Iterator[Body]:
    """The arrays of an npz archive that are not compressed, as far as it is one."""
    if not name.endswith(".npz") or content.count(ENTRY) > ENTRIES:
        return
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.header_offset)
    except Exception:  # a student's process wrote it: strange bytes are kept in one piece
        return
    at = 0
    for member in members:
        head = content[member.header_offset : member.header_offset + LOCAL]
        lengths = head[NAMES]
        start = member.header_offset + LOCAL + int.from_bytes(lengths[:2], "little")
        start += int.from_bytes(lengths[2:], "little")
        end = start + member.file_size
        if member.compress_type or start < at or end > len(content):
            continue
        found = HEADER.match(content, start, start + 200)
        if not found:
            continue
        start += 10 + int.from_bytes(found[1], "little")
        step = _step(found, content[start:end])
        if end - start >= SMALLEST and step:
            yield Body(start, end, step)
            at = end


def _step(found: re.Match[bytes], numbers: bytes) -> int:
    """How many bytes apart like ones are; 0 if the body is not as its header says."""
    size = int(found[3])
    columns = int(found[4].rstrip(b", ").rpartition(b",")[2] or 1)
    if found[2] != b"f" and 0 < columns <= COLUMNS and len(numbers) // (columns * size) >= ROWS:
        size *= columns
    if len(numbers) % size:
        return 0
    sample = numbers[: SAMPLE // size * size]
    if found[2] == b"f" and len(sample) >= LARGE:  # few values that come often are better whole
        cut = b"".join(_cut(sample, Body(0, len(sample), size)))
        return 1 if len(zlib.compress(sample, 1)) < len(zlib.compress(cut, 1)) else size
    return size


def _cut(content: bytes, body: Body) -> list[bytes]:
    numbers = np.frombuffer(content, np.uint8, body.end - body.start, body.start)
    return [plane.tobytes() for plane in numbers.reshape(-1, body.step).T]


def _joined(planes: list[bytes], step: int, size: int) -> bytes:
    if len(planes) != step:
        raise ValueError("an array lacks some of its planes")
    return np.frombuffer(b"".join(planes), np.uint8).reshape(step, size).T.tobytes()


def _ranges(numbers: list[int]) -> list[int]:
    """Numbers as pairs: the first of a row of them, and how many there are."""
    pairs: list[int] = []
    for number in numbers:
        if pairs and number == pairs[-2] + pairs[-1]:
            pairs[-1] += 1
        else:
            pairs += [number, 1]
    return pairs


def _numbers(pairs: list[int]) -> Iterator[int]:
    for first, count in zip(pairs[::2], pairs[1::2], strict=True):
        yield from range(first, first + count)
