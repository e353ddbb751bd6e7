"""papermill in a pool of two processes, one numeric thread each: the script that users write.

    python benchmarks/pool.py RUNS.json

The file lists notebook, notebook to write, and parameters of each; benchmarks/sweep.py times it.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import papermill

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def execute(run: tuple[str, str, dict[str, object]]) -> None:
    notebook, out, parameters = run
    papermill.execute_notebook(notebook, out, parameters, progress_bar=False)


if __name__ == "__main__":
    os.environ.update(dict.fromkeys(THREADS, "1"))
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(execute, json.loads(Path(sys.argv[1]).read_text())))
