"""For an audit: after every cell, fingerprints of all plain data that the notebook holds.

It runs in the student's kernel, copied into the support folder of audited runs and of no others.
It reads what is there and changes nothing: no generator is advanced, nothing is called that the
student wrote. What it leaves is a claim like all evidence; it serves to find a cell, and marks
nothing.
"""

import hashlib
import json
import os
import random
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SUPPORT = Path(os.environ.get("ASSAY_SUPPORT", "."))
DEEPEST, MOST = 6, 20_000
IGNORED = {"In", "Out", "exit", "quit", "open", "get_ipython"}
LEFT_BYTES = 4_000_000


def follow(shell: Any, twin: bool) -> None:
    """Write a line after each cell; the second run of an audit meets the exam reseeded."""
    evidence = SUPPORT.parent / "evidence"
    root = Path(os.environ["PYTHONPATH"].partition(os.pathsep)[0])
    before = {path: path.read_bytes() for path in _files(root)}

    def note(result: Any) -> None:
        if not result.info.store_history:  # the kernel's own start
            return
        names = {name: value for name, value in shell.user_ns.items() if _counts(name)}
        line = {"source": result.info.raw_cell, "names": dict(_fingerprints(names))}
        with (evidence / "trace.jsonl").open("a", encoding="utf-8") as trace:
            trace.write(json.dumps(line) + "\n")

    def leave(info: Any) -> None:
        if "ask.sit(" in info.raw_cell:
            _leave(root, before, evidence / "left")
            if twin:
                _reseed()

    shell.events.register("post_run_cell", note)
    shell.events.register("pre_run_cell", leave)


def _counts(name: str) -> bool:
    return not name.startswith("_") and name not in IGNORED


def _reseed() -> None:
    """Answers to given questions may not depend on where the global generators stand."""
    random.seed(20_260_101)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(20_260_101)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(20_260_101)
    vars(sys.modules["assay-switches"])["seed"] = b"twin"  # what each question begins with


def _leave(root: Path, before: dict[Path, bytes], folder: Path) -> None:
    """Copy what the notebook wrote beside itself: its next run will find it."""
    room = LEFT_BYTES
    for path in _files(root):
        room -= path.stat().st_size
        if room > 0 and path.read_bytes() != before.get(path):
            place = folder / path.relative_to(root)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


def _files(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]


def _fingerprints(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in names.items():
        digest, budget = hashlib.sha256(), [MOST]
        try:
            for piece in _pieces(value, DEEPEST, budget):
                digest.update(piece + b"\0")
        except Exception:  # the student's own class may do as it likes
            continue
        yield name, digest.hexdigest()[:16]


def _pieces(value: Any, depth: int, budget: list[int]) -> Iterator[bytes]:
    """Plain data as bytes, in order; what is not plain says only what it is."""
    budget[0] -= 1
    kind = type(value)
    yield kind.__qualname__.encode()
    if depth == 0 or budget[0] < 0 or kind is type(sys):
        return
    if value is None or kind in (bool, int, float, complex, str, bytes, bytearray, range):
        yield repr(value).encode("utf-8", "replace")
    elif kind in (list, tuple):
        yield from _all(value, depth, budget)
    elif kind is dict:
        yield from _all((part for item in value.items() for part in item), depth, budget)
    elif kind in (set, frozenset):
        yield from sorted(b"".join(_pieces(part, depth - 1, budget)) for part in value)
    elif kind.__module__.split(".")[0] in KNOWN:
        yield from KNOWN[kind.__module__.split(".")[0]](value, depth, budget)
    elif isinstance(getattr(value, "__dict__", None), dict) and _is_looked_into(kind):
        named = {k: v for k, v in vars(value).items() if not callable(v)}
        yield from _pieces(named, depth - 1, budget)


def _is_looked_into(kind: type) -> bool:
    """Objects of the student's own classes and scikit-learn's; others hold what is their own."""
    module = sys.modules.get(kind.__module__)
    own = str(getattr(module, "__file__", "")).startswith(
        os.environ["PYTHONPATH"].partition(os.pathsep)[0]
    )
    return own or kind.__module__ == "__main__" or kind.__module__.startswith("sklearn.")


def _all(values: Iterable[Any], depth: int, budget: list[int]) -> Iterator[bytes]:
    for value in values:
        yield from _pieces(value, depth - 1, budget)


def _numpy(value: Any, depth: int, budget: list[int]) -> Iterator[bytes]:
    """Arrays and numbers by their bytes, generators by their state."""
    if hasattr(value, "bit_generator"):
        yield from _pieces(value.bit_generator.state, depth - 1, budget)
    elif hasattr(value, "dtype") and hasattr(value, "tobytes"):
        yield f"{value.dtype} {value.shape}".encode()
        yield value.tobytes() if value.dtype.kind != "O" else b""


def _torch(value: Any, depth: int, budget: list[int]) -> Iterator[bytes]:
    """Tensors by their bytes, modules by their state."""
    if hasattr(value, "state_dict") and hasattr(value, "parameters"):
        yield from _pieces(dict(value.state_dict()), depth - 1, budget)
    elif hasattr(value, "detach"):
        yield from _numpy(value.detach().cpu().numpy(), depth, budget)


def _words(value: Any, depth: int, budget: list[int]) -> Iterator[bytes]:
    yield str(value).encode()


KNOWN = {
    **dict.fromkeys(("numpy", "pandas"), _numpy),
    "torch": _torch,
    **dict.fromkeys(("datetime", "uuid", "decimal", "fractions", "pathlib"), _words),
}
