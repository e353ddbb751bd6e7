"""What the benchmarks share: environments for other tools, rounds, spreads, this machine."""

import os
import platform
import statistics
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".assay" / "bench"
"""Environments that the benchmarks make; ignored by git."""
OTHERS = {
    "otter": ("otter-grader==7.0.0", "ipykernel", "scikit-learn"),
    "nbgrader": ("nbgrader==0.9.6", "ipykernel", "scikit-learn"),
    "ploomber": (
        *("ploomber-engine==0.0.33", "ipykernel", "scikit-learn", "matplotlib", "scipy"),
        *("palmerpenguins", "pandas", "jaxtyping", "tqdm", "torch"),
    ),
    "nox": ("nox==2026.10.20",),
}
"""Each in an environment of its own; what is not pinned here is by constraints.txt."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def environment(name: str) -> Path:
    """The programs of an environment with one of these tools, made where there is none."""
    folder, wanted = CACHE / name, "\n".join(OTHERS[name])
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(folder, with_pip=True, clear=True)
        pip = [folder / "bin" / "pip", "install", "--quiet", "--constraint", "constraints.txt"]
        subprocess.run([*pip, *OTHERS[name]], cwd=ROOT, check=True)
        stamp.write_text(wanted)
    return folder / "bin"


def ours() -> Path:
    """The programs of the environment that this runs in."""
    return Path(sys.executable).parent


def in_turn(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The numbers of every way, one after another in each round, so that all have the same luck."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            found[name].append(round(way(), 3))
            tell(f"round {number + 1} of {rounds}, {name}: {found[name][-1]:.2f}")
    return found


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """`1.23 (1.10 to 1.31)`: the median, and the range where there are several."""
    middle = f"{statistics.median(values):{form}}"
    return f"{middle} ({min(values):{form}} to {max(values):{form}})" if values[1:] else middle


def ratios(several: Sequence[float], one: Sequence[float]) -> list[float]:
    """How many times more, round by round."""
    return [a / b for a, b in zip(several, one, strict=True)]


def machine() -> dict[str, str]:
    """What all this was measured on."""
    names = ("papermill", "ipykernel", "numpy", "scikit-learn", "torch")
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "Python": platform.python_version(),
        **{name: version(name).partition("+")[0] for name in names},
    }


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), platform.machine())
