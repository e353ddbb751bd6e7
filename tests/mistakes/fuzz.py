"""Change an answer in one of the ways that a forger, a slip or an odd machine may."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.assay.toy import arrays, npz

Array = np.ndarray[Any, Any]
Files = dict[str, bytes]

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


@st.composite
def changed_arrays(draw: st.DrawFn, before: Mapping[str, Array]) -> dict[str, Array]:
    """Some of the arrays changed, left out, or joined by another."""
    found = dict(before)
    names = sorted(before)
    for name in draw(st.sets(st.sampled_from(names), min_size=1, max_size=4)) if names else ():
        array = before[name]
        how = draw(st.integers(0, 9))
        if how == 0:
            del found[name]
        elif how == 1:
            found[name] = np.full(array.shape, draw(st.sampled_from(EXTREME)))
        elif how == 2:
            found[name] = one_cell(array, draw(st.sampled_from(EXTREME)))
        elif how == 3:
            found[name] = cast(array, draw(st.sampled_from(KINDS)))
        elif how in (4, 5):
            found[name] = shaped(array, draw(st.sampled_from(SHAPES)))
        elif how == 6:
            found[name] = np.full(array.shape, draw(st.sampled_from(WHOLE)))
        elif how == 7:
            rng = np.random.default_rng(draw(st.integers(0, 99)))
            scale = 10.0 ** draw(st.integers(-320, 11))
            found[name] = rng.normal(size=array.shape) * scale
        elif how == 8:
            found[name] = cast(np.round(array.astype(float), 0), "i8")
        else:
            same = [other for other in names if before[other].shape == array.shape]
            found[name] = before[draw(st.sampled_from(same))]
    if draw(st.integers(0, 9)) == 0 and names:
        every = draw(st.sampled_from(EXTREME))
        found = {name: np.full(array.shape, every) for name, array in before.items()}
    return found


@st.composite
def changed_note(draw: st.DrawFn, before: dict[str, Any]) -> dict[str, Any]:
    """One of the texts of a note of another type, left out, or the whole note odd."""
    note = dict(before)
    text = dict(note.get("text") or {})
    how = draw(st.integers(0, 5))
    if how == 0:
        note["status"] = draw(st.sampled_from(["raised", "missing", "answered", None, 1, "\ud800"]))
        note["error"] = draw(st.sampled_from(VALUES))
    elif how == 1:
        note["text"] = draw(st.sampled_from(VALUES))
    elif text:
        name = draw(st.sampled_from(sorted(text)))
        if how == 2:
            del text[name]
        elif how == 3 and isinstance(text[name], list | dict) and text[name]:
            text[name] = _inside(draw, text[name])
        else:
            text[name] = draw(st.sampled_from(VALUES))
        note["text"] = text
    return note


def _inside(draw: st.DrawFn, value: Any) -> Any:
    """A list or an object with one of its own values exchanged."""
    places = range(len(value)) if isinstance(value, list) else sorted(value)
    place = draw(st.sampled_from(list(places)))
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[place] = draw(st.sampled_from(VALUES))
    return copied


@st.composite
def changed(draw: st.DrawFn, files: Mapping[str, bytes], question: str) -> Files:
    """The files of a run with one answer changed."""
    box, note = f"evidence/{question}.npz", f"evidence/{question}.json"
    found = dict(files)
    said = json.loads(files[note])
    which = draw(st.integers(0, 2)) if said.get("text") else 0
    if which < 2:
        found[box] = npz(**draw(changed_arrays(arrays(files[box]))))
    if which > 0:
        found[note] = json.dumps(draw(changed_note(said))).encode()
    return found
