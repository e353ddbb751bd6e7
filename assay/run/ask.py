"""The one file that enters the student's kernel. Standard library and NumPy only.

It puts questions to the student's code and writes the answers down as plain
arrays. It knows no right answers, so there is nothing in it worth stealing.
"""

import importlib
import importlib.util
import json
import pkgutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

DESK = Path(__file__).resolve().parents[1]


class Missing(Exception):
    """The submission has nothing of the name that was asked for."""


class Student:
    """The student's names: `student.attention` looks in the adapter, the notebook, the package."""

    def __init__(self) -> None:
        self._notebook: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        for place in self._places():
            if name in place:
                return place[name]
        raise Missing(f"expected `{name}` in the notebook or in the `solution` package beside it")

    def instances(self, kind: type) -> list[Any]:
        """The objects of a class that the notebook left under a name."""
        named = {key: value for key, value in self._notebook.items() if not key.startswith("_")}
        return [value for value in named.values() if isinstance(value, kind)]

    def _places(self) -> Iterator[dict[str, Any]]:
        adapter = DESK / "submission" / "adapter.py"
        if adapter.exists():
            yield vars(_module("adapter", adapter))
        yield self._notebook
        yield from (vars(module) for module in _package("solution"))


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _package(name: str) -> Iterator[ModuleType]:
    """The package, then every module in it; one that cannot be imported is passed over."""
    try:
        package = importlib.import_module(name)
    except ImportError:
        return
    yield package
    for module in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda _: None):
        try:
            yield importlib.import_module(module.name)
        except Exception:  # a broken module must not hide the others
            continue


student = Student()


def handed_out(question: str) -> bool:
    """Whether this run puts the question at all."""
    return (DESK / "given" / f"{question}.npz").exists()


@contextmanager
def ask(question: str) -> Iterator[tuple[SimpleNamespace, SimpleNamespace]]:
    """Hand out the question's arrays and an empty answer; keep what the block sets on it.

    An exception in the block is an answer too: it is written down, and the next
    question is put.
    """
    with np.load(DESK / "given" / f"{question}.npz", allow_pickle=False) as arrays:
        given = SimpleNamespace(**arrays)
    answer = SimpleNamespace()
    note: dict[str, Any] = {"status": "answered"}
    try:
        yield given, answer
    except Missing as error:
        note = {"status": "missing", "error": str(error)}
    except (Exception, SystemExit) as error:
        note = {
            "status": "raised",
            "error": f"{type(error).__name__}: {error}"[:500],
            "traceback": traceback.format_exc(limit=-4)[-4000:],
        }
    _write(question, vars(answer), note)


def _write(question: str, answers: dict[str, Any], note: dict[str, Any]) -> None:
    arrays: dict[str, Any] = {}
    text: dict[str, Any] = {}
    for name, value in answers.items():
        array = _as_numbers(value)
        if array is None:
            text[name] = value
        else:
            arrays[name] = array
    sheet = DESK / "evidence" / f"{question}.npz"
    sheet.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(sheet, **arrays)
    content = json.dumps({**note, "text": text}, default=_refused)
    sheet.with_suffix(".json").write_text(content, encoding="utf-8")


def _as_numbers(value: Any) -> Any:
    """The value as an array of numbers, or None where it is something else."""
    if isinstance(value, str | dict) or value is None:
        return None
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except ValueError:  # rows of unequal lengths
        return None
    return array if array.dtype.kind in "biuf" else None


def _refused(value: Any) -> str:
    """What stands in the evidence for an answer that is neither numbers nor text."""
    return f"<{type(value).__name__}, which is not plain data>"


def sit(namespace: dict[str, Any]) -> None:
    """Put the whole exam to the code of a notebook whose names these are."""
    student._notebook = dict(namespace)
    exam = DESK / "kit" / "exam.py"
    exec(compile(exam.read_text(encoding="utf-8"), str(exam), "exec"), {"__name__": "exam"})
    (DESK / "evidence" / "finished.json").write_text("{}", encoding="utf-8")
