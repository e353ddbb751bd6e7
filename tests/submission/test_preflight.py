"""What `assay check` says of a submission: from reading alone, each thing in one sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.source import cells
from assay.submission import preflight, sections
from assay.submission.submission import Submission
from rubric_tests.part1 import names as part1
from tests.submission.test_sections import book
from tests.toys import toy as toys
from tests.toys.toy import ADD, PARAMETERS, notebook

NAMES = """
from types import SimpleNamespace as Row
def row(names, call="", optional=False):
    return Row(names=tuple(names.split()), call=call, meaning="what it means", optional=optional)
NAMES = [row("add", "(x, y)"), row("Net", "(seed=)"), row("a b"), row("extra", optional=True)]
INSTEAD = {"Net": [row("fit", "(X, y=)"), row("ask", "(w)")]}
"""


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """The toy with a table of names."""
    with toys.course(tmp_path) as made:
        folder = made.root / made.part[0].rubric
        (folder / "names.py").write_text(NAMES)
        yield made


def handed_in(*cells: str, **files: bytes) -> Submission:
    named = {name.replace("__", "/") + ".py": content for name, content in files.items()}
    return Submission("ada", {"sums.ipynb": notebook(PARAMETERS, *cells), **named})


def missing(course: Assignment, submission: Submission) -> list[str]:
    rows = preflight.missing(sections.sections(course, submission)[course.part[0].name])
    return [name for row in rows for name in row.names]


def test_names_are_found_by_reading(course: Assignment):
    """In the notebook, the adapter, the package; a row is missed until all its names are there."""
    assert missing(course, handed_in(ADD)) == ["Net", "a", "b"]
    assert missing(course, handed_in(ADD, "a = 1", "class Net: pass")) == ["a", "b"]
    assert missing(course, handed_in("a = b = 1", adapter=b"add = plus\nNet = X")) == []
    assert missing(course, handed_in(ADD, solution__n=b"from x import Net, b as a\nb = 1")) == []


def test_other_names_may_serve_instead(course: Assignment):
    """Functions for a class, where all of them are there."""
    assert "Net" in missing(course, handed_in("def fit(X, y): pass"))
    assert "Net" not in missing(course, handed_in("def fit(X, y): pass", "ask = len"))


def test_the_template_of_an_adapter_is_python_once_it_is_wanted(course: Assignment):
    """Every line is a comment; without the first `# ` those with names parse, and bind them."""
    template = preflight.adapter(sections.sections(course, handed_in("x = 1")))
    lines = template.splitlines()
    code = [line[2:] for line in lines if line.startswith("# ") and "..." in line]
    tree = ast.parse("\n".join(code))

    assert all(line.startswith("#") for line in lines if line)
    assert cells.bound("\n".join(code)) == {"add", "Net", "a", "b", "fit", "ask"}
    assert len(tree.body) == len(code)


def test_the_template_proposes_names_that_are_near(course: Assignment):
    """Of the same kind, the more alike first, each once; imports and far ones are left alone."""
    cells = ["def add_up(x, y): pass", "def add_all(x): pass", "class DeepNet: pass"]
    lines = preflight.adapter(
        sections.sections(course, handed_in(*cells, "from x import fit_all", "q = 1"))
    )

    proposed = [line for line in lines.splitlines() if "Not tried" in line]
    assert proposed == ["# Not tried: add = add_up", "# Not tried: Net = DeepNet"]


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ("TokenEmbedding", "Embedding"),
        ("generate", "generate_output"),
        ("attention", "scaled_dot_product_attention"),
        ("PositionalEncoding", "PositionalEncodings"),
        ("MultiHeadAttention", "MultiheadAttention"),
        ("EncoderLayer", "TransformerEncoderLayer"),
    ],
)
def test_names_in_public_code_are_near(asked: str, own: str):
    """As they are written there."""
    assert preflight._likeness(asked, own) >= preflight.ALIKE


@pytest.mark.parametrize(("asked", "own"), [("train", "test"), ("generate", "attend")])
def test_other_words_are_not_near(asked: str, own: str):
    """Some letters in common are not enough."""
    assert preflight._likeness(asked, own) < preflight.ALIKE


def test_nothing_missing_needs_no_adapter(course: Assignment):
    """It says so, in a comment."""
    said = preflight.adapter(sections.sections(course, handed_in(ADD, "Net = a = b = 1")))

    assert said == "# Every name that is asked for is there."


def test_notes_name_what_is_missing_and_where_help_is(course: Assignment):
    """One sentence for all the names."""
    (note,) = preflight.notes(sections.sections(course, handed_in(ADD, "Net = 1")))

    assert note == "sums: not found by reading: `a`, `b`; `assay check --adapter` has a template"


def test_notes_name_what_is_near_beside_what_is_missing(course: Assignment):
    """Whoever called it otherwise sees in the terminal what it may be."""
    cells = [ADD, "a = b = 1", "class DeepNet: pass"]
    (note,) = preflight.notes(sections.sections(course, handed_in(*cells)))

    assert "not found by reading: `Net` (is it your `DeepNet`?);" in note


@pytest.mark.parametrize("own", ["MLPClassifier", "Net", "NeuralNetwork", "SimpleMLP", "NN"])
def test_networks_of_public_code_are_near(own: str):
    """By what else they are often called."""
    names = ("ScratchNetwork", *part1.ALSO["ScratchNetwork"])

    assert max(preflight._likeness(name, own) for name in names) >= preflight.ALIKE


def test_a_good_notebook_gets_no_notes(toy: Assignment):
    """Silence is praise."""
    assert preflight.notes(sections.sections(toy, handed_in(ADD))) == []


TROUBLE = {
    "requests.get('http://x')": "downloads its data (`requests.get`)",
    "urllib.request.urlopen(address)": "downloads its data (`urllib.request.urlopen`)",
    "from urllib.request import urlretrieve\nurlretrieve(a, b)": "(`urlretrieve`)",
    "X, y = fetch_openml('mnist')": "downloads its data (`fetch_openml`)",
    "df = pd.read_csv('https://x.org/d.csv')": "downloads its data (`pd.read_csv`)",
    "d = torchvision.datasets.MNIST('.', download=True)": "(`torchvision.datasets.MNIST(download=",
    "sns.load_dataset('penguins')": "downloads its data (`sns.load_dataset`)",
    "!wget http://x.org/d.csv": "downloads its data (`!wget`)",
    "import wget\nwget.download(u)": "downloads its data (`wget.download`)",
    "drive.mount('/x')": "downloads its data (`drive.mount`)",
    "!pip install torch": "installs packages",
    "%pip install torch": "installs packages",
    "!python -m pip install x": "installs packages",
    "!{sys.executable} -m pip install x": "installs packages",
    "!pip3 install x": "installs packages",
    "import os\nos.system('pip install x')": "installs packages",
    "import subprocess as s\nsubprocess.run(['pip', 'install', 'x'])": "installs packages",
    "df = pd.read_csv('~/d.csv')": "reads a path of your own machine",
    "df = pd.read_csv('/Volumes/stick/d.csv')": "reads a path of your own machine",
    "df = pd.read_csv('/mnt/c/d.csv')": "reads a path of your own machine",
    "df = pd.read_csv(r'\\\\server\\share\\d.csv')": "reads a path of your own machine",
    "name = input('who?')": "asks for keyboard input",
    "The network learns quickly.": "is not Python, line 1: invalid syntax: `The network learns q",
    "x = 1\n%time y = 2\n  def add(x, y)\n": "line 3: unexpected indent: `def add(x, y)`; if",
    'x = "\x1b[2J\u202e': 'string literal (detected at line 1): `x = "\\x1b[2J\\u202e`',
    "x = '\0": "is not Python, source code ",
    "df = pd.read_csv('/content/drive/d.csv')": "reads a path of your own machine",
    "df = pd.read_csv(r'C:\\Users\\ada\\d.csv')": "reads a path of your own machine",
}


@pytest.mark.parametrize("cell", TROUBLE)
def test_what_a_cell_will_trip_over_is_told(cell: str):
    """One sentence each, with what was found and what to do."""
    told = list(cells.trouble(cell))

    assert len(told) == 1
    assert TROUBLE[cell] in told[0]


FINE = [
    "df = pd.read_csv('data.csv')",
    "%matplotlib inline\nimport numpy as np",
    "files = !ls\nx = %who_ls",
    "np.dot?",
    "%%time\nx = 1",
    "%%bash\nls -l | wc",
    "%%html\n<b>hi</b>",
    "# see https://x.org\nprint('https://x.org/get')",
    "def fetch_data():\n    return 1\nfetch_data()",
    "model.load_state_dict(d)\nnet.get(3)",
    "text = 'pip install torch'",
    "'''\n/home/ada was here\n'''",
    "x = 5 if y else 3  # what?",
    "",
]


@pytest.mark.parametrize("cell", FINE)
def test_what_is_fine_is_left_alone(cell: str):
    """Magics, addresses in comments, functions of the student's own."""
    assert list(cells.trouble(cell)) == []


def test_cells_are_numbered_as_in_the_report(course: Assignment):
    """Code cells from 1; prose between them does not count."""
    cells = [("markdown", "# x"), ("code", "x = 1"), ("markdown", "y"), ("code", "input()")]
    notes = preflight.notes(
        sections.sections(course, Submission("ada", {"sums.ipynb": book(*cells)}))
    )

    assert "`sums.ipynb`, code cell 2 asks for keyboard input" in " ".join(notes)


def test_a_heading_in_a_note_is_quoted(course: Assignment):
    """What students write is shown and not obeyed."""
    nasty = "# Part 1 \x1b[31m\u202e"
    assert "\x1b" not in " ".join(
        preflight.notes(
            sections.sections(course, Submission("ada", {"sums.ipynb": book(("code", nasty))}))
        )
    )


def test_names_inside_functions_are_not_the_notebooks():
    """Loops, branches and `with` are looked into; functions and classes are not."""
    cell = (
        "if a:\n    x = 1\nfor i in []:\n    y, z = 1, 2\ndef f():\n    no = 1\nclass C:\n    n = 1"
    )

    assert cells.bound(cell) == {"x", "i", "y", "z", "f", "C"}
