"""papermill in a pool of two processes, one numeric thread each: the script that users write.

    python benchmarks/pool.py NOTEBOOK RUNS.json

The file has the parameters by the name of the notebook to write. benchmarks/sweep.py times it.
"""

import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import papermill

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def execute(job: tuple[str, str, dict[str, object]]) -> None:
    notebook, out, parameters = job
    papermill.execute_notebook(notebook, out, parameters, progress_bar=False)


if __name__ == "__main__":
    os.environ.update(dict.fromkeys(THREADS, "1"))
    notebook, runs = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    with ProcessPoolExecutor(2) as pool:
        jobs = [(notebook, out, parameters) for out, parameters in runs.items()]
        list(pool.map(execute, jobs))
