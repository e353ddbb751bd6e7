"""Broken, greedy and dishonest submissions: what is handed in, and what must come out."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assay.records import Outcome
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, notebook

REFUSED = "refused"
"""It is not run at all: the intake says why."""

FULL, NONE = 2.0, 0.0


@dataclass(frozen=True)
class Hostile:
    """`files` is what is handed in; a single file called NAME.zip or NAME.ipynb is handed in bare.

    `sentence` must be in what the report says of it; `earned` are its marks.
    """

    name: str
    outcome: Outcome | str
    sentence: str
    files: Mapping[str, bytes]
    earned: float = NONE
    least_level: int = 3
    """At lower levels the outcome is another: memory that is shared is counted by cgroups only."""


def cells(
    name: str,
    outcome: Outcome | str,
    sentence: str,
    *sources: str,
    earned: float = NONE,
    least_level: int = 3,
) -> Hostile:
    """A bare notebook of these cells, the parameters above them."""
    content = {f"{called(name)}.ipynb": notebook(PARAMETERS, *sources)}
    return Hostile(name, outcome, sentence, content, earned, least_level)


def called(name: str) -> str:
    """A file name for a case."""
    return re.sub(r"\W+", "-", name).strip("-")


def raw(name: str, outcome: Outcome | str, sentence: str, content: bytes) -> Hostile:
    return Hostile(name, outcome, sentence, {f"{called(name)}.ipynb": content})


def zipped(name: str, sentence: str, fill: Callable[[zipfile.ZipFile], None]) -> Hostile:
    """A zip archive that the intake must refuse."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return Hostile(name, REFUSED, sentence, {f"{called(name)}.zip": buffer.getvalue()})


def _old_format() -> bytes:
    return json.dumps({"nbformat": 2, "nbformat_minor": 0, "worksheets": [{"cells": []}]}).encode()


def _duplicated_ids() -> bytes:
    made = json.loads(notebook(PARAMETERS, ADD))
    for cell in made["cells"]:
        cell["id"] = "twin"
    return json.dumps(made).encode()


def _stored_outputs() -> bytes:
    made = json.loads(notebook(PARAMETERS, ADD))
    text = {"output_type": "stream", "name": "stdout", "text": "x" * 30_000_000}
    made["cells"][1]["outputs"] = [text]
    return json.dumps(made).encode()


BROKEN = [
    raw("empty notebook", REFUSED, "no code", notebook()),
    raw("PDF under another name", REFUSED, "It is a PDF", b"%PDF-1.4 this is not a notebook"),
    raw("old nbformat", REFUSED, "format", _old_format()),
    # refused once; outputs are never read, so they keep nobody from being graded
    Hostile("30 MB of stored outputs", Outcome.COMPLETED, "",
            {"outputs.ipynb": _stored_outputs()}, FULL),
    Hostile("duplicated cell ids", Outcome.COMPLETED, "", {"twin.ipynb": _duplicated_ids()}, FULL),
    Hostile("two notebooks", REFUSED, "notebooks", {
        "a.ipynb": notebook(PARAMETERS, ADD), "b.ipynb": notebook(PARAMETERS, SUBTRACT),
    }),
    cells("SyntaxError in a cell", Outcome.CELL_FAILED, "cell 2 is not Python", "def add(x"),
    cells("NameError from the top", Outcome.CELL_FAILED, "cell 2 raised NameError",
          "print(result)", ADD, earned=FULL),
    cells("function missing", Outcome.COMPLETED, "expected `add`", "x = 1"),
    cells("wrong signature", Outcome.COMPLETED, "TypeError", "def add(x):\n    return x"),
    cells("returns None", Outcome.COMPLETED, "`out`", "def add(x, y):\n    return None"),
    cells("returns strings", Outcome.COMPLETED, "`out`", "def add(x, y):\n    return ['a', 'b']"),
    cells("returns objects", Outcome.COMPLETED, "`out`", "def add(x, y):\n    return object()"),
    cells("returns complex", Outcome.COMPLETED, "`out`", "def add(x, y):\n    return x + y * 1j"),
    cells("returns NaN", Outcome.COMPLETED, "NaN", "def add(x, y):\n    return x * float('nan')"),
    cells("import of something not installed", Outcome.CELL_FAILED, "ModuleNotFoundError",
          "import pandas_of_the_future", ADD, earned=FULL),
    cells("data file missing", Outcome.CELL_FAILED, "FileNotFoundError",
          "open('data.csv')", ADD, earned=FULL),
    cells("prose in a code cell", Outcome.CELL_FAILED, "SyntaxError",
          "Here I explain my thoughts about it.", ADD, earned=FULL),
    cells("pip install", Outcome.COMPLETED, "", "!pip install requests", ADD, earned=FULL),
    cells("asks for keyboard input", Outcome.CELL_FAILED, "StdinNotImplementedError",
          "name = input('Your name?')", ADD, earned=FULL),
    cells("too slow", Outcome.TIMED_OUT, "took longer than", "import time\ntime.sleep(600)",
          ADD, earned=FULL),
]  # fmt: skip

GREEDY = [
    cells("30 GB at once", Outcome.OUT_OF_MEMORY, "asked for more than 512 MB of memory",
          "import numpy as np\nbig = np.ones(30 * 2**27)", ADD, earned=FULL),
    cells("30 GB in steps, MemoryError swallowed", Outcome.COMPLETED, "",
          "kept = []\nfor _ in range(3000):\n    try:\n        "
          "kept.append(b'x' * 10 * 2**20)\n    except MemoryError:\n        pass\n"
          "del kept", ADD, earned=FULL),
    cells("30 GB of shared memory", Outcome.OUT_OF_MEMORY, "memory",
          "import mmap\nkept = []\nfor _ in range(3000):\n    try:\n        "
          "block = mmap.mmap(-1, 10 * 2**20)\n        block.write(b'x' * 10 * 2**20)\n        "
          "kept.append(block)\n    except (MemoryError, OSError):\n        pass",
          ADD, least_level=4),
    cells("fork storm", Outcome.TOO_MANY_PROCESSES, "processes",
          "import os, time\nwhile True:\n    try:\n        if os.fork() == 0:\n"
          "            time.sleep(600)\n    except OSError:\n        pass", ADD),
    cells("endless loop", Outcome.TIMED_OUT, "took longer than", "while True:\n    pass",
          ADD, earned=FULL),
    cells("endless loop that swallows KeyboardInterrupt", Outcome.TIMED_OUT, "took longer than",
          "while True:\n    try:\n        while True:\n            pass\n"
          "    except KeyboardInterrupt:\n        pass", ADD),
    cells("300 MB display", Outcome.TOO_MUCH_OUTPUT, "output",
          "from IPython.display import HTML, display\nfor _ in range(10):\n"
          "    display(HTML('x' * 30_000_000))", ADD),
    cells("endless print", Outcome.TOO_MUCH_OUTPUT, "output",
          "while True:\n    print('x' * 200)", ADD),
    cells("disk filled", Outcome.DISK_FULL, "filled the disk of a run",
          "for i in range(400):\n    with open(f'junk-{i}', 'wb') as file:\n"
          "        file.write(bytes(10_000_000))", ADD, earned=FULL),
    cells("evidence filled with files", Outcome.DISK_FULL, "files",
          "import os, pathlib\nto = pathlib.Path(os.environ['ASSAY_SUPPORT']).parent / 'evidence'\n"
          "import time\nfor i in range(10**6):\n    (to / str(i)).write_bytes(b'x')", ADD),
    cells("segfault", Outcome.CRASHED, "SIGSEGV", "import ctypes\nctypes.string_at(0)", ADD),
    cells("os._exit(0)", Outcome.EXITED, "cell 2", "import os\nos._exit(0)", ADD),
    cells("sys.exit(0)", Outcome.CELL_FAILED, "SystemExit", "import sys\nsys.exit(0)", ADD,
          earned=FULL),
    cells("kill -9 itself", Outcome.CRASHED, "SIGKILL",
          "import os\nos.kill(os.getpid(), 9)", ADD),
    zipped("zip bomb", "MB", lambda z: z.writestr("notebooks/big.ipynb", bytes(400_000_000))),
]  # fmt: skip

LOOK = """
import os, pathlib, sys
found = []
for top in ("/", "/root", "/home", "/tmp", "/work", "/assay-run"):
    for folder, folders, names in os.walk(top):
        if folder.startswith(("/proc", "/sys", "/usr", "/lib", sys.prefix, sys.base_prefix)):
            folders.clear()
        for name in names:
            path = pathlib.Path(folder, name)
            if name.startswith("test_") or "rubric" in str(path) or name.endswith(".ipynb"):
                try:
                    found.append(path.read_text(errors="ignore"))
                except OSError:
                    pass
print("".join(found)[-5_000_000:])
"""

EVIDENCE = (
    "import os, pathlib\nworkdir = pathlib.Path(os.environ['ASSAY_SUPPORT']).parent / 'evidence'\n"
)
BEFORE = "(workdir / 'add').mkdir(exist_ok=True)\n"

PRYING = [
    cells("walks the file system", Outcome.COMPLETED, "", LOOK, ADD, earned=FULL),
    cells("reads the environment of others", Outcome.COMPLETED, "",
          "import pathlib\nfor path in pathlib.Path('/proc').glob('[0-9]*/environ'):\n"
          "    try:\n        print(path.read_bytes()[:4000])\n    except OSError:\n        pass",
          ADD, earned=FULL),
    cells("connects to a listener on loopback", Outcome.CELL_FAILED, "Error",
          "import socket\nsocket.create_connection(('127.0.0.1', PORT), timeout=2).send(b'hi')",
          ADD, earned=FULL),
    cells("writes outside its folder", Outcome.CELL_FAILED, "Error",
          "open('/usr/planted', 'w')", "open('../../../../root/planted', 'w')", ADD, earned=FULL),
    cells("evidence is a symlink", Outcome.EXITED, "before the last question",
          EVIDENCE + BEFORE + "os.symlink('/etc/passwd', workdir / 'add' / 'plain.npz')",
          ADD),
    cells("evidence is a hard link", Outcome.COMPLETED, "",
          EVIDENCE + BEFORE + "(workdir / 'twin').write_bytes(b'')\n"
          "os.link(workdir / 'twin', workdir / 'add' / 'plain.npz')", ADD),
    cells("evidence is a pipe", Outcome.TIMED_OUT, "took longer than",
          EVIDENCE + BEFORE + "os.mkfifo(workdir / 'add' / 'plain.npz')", ADD),
    cells("evidence is a directory", Outcome.EXITED, "before the last question",
          EVIDENCE + "(workdir / 'add' / 'plain.npz').mkdir(parents=True)", ADD),
    zipped("zip slip", "leads out of", lambda z: z.writestr("../../evil.ipynb", notebook(ADD))),
    zipped("absolute name in a zip", "absolute", lambda z: z.writestr("/tmp/evil.ipynb", b"{}")),
    cells("leaves startup files behind", Outcome.COMPLETED, "",
          "import os, pathlib, site, sys\n"
          "home = pathlib.Path.home()\n"
          "for place in [*site.getsitepackages(), site.getusersitepackages(), home, '.']:\n"
          "    for name in ('evil.pth', 'sitecustomize.py', 'usercustomize.py'):\n"
          "        try:\n            pathlib.Path(place).mkdir(parents=True, exist_ok=True)\n"
          "            (pathlib.Path(place) / name).write_text('import os; os._exit(3)\\n')\n"
          "        except OSError:\n            pass\n"
          "start = home / '.ipython' / 'profile_default' / 'startup'\n"
          "start.mkdir(parents=True, exist_ok=True)\n"
          "(start / '00.py').write_text('import os; os._exit(3)')", ADD, earned=FULL),
    cells("kills all it can, itself among them", Outcome.CRASHED, "killed by SIGKILL in cell 2",
          "import os, signal\nfor pid in range(2, 70_000):\n    if pid not in (os.getpid(), "
          "os.getppid()):\n        try:\n            os.kill(pid, signal.SIGKILL)\n"
          "        except OSError:\n            pass", ADD),
]  # fmt: skip

LYING = """
import numpy as np
class Liar(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, dtype=bool)
    def __array__(self, *args, **kwargs): return np.zeros(3)
"""
FORGING = [
    cells("writes results of its own", Outcome.COMPLETED, "",
          "import pathlib\nfor name in ('results.json', 'result.json', 'junit.xml', 'report.md', "
          "'reports/results.json'):\n    for up in ('.', '..', '../..', '../../..'):\n"
          "        path = pathlib.Path(up, name)\n        try:\n"
          "            path.parent.mkdir(exist_ok=True)\n"
          "            path.write_text('{\"earned\": 2}')\n        except OSError:\n"
          "            pass", SUBTRACT),
    Hostile("brings conftest and pytest.ini", Outcome.COMPLETED, "off by a lot", {
        "sums.ipynb": notebook(PARAMETERS, SUBTRACT),
        "conftest.py": b"import pytest\ndef pytest_runtest_makereport(): pass\n",
        "pytest.ini": b"[pytest]\naddopts = --collect-only\n",
        "plugin.py": b"raise SystemExit\n",
    }),
    cells("an object equal to everything", Outcome.COMPLETED, "",
          "class Yes:\n    def __eq__(self, other): return True\n"
          "    def __sub__(self, other): return 0\n    def __array__(self): return self",
          "def add(x, y):\n    return Yes()"),
    cells("an array that lies", Outcome.COMPLETED, "off by a lot", LYING,
          "def add(x, y):\n    return (x - y).view(Liar)"),
    cells("patches numpy.testing, time and np.savez", Outcome.COMPLETED, "",
          "import time, numpy as np\nnp.testing.assert_allclose = lambda *a, **k: None\n"
          "np.allclose = lambda *a, **k: True\ntime.time = lambda: 0.0\n"
          "np.savez_compressed = lambda *a, **k: None", SUBTRACT),
    cells("rewrites evidence after the exam", Outcome.COMPLETED, "",
          EVIDENCE + "import threading, time\ndef late():\n    while True:\n"
          "        try:\n            (workdir / 'add' / 'plain.npz').write_bytes(b'PK forged')\n"
          "        except OSError:\n            pass\n        time.sleep(0.001)\n"
          "threading.Thread(target=late, daemon=True).start()", SUBTRACT),
    cells("pickle inside npz", Outcome.COMPLETED, "",
          "import numpy as np\nclass Boom:\n    def __reduce__(self):\n"
          "        import os\n        return os.system, ('touch /tmp/planted-by-pickle',)\n"
          "real = np.savez_compressed\n"
          "def forged(file, **arrays):\n"
          "    np.savez(file, out=np.array([Boom()] * 3, dtype=object))\n"
          "np.savez_compressed = forged", SUBTRACT),
    cells("answers stored for known seeds", Outcome.COMPLETED, "off by a lot",
          "KNOWN = {0: [1.0, 2.0, 3.0], 1: [0.0, 0.0, 0.0]}\ndef add(x, y):\n"
          "    return KNOWN.get(seed, KNOWN[0])"),
    cells("patches LogisticRegression to be worse", Outcome.COMPLETED, "off by a lot",
          "from sklearn.linear_model import LogisticRegression\n"
          "LogisticRegression.fit = lambda self, X, y: self", SUBTRACT),
    cells("forged execute replies", Outcome.COMPLETED, "off by a lot",
          "kernel = get_ipython().kernel\nreal = kernel.session.send\n"
          "def send(stream, kind, *args, **kwargs):\n    if kind == 'execute_reply':\n"
          "        for _ in range(3):\n            real(stream, kind, *args, **kwargs)\n"
          "    return real(stream, kind, *args, **kwargs)\nkernel.session.send = send", SUBTRACT),
    cells("malformed messages", Outcome.PROTOCOL_BROKEN, "",
          "kernel = get_ipython().kernel\n"
          "kernel.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', b'0', b'{', b'{', b'{', b'{'])\n"
          "kernel.shell_stream.send_multipart([b'y'])", SUBTRACT),
]  # fmt: skip

INJECTED = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "\x1b]0;owned\x07\x1b[31mred",
    "\u202egnp.exe",
    '=HYPERLINK("http://example.org")',
    "| a | b |",
)
_PAYLOAD = " ".join(INJECTED)
INJECTING = [
    cells("injects into outputs", Outcome.COMPLETED, "",
          "from IPython.display import HTML, SVG, Javascript, Markdown, display\n"
          f"text = {_PAYLOAD!r}\nprint(text)\ndisplay(HTML(text), Javascript('alert(1)'))\n"
          "display(Markdown(text))\ndisplay(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\" "
          "onload=\"alert(1)\"><script>alert(1)</script></svg>'))", ADD, earned=FULL),
    cells("injects into tracebacks", Outcome.CELL_FAILED, "cell 2 raised",
          f"raise ValueError({_PAYLOAD!r})", ADD, earned=FULL),
    cells("injects into an answer's error", Outcome.COMPLETED, "your code raised",
          f"def add(x, y):\n    raise ValueError({_PAYLOAD!r})"),
    Hostile("injects into file names", Outcome.COMPLETED, "", {
        "sums.ipynb": notebook(PARAMETERS, ADD),
        "<img src=x onerror=alert(1)>.py": b"", "[a](javascript:alert(1)).txt": b"",
        "=HYPERLINK.csv": b"",
    }, FULL),
]  # fmt: skip

CASES = [*BROKEN, *GREEDY, *PRYING, *FORGING, *INJECTING]
