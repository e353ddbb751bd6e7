"""docs/rubric.md's one page is a whole assignment: it grades the right answer and the mistake."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assay.course import assignment
from assay.evidence.store import Store
from assay.grading.session import Session
from assay.records import Criterion, Verdict
from assay.rubric import Wrong
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.toy import notebook

PAGE = (Path(__file__).parents[1] / "docs" / "rubric.md").read_text()


def blocks() -> dict[str, str]:
    """The page's Python files and cells, by the comment on their first line."""
    return dict(re.findall(r"```python\n# ([\w/.]+)\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The page's files in a folder; its rubric under a name that no other test imports."""
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    root = tmp_path / "sums"
    files = {name: text for name, text in blocks().items() if "/" in name}
    for name, text in files.items():
        path = root / name.replace("rubric/", "rubric_of_the_page/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    place = root / "assignment.toml"
    place.write_text(toml.replace('"rubric"', '"rubric_of_the_page"'))
    monkeypatch.syspath_prepend(str(root))
    course = assignment.read(place)
    return toys.session(course, Store(tmp_path / "store"), tmp_path / "reports", jobs=2)


def graded(session: Session, cell: str) -> Criterion:
    handed_in = Submission("ada", {"sums.ipynb": notebook("seed = 0", cell)})
    return session.grade(handed_in).criteria[0]


def test_the_page_grades_a_right_answer_and_its_mistake(session: Session):
    """Run for real: the first passes with both points, the second fails under its name."""
    right, mistake = (graded(session, blocks()[name]) for name in ("right", "mistake"))

    assert (right.verdict, right.earned) == (Verdict.PASSED, 2.0)
    assert (mistake.verdict, mistake.earned) == (Verdict.FAILED, 0.0)
    assert mistake.properties[0].mistake == "it subtracts"
    assert mistake.properties[0].hint == "look at the sign"


def test_the_page_sets_aside_what_follows():
    """The block on causes is run: a wrong gradient alone explains a loss that rises."""
    (block,) = re.findall(
        r"```python\n(from assay\.rubric import after_marks_for.*?)```",
        PAGE,
        re.DOTALL,
    )
    page: dict[str, Any] = {}
    exec(block, page)
    X, y, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, -1.0]), np.array([0.5, 0.25])
    right = 2 * X.T @ (X @ w - y) / len(y)
    given = {"descent": SimpleNamespace(X=X, y=y, w=w)}

    def judge(dw: np.ndarray, losses: list[float]) -> None:
        evidence = {"descent": SimpleNamespace(dw=dw, losses=losses)}
        page["test_the_loss_falls"](evidence, given)

    judge(right, [2.0, 1.0])
    judge(2 * right, [2.0, 1.0])
    with pytest.raises(Wrong, match="not the slope") as wrong:
        page["test_the_gradient_is_the_slope"]({"descent": SimpleNamespace(dw=2 * right)}, given)
    assert wrong.value.explains == {"gradient"}  # type: ignore[attr-defined]
    with pytest.raises(Wrong, match="the loss rises"):
        judge(right, [1.0, 2.0])
    with pytest.raises(pytest.skip.Exception) as aside:
        judge(2 * right, [1.0, 2.0])
    assert str(aside.value).startswith(
        "follows from gradient: the gradient is not the slope of the loss"
    )


def test_the_example_of_the_library_runs():
    """docs/api.md shows it in four lines."""
    text = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
    example = text.split("```python\n")[2].split("```")[0]

    exec(example, {})
    with pytest.raises(Wrong, match=r"at \[1\] it is 12, the loss rises by 4"):
        exec(example.replace("2 * weights", "3 * weights**2"), {})
