"""A class of eight and three questions, as notebooks for assay, otter-grader and nbgrader.

The code of the students is the same for all; so is what is checked, and so are the marks.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

Notebook = Any
CLASS = Path(__file__).with_name("class")

PARAMETERS = "seed = 0"
DATA = """\
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=seed)
"""
ANSWERS = {
    "scale": """\
def scale(train, test):
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / deviation, (test - mean) / deviation
""",
    "fit": """\
def fit(X, y):
    return LogisticRegression().fit(X, y)
""",
    "error": """\
def error(model, X, y):
    return np.mean(model.predict(X) != y)
""",
}
END = """\
Z_train, Z_test = scale(X_train, X_test)
model = fit(Z_train, y_train)
print(f"{error(model, Z_test, y_test):.3f} of {len(y_test)} answers are wrong")
"""
WRONG = {
    "scale": ANSWERS["scale"].replace("(test - mean)", "(test - test.mean(axis=0))"),
    "fit": ANSWERS["fit"].replace("()", "(C=0.01)"),
    "error": ANSWERS["error"].replace("!=", "=="),
}
MISTAKES: dict[str, tuple[str, ...]] = {
    "ada": (),
    "ben": ("scale",),
    "cem": (),
    "dora": ("fit",),
    "eve": ("error",),
    "finn": (),
    "gül": ("scale", "error"),
    "hugo": (),
}
"""What each of the eight got wrong."""
MARKS = {name: len(ANSWERS) - len(wrong) for name, wrong in MISTAKES.items()}
CHECKS = {
    "scale": """\
from sklearn.preprocessing import StandardScaler
rng = np.random.default_rng(1)
train, test = rng.normal(3, 2, size=(40, 4)), rng.normal(3, 2, size=(15, 4))
one, other = scale(train, test)
assert np.allclose(one, StandardScaler().fit(train).transform(train))
assert np.allclose(other, StandardScaler().fit(train).transform(test))
""",
    "fit": """\
rng = np.random.default_rng(2)
train, test = rng.normal(3, 2, size=(40, 4)), rng.normal(3, 2, size=(15, 4))
labels = (train[:, 0] > 3).astype(int)
right = LogisticRegression().fit(train, labels).predict_proba(test)
assert np.allclose(fit(train, labels).predict_proba(test), right, atol=1e-3)
""",
    "error": """\
rng = np.random.default_rng(3)
train, test = rng.normal(3, 2, size=(40, 4)), rng.normal(3, 2, size=(15, 4))
truth = rng.integers(2, size=15)
model_ = fit(train, (train[:, 0] > 3).astype(int))
assert np.isclose(error(model_, test, truth), np.mean(model_.predict(test) != truth))
""",
}
"""The same as benchmarks/class/rubric, for tools that check in the student's kernel."""


def course(folder: Path) -> Path:
    """assay's assignment of these questions, in a folder of its own."""
    shutil.copytree(CLASS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    write(folder / "notebooks" / "homework.ipynb", plain("ada"))
    return folder


def plain(student: str) -> Notebook:
    """As it is handed in to assay and otter-grader."""
    sources = [DATA, *answers(student).values(), END]
    return book([parameters(), *map(code, sources)])


def parameters() -> Notebook:
    return nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})


def for_nbgrader(student: str) -> Notebook:
    """The same with a cell of tests behind each answer."""
    cells = [code(PARAMETERS), code(DATA)]
    for name, source in answers(student).items():
        cells.append(code(source, grade_id=name, solution=True, grade=False, locked=False))
        cells.append(
            code(CHECKS[name], grade_id=f"test_{name}", solution=False, grade=True, locked=True)
        )
        cells[-1].metadata["nbgrader"]["points"] = 1
    return book([*cells, code(END)])


def for_otter(name: str) -> str:
    """One question's test file."""
    lines = "\n".join(f">>> {line}" for line in CHECKS[name].splitlines())
    case = {"code": lines, "hidden": False, "locked": False}
    suites = [{"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}]
    test = {"name": name, "points": 1, "suites": suites}
    return f"OK_FORMAT = True\ntest = {test!r}\n"


def answers(student: str) -> Mapping[str, str]:
    return ANSWERS | {name: WRONG[name] for name in MISTAKES[student]}


def code(source: str, **about: Any) -> Notebook:
    cell = nbformat.v4.new_code_cell(source)
    if about:
        cell.metadata["nbgrader"] = {"schema_version": 3, "task": False, **about}
    return cell


def book(cells: list[Notebook]) -> Notebook:
    """A notebook with a kernel named, as otter-grader and nbgrader want it."""
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def write(place: Path, notebook: Notebook) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, place)
