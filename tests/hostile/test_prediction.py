"""A notebook that draws its own questions anew, or reads them before they are put."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay import cli
from assay.course.secret import NAME, PUBLIC, Secret
from assay.evidence.store import Store
from assay.submission import notebook
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.shared import MACHINE

PREDICTS = """
import hashlib, hmac, os
from pathlib import Path
import numpy as np

def digest(files):
    found = hashlib.sha256()
    for name, content in sorted(files.items()):
        found.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
    return found.hexdigest()

here = {p.name: p.read_bytes() for p in Path.cwd().glob("*.ipynb")}
run = '{"part":"sums","parameters":{"seed":%d,"dataset":"%s"}}' % (seed, dataset)
known = ("Toy\\n" + digest(here) + "\\n" + run).encode()
seeds = [hashlib.sha256(known).digest(), hmac.digest(b"", known, "sha256")]
drawn = [np.random.default_rng(int.from_bytes(s[:16], "big")).normal(size=(2, 3)) for s in seeds]

def add(x, y):
    "Right only where the questions were known before they were asked."
    return next((a + b for a, b in drawn if np.array_equal(a, x)), np.zeros(3))
"""

READS = """
import ast, glob, io, os
import numpy as np

def known():
    "Every input that lies in some file of the run's, found without the name of its folder."
    files = glob.glob(os.path.dirname(os.environ["ASSAY_SUPPORT"]) + "/*/**/*.npz", recursive=True)
    return [dict(np.load(file)) for file in files if os.path.getsize(file)] + shown()

def shown():
    "What a template shows of the exam's own memory: text of bytes can be read as these bytes."
    text = "{0.__globals__[sys].modules[assay-switches].given}".format(glob.glob)
    try:
        return [dict(np.load(io.BytesIO(content))) for content in ast.literal_eval(text).values()]
    except (SyntaxError, ValueError):
        return []

at_first = known()

def add(x, y):
    "Right only where the inputs can be read in other places than these two arguments."
    found = [one["x"] + one["y"] for one in at_first + known() if np.array_equal(one["x"], x)]
    return found[0] if found else np.zeros(3)
"""


def submission() -> Submission:
    """It holds the very bytes that lie in the kernel's working folder."""
    book = toys.notebook(toys.PARAMETERS, PREDICTS)
    files = {"sums.ipynb": notebook.dumps(notebook.cells_of(book, "sums.ipynb"))}
    assert files["sums.ipynb"] == notebook.dumps(
        notebook.cells_of(files["sums.ipynb"], "sums.ipynb")
    )
    return Submission("ada", files)


@pytest.mark.parametrize(("secret", "earned"), [(PUBLIC, 2.0), (Secret(b"s" * 32), 0.0)])
def test_questions_cannot_be_predicted(toy, tmp_path: Path, secret: Secret, earned: float):
    """What the student knows draws them where they are public, and does not with a secret."""
    session = toys.session(toy, Store(tmp_path / "store"), tmp_path / "reports", secret=secret)

    result = session.grade(submission())

    assert result.earned == earned
    assert result.receipt
    assert result.receipt.secret == secret.digest


def test_inputs_cannot_be_read_before_they_are_put(toy, tmp_path: Path):
    """Neither while cells run nor while another question is put: only the question itself has them.

    Else what is watched could be worked out beforehand, by what is not to be used.
    """
    session = toys.session(toy, Store(tmp_path / "store"), tmp_path / "reports")
    book = toys.notebook(toys.PARAMETERS, READS)

    result = session.grade(Submission("ada", {"sums.ipynb": book}))

    assert {str(run.outcome) for run in result.runs} == {"completed"}
    assert result.earned == 0


def test_what_students_hand_in_is_graded_with_the_secret(toy, tmp_path: Path):
    """By every command that draws questions; the secret is in nothing that they write or say."""
    (tmp_path / "sums.ipynb").write_bytes(submission().files["sums.ipynb"])
    options = ["--assignment", str(toy.root / "assignment.toml"), "--reports", str(tmp_path / "r")]
    level = ["--require-isolation", str(min(3, MACHINE.isolation.best().level))]
    said = []
    for command in (["run", *level], ["judge"], ["report"], ["grade", *level]):
        ran = CliRunner().invoke(
            cli.cli, [*command, str(tmp_path / "sums.ipynb"), *options], obj=MACHINE
        )
        assert ran.exit_code == 0, ran.output
        said.append(ran.output)

    result = json.loads((tmp_path / "r" / "sums" / "results.json").read_text())
    content = (toy.root / ".assay" / NAME).read_text().strip()
    written = [p for root in (tmp_path / "r", toy.root) for p in root.rglob("*") if p.is_file()]
    holding = {
        path.name
        for path in written
        if content.encode() in path.read_bytes() or bytes.fromhex(content) in path.read_bytes()
    }
    assert result["criteria"][0]["earned"] == 0
    assert result["receipt"]["secret"] == Secret(bytes.fromhex(content)).digest
    assert holding == {NAME}
    assert content not in "".join(said)
