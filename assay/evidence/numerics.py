"""The numerics profile: all on this machine that can change the last bit of a result.

Measured: one thread gives the same bits in every process; another number of threads, another
vector instruction set or another BLAS branch does not (docs/why.md).
"""

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    *("numpy", "scipy", "scikit-learn", "torch", "pandas", "palmerpenguins"),
    *("ipykernel", "papermill"),
)
BRANCHES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "ATEN_CPU_CAPABILITY", "MKL_CBWR")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}


@cache
def profile() -> dict[str, str]:
    """Threads, versions, processor and library branches, as readable text."""
    branches = {name: os.environ[name] for name in BRANCHES if name in os.environ}
    return {
        "threads": "1",
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: found for name in PACKAGES if (found := _version(name))},
        **branches,
    }


def environment() -> dict[str, str]:
    """Return the environment variables that make a kernel compute as the profile says."""
    return ONE_THREAD | {name: os.environ[name] for name in BRANCHES if name in os.environ}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
