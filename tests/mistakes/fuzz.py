"""Change an answer in one of the ways that a forger, a slip or an odd machine may."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tests.toys.toy import arrays, npz

Array = np.ndarray[Any, Any]
Files = dict[str, bytes]
Rng = np.random.Generator

EXTREME = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, 2.2e-308, 1e-300, 1e100, -1e100, 1e155, 1e12, -1e12),
    *(1.7976931348623157e308, -1.7976931348623157e308, np.inf, -np.inf, np.nan, 1e11, 3.4e38),
    *(9e11, -9e11, 65504.0, 255.0, 256.0, 1e6),
]
WHOLE = [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
KINDS = ["?", "i1", "u1", "i2", "i8", "u8", "f2", "f4", "f8", "g", "c16", "U3", "S2", ">f8", ">i4"]
"""The last but two are no numbers at all: the judge refuses them."""
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        1e308,
        10**30,
        "",
        "a",
        "\ud800",
        "x" * 300,
        "[1, 2]",
        "9" * 5000,
    ),
    *([], {}, [None], [1], [[]], [["a"]], {"a": None}, {"fresh": None}, {"fresh": [[2, 2]]}),
    *({"fresh": [["2", 2], [2, 1]]}, {"fresh": [[-1, 2], [2, 1]]}, {"fresh": [[[2]]]}),
    *(["\ud800"], ["a"] * 2000, {"fresh": []}, [{}], ["", None], {"\ud800": [[1]]}),
]


def cast(array: Array, kind: str) -> Array:
    with np.errstate(all="ignore"):
        return array.astype(kind)


def one_cell(array: Array, value: float) -> Array:
    changed = np.array(array, dtype=np.float64)
    if changed.size:
        changed.flat[changed.size // 2] = value
    return changed


def shaped(array: Array, how: str) -> Array:
    """Another shape, none, or far too much."""
    axis = array.ndim - 1
    ways: dict[str, Callable[[], Array]] = {
        "empty": lambda: np.zeros((0,) * max(1, array.ndim)),
        "no rows": lambda: array[:0] if array.ndim else np.zeros(0),
        "no columns": lambda: array[..., :0] if array.ndim else np.zeros((0, 0)),
        "one row": lambda: array[:1] if array.ndim else array[None],
        "one column": lambda: array[..., :1] if array.ndim else array[None, None],
        "fewer": lambda: array[:-1] if array.ndim else array,
        "a scalar": lambda: np.array(array.ravel()[0] if array.size else 0.0),
        "flat": lambda: array.ravel(),
        "an axis more": lambda: array[None],
        "turned round": lambda: array.T,
        "twice": lambda: np.concatenate([array, array]) if array.ndim else np.stack([array] * 2),
        "twice as wide": lambda: (
            np.concatenate([array, array], axis) if array.ndim else array[None]
        ),
        "oversized": lambda: np.resize(array, (70, *array.shape)) if array.size < 10**4 else array,
        "a long row": lambda: np.resize(array, 20_000) if array.size else array,
    }
    return ways[how]()


SHAPES = [
    *("empty", "no rows", "no columns", "one row", "one column", "fewer", "a scalar", "flat"),
    *("an axis more", "turned round", "twice", "twice as wide", "oversized", "a long row"),
]


def one_of(rng: Rng, choices: Sequence[Any]) -> Any:
    """One of them, as it is: NumPy's own choice would make an array of them."""
    return choices[int(rng.integers(len(choices)))]


def changed_array(rng: Rng, name: str, before: Mapping[str, Array]) -> Array:
    """One array: other numbers, another type, another shape, or that of another name."""
    array = before[name]
    match int(rng.integers(1, 10)):
        case 1:
            return np.full(array.shape, one_of(rng, EXTREME))
        case 2:
            return one_cell(array, one_of(rng, EXTREME))
        case 3:
            return cast(array, one_of(rng, KINDS))
        case 4 | 5:
            return shaped(array, one_of(rng, SHAPES))
        case 6:
            return np.full(array.shape, one_of(rng, WHOLE))
        case 7:
            return rng.normal(size=array.shape) * 10.0 ** int(rng.integers(-320, 12))
        case 8:
            return cast(np.round(array.astype(float), 0), "i8")
        case _:
            same = [other for other in sorted(before) if before[other].shape == array.shape]
            return before[one_of(rng, same)]


def changed_arrays(rng: Rng, before: Mapping[str, Array]) -> dict[str, Array]:
    """Some of the arrays changed or left out; at times all of them alike."""
    if not rng.integers(10):
        every = one_of(rng, EXTREME)
        return {name: np.full(array.shape, every) for name, array in before.items()}
    found = dict(before)
    chosen = rng.permutation(sorted(before))[: int(rng.integers(1, 5))].tolist() if before else []
    for name in chosen:
        if not rng.integers(10):
            del found[name]
        else:
            found[name] = changed_array(rng, name, before)
    return found


def changed_note(rng: Rng, before: dict[str, Any]) -> dict[str, Any]:
    """One of the texts of a note of another type, left out, or the whole note odd."""
    note = dict(before)
    text = dict(note.get("text") or {})
    how = int(rng.integers(6))
    if how == 0:
        note["status"] = one_of(rng, ["raised", "missing", "answered", None, 1, "\ud800"])
        note["error"] = one_of(rng, VALUES)
        note["missing"] = one_of(rng, VALUES)
    elif how == 1:
        note["text"] = one_of(rng, VALUES)
    elif text:
        name = one_of(rng, sorted(text))
        if how == 2:
            del text[name]
        elif how == 3 and isinstance(text[name], list | dict) and text[name]:
            text[name] = _inside(rng, text[name])
        else:
            text[name] = one_of(rng, VALUES)
        note["text"] = text
    return note


def _inside(rng: Rng, value: Any) -> Any:
    """A list or an object with one of its own values exchanged."""
    place = one_of(rng, range(len(value)) if isinstance(value, list) else sorted(value))
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[place] = one_of(rng, VALUES)
    return copied


def changed(rng: Rng, files: Mapping[str, bytes], question: str) -> Files:
    """The files of a run with one answer changed."""
    box, note = f"evidence/{question}.npz", f"evidence/{question}.json"
    found = dict(files)
    said, before = json.loads(files[note]), _arrays(files[box])
    which = int(rng.integers(3)) if said.get("text") else 0 if before else 2
    if which < 2:
        found[box] = npz(**changed_arrays(rng, before))
    if which > 0:
        found[note] = json.dumps(changed_note(rng, said)).encode()
    return found


@lru_cache
def _arrays(content: bytes) -> dict[str, Array]:
    return arrays(content)
