"""An answer is what the student's code gave back: nothing in the kernel writes another one."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.course.assignment import Assignment
from assay.records import Outcome
from assay.submission.submission import Submission
from tests.toys import toy as toys
from tests.toys.toy import PARAMETERS, notebook

WRONG = "def add(x, y):\n    return x * 0 + 7"
REPLACED = {
    "savez_compressed": "import numpy as np\nsave = np.savez_compressed\n"
    "np.savez_compressed = lambda file, **a: save(file, out=np.zeros(3))",
    "np.lib.format": "import numpy as np\nimport numpy.lib.format as f\nwrite = f.write_array\n"
    "f.write_array = lambda to, a, *b, **c: write(to, a * 0)",
    "zipfile": "import zipfile\nreal = zipfile.ZipFile.writestr\n"
    "zipfile.ZipFile.writestr = lambda file, name, data, *a: real(file, name, data[:-1], *a)",
    "json": "import json\nreal = json.dumps\n"
    "json.dumps = lambda x, **k: real({'status': 'missing'} if isinstance(x, dict) and "
    "'status' in x and 'text' in x else x, **k)",
    "json.encoder": "import json.encoder as e\nreal = e.JSONEncoder.encode\n"
    "e.JSONEncoder.encode = lambda self, x: real(self, {'status': 'missing'} "
    "if isinstance(x, dict) and 'status' in x and 'text' in x else x)",
    "c_make_encoder": "import json.encoder as e\nreal = e.c_make_encoder\n"
    "e.c_make_encoder = lambda *a: lambda x, n: real(*a)({'status': 'missing'} "
    "if isinstance(x, dict) and 'status' in x and 'text' in x else x, n)",
    "os": "import os\nreal = os.open\nos.write = lambda n, x: len(x)",
}
THREAD = """
import os, threading, time
place = os.path.dirname(os.environ["ASSAY_SUPPORT"]) + "/evidence/add/plain"

def tidy():
    while True:
        time.sleep(0.001)
        if os.path.exists(place + ".json") and os.path.getsize(place + ".json"):
            DOES

threading.Thread(target=tidy, daemon=True).start()
"""
DONE = {
    "writes a note": "open(place + '.json', 'w').write('{}')",
    "writes arrays": "import numpy; numpy.savez(place + '.npz', out=numpy.zeros(3))",
    "takes the arrays away": "os.path.exists(place + '.npz') and os.unlink(place + '.npz')",
    "takes the note away": "os.unlink(place + '.json')",
    "puts a link there": "os.unlink(place + '.npz'); os.symlink('/etc/hostname', place + '.npz'); "
    "time.sleep(9)",
    "puts another file there": "open(place + '.new', 'w').write('{\"status\": \"missing\"}'); "
    "os.replace(place + '.new', place + '.json')",
}
"""What a thread does once an answer is there."""
LINGERS = toys.EXAM + "\nimport time\ntime.sleep(2)\n"
"""Long enough for a thread to have its turn on a busy machine."""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    text = toys.toml(cell=20, run=60)
    folder = tmp_path_factory.mktemp("written") / "course"
    with toys.course(folder, text=text) as assignment:
        yield assignment


@pytest.fixture(scope="module")
def lingering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assignment]:
    """The same, with an exam that does not end at once."""
    text = toys.toml(cell=20, run=60)
    folder = tmp_path_factory.mktemp("lingering") / "course"
    with toys.course(folder, text=text, exam=LINGERS) as assignment:
        yield assignment


@pytest.mark.parametrize("replaced", REPLACED.values(), ids=REPLACED)
def test_what_a_notebook_replaces_writes_no_answer(course: Assignment, replaced: str):
    """The wrong answer is in the evidence, as it was given."""
    handed_in = Submission("ada", {"sums.ipynb": notebook(PARAMETERS, WRONG, replaced)})

    ended = toys.run(course, handed_in)

    assert np.array_equal(toys.arrays(ended.files["evidence/add/plain.npz"])["out"], [7, 7, 7])
    assert json.loads(ended.files["evidence/add/plain.json"])["status"] == "answered"


@pytest.mark.parametrize("does", DONE.values(), ids=DONE)
def test_an_answer_that_a_thread_changes_is_not_believed(lingering: Assignment, does: str):
    """It is said that it was changed, and nothing of it is left."""
    thread = THREAD.replace("DOES", does)
    handed_in = Submission("ada", {"sums.ipynb": notebook(PARAMETERS, WRONG, thread)})

    ended = toys.run(lingering, handed_in)
    note = json.loads(ended.files["evidence/add/plain.json"])

    assert note["status"] == "raised"
    assert "was changed after it had been given" in note["error"]
    assert "evidence/add/plain.npz" not in ended.files


@pytest.mark.parametrize(
    "ends", ["sum(range(10**15))", "os._exit(0)"], ids=["for its time", "itself"]
)
def test_an_answer_that_only_its_kernel_knows_of_is_none(tmp_path: Path, ends: str):
    """Files written without an exam are no answers, however the run is ended."""
    writes = (
        "import os, numpy\nplace = os.path.dirname(os.environ['ASSAY_SUPPORT']) + '/evidence/add'\n"
        "os.makedirs(place, exist_ok=True)\nplace += '/plain'\n"
        "numpy.savez(place + '.npz', out=numpy.zeros(3))\n"
        "open(place + '.json', 'w').write('{\"status\": \"answered\", \"text\": {}}')\n" + ends
    )
    with toys.course(tmp_path / "course", text=toys.toml(cell=2, run=9)) as course:
        ended = toys.run(course, Submission("eve", {"sums.ipynb": notebook(PARAMETERS, writes)}))

    assert ended.outcome in (Outcome.TIMED_OUT, Outcome.EXITED)
    assert "evidence/add/plain.npz" not in ended.files
    assert (
        "before its kernel had said" in json.loads(ended.files["evidence/add/plain.json"])["error"]
    )


def test_nor_is_one_that_a_thread_changes_while_the_run_is_ended(tmp_path: Path):
    """What was heard of it outlives who heard it."""
    does = "time.sleep(0.2); " + DONE["writes arrays"] + "; sum(range(10**15))"
    with toys.course(tmp_path / "course", text=toys.toml(cell=2, run=9), exam=LINGERS) as course:
        cells = (PARAMETERS, WRONG, THREAD.replace("DOES", does))
        ended = toys.run(course, Submission("eve", {"sums.ipynb": notebook(*cells)}))

    assert ended.outcome is Outcome.TIMED_OUT
    assert "evidence/add/plain.npz" not in ended.files
