"""The kernel of a student's own notebook: a stock one that knows how its switches stood at first.

    python -m assay.handout.kernel WORKDIR NOTEBOOK -f CONNECTION

It is as near to the grader's kernel as any system allows: the same folder, the same paths, the same
questions, and no sandbox.
"""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any


def main(workdir: Path, notebook: str, options: list[str]) -> None:
    """Begin in the notebook's folder, and serve it until it is shut down."""
    copy, begun = workdir / "submission", {"", str(Path.cwd())}
    sys.path[:] = [path for path in sys.path if path not in begun]  # `-m` puts its folder there
    os.chdir((copy / notebook).parent)
    os.environ["PYTHONPATH"] = str(copy)
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.initialize(options)
    sys.path[:0] = dict.fromkeys([str(Path.cwd()), str(copy)])
    switches = _remember(workdir / "support" / "switches.py")
    switches.keep_names(app.shell)
    app.start()


def _remember(path: Path) -> Any:
    """Return how switches stand before the first cell, for the exam to set them back."""
    spec = importlib.util.spec_from_file_location("assay-switches", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["assay-switches"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
