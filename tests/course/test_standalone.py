"""A test file stands by itself only where its text shows it."""

from pathlib import Path

import pytest

from assay.course import standalone
from assay.evidence import keys
from tests.toys import toy as toys

ALONE = '''"""The sum."""

import re
import numpy as np
import pytest
from assay.rubric import same
from contextlib import contextmanager

pytestmark = [pytest.mark.criterion("add"), pytest.mark.hint("look at the sign")]
WORDS: dict[str, str] = {"a": "b"}
MARKUP = re.compile("<[^<>]*>")
NAMES = sorted(WORDS)


@contextmanager
def where(name="x"):
    yield name


@pytest.mark.parametrize("sign", [1, -1])
def test_adds(evidence, sign):
    """The sum is the sum."""
    register(sign)


class TestMore:
    LEAST = 3

    def test_more(self, run): ...
'''
OTHER = "import pytest\n\n\ndef test_other(run): ...\n"
EFFECTS = {
    "it registers a check": "from known import register\n@register('add')\ndef check(): ...",
    "a decorator without a call": "from known import register\n@register\ndef check(): ...",
    "it calls what it defines": "def made(): ...\nCASES = made()",
    "it calls what is not known": "from known import made\nCASES = made()",
    "it adds to what is another's": "from known import CASES\nCASES += [1]",
    "it writes into another module": "import known\nknown.MOST = 2",
    "it writes into a table": "from known import CASES\nCASES['a'] = 2",
    "a method of another's": "from known import CASES\nLENGTH = CASES.pop()",
    "it draws from a global generator": "import random\nrandom.seed(1)",
    "it sets what holds for all": "import numpy as np\nBEFORE = np.seterr(all='raise')",
    "it chooses while it is imported": "if True:\n    X = 1",
    "it takes all names": "from known import *",
    "a name of Python's is another's": "from known import add as sorted\nCASES = sorted([1])",
    "a name of Python's is its own": "def sorted(x): ...\nCASES = sorted([1])",
    "a base that may know its classes": "from known import Base\nclass TestIt(Base): ...",
    "a default that does something": "from known import CASES\ndef f(x=CASES.pop()): ...",
    "a plugin for all": "pytest_plugins = ['known']",
    "a module of that name beside it": "from .re import compile\nCASES = compile('x')",
    "it cannot be read": "def",
}
NAMED = {
    "it is imported": {"given.py": f"{toys.GIVEN}\nfrom .test_add import test_adds\n"},
    "its name is in a text": {"given.py": f"{toys.GIVEN}\nNAME = 'test_add'\n"},
    "its name is put together": {"given.py": f"{toys.GIVEN}\nNAME = 'test_' + 'add'\n"},
    "all are looked for": {"conftest.py": "from pathlib import Path\nX = Path().glob('*.py')\n"},
    "all are imported": {"conftest.py": "import pkgutil\nX = pkgutil.iter_modules(['.'])\n"},
    "one fixture is every test's": {
        "conftest.py": "import pytest\n@pytest.fixture(scope='session')\ndef seen(): return []\n"
    },
    "one test knows of another": {
        "conftest.py": "SEEN = []\ndef pytest_runtest_teardown(item): SEEN.append(item)\n"
    },
    "what became of others is known": {
        "conftest.py": "F = []\ndef pytest_runtest_makereport(item, call): F.append(item)\n"
    },
}


def alone(root: Path, tests: dict[str, str]) -> set[str]:
    """The names of those that stand by themselves."""
    with toys.course(root, tests=tests) as course:
        return {path.name for path in standalone.tests(course, course.part[0])}


def test_a_file_of_tests_stands_by_itself(tmp_path: Path):
    files = {"test_add.py": ALONE, "test_other.py": OTHER}

    assert alone(tmp_path, files) == {"test_add.py", "test_other.py"}


@pytest.mark.parametrize("text", EFFECTS.values(), ids=EFFECTS.keys())
def test_what_may_do_more_than_define_does_not(tmp_path: Path, text: str):
    files = {"test_add.py": text, "test_other.py": OTHER, "known.py": ""}

    assert alone(tmp_path, files) == {"test_other.py"}


@pytest.mark.parametrize("more", NAMED.values(), ids=NAMED.keys())
def test_what_another_file_may_know_does_not(tmp_path: Path, more: dict[str, str]):
    assert "test_add.py" not in alone(tmp_path, {"test_add.py": ALONE, **more})


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (ALONE.replace("LEAST = 3", "LEAST = 4"), True),
        (ALONE.replace("import re\n", "import re, json\n"), False),
        (f"from .known import x\n{ALONE}", False),
        (ALONE.replace("NAMES = sorted", "NAMES = register"), False),
    ],
    ids=["a threshold", "one more import", "a module that may do something", "not by itself"],
)
def test_what_all_rests_on_changes_only_with_what_it_does_to_others(
    tmp_path: Path, text: str, same: bool
):
    with toys.course(tmp_path, tests={"test_add.py": ALONE, "test_other.py": OTHER}) as course:
        part = course.part[0]
        before, tests = keys.shared_code(course, part), keys.of_tests(course, part)
        (tmp_path / part.rubric / "test_add.py").write_text(text)

        assert (keys.shared_code(course, part) == before) is same
        now = keys.of_tests(course, part)

    name = f"{part.rubric}/test_other.py"
    assert now[name] == tests[name]
    assert now != tests
