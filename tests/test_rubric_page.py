"""docs/rubric.md's one page is a whole assignment: it grades the right answer and the mistake."""

import re
from pathlib import Path

import pytest

from assay.course import assignment
from assay.evidence.store import Store
from assay.grading.session import Session
from assay.records import Criterion, Verdict
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
