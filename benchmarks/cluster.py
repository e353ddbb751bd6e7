"""What a cluster costs, and whether it loses anything: Dask on this machine, over loopback.

    python -m benchmarks.cluster overhead [TASKS]   the scheduler's own time, a task and a megabyte
    python -m benchmarks.cluster kills [COUNT [SEEDS]]   workers killed at random, under load

Prints Markdown. `kills` ends with an error where a grade differs or anything is left running. Where
`stress-ng` is installed, it keeps every core busy meanwhile.
"""

import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from distributed import Client

from assay.course import secret
from tests.toys import toy as toys

ANSWERS = {
    "adds": toys.ADD,
    "subtracts": toys.SUBTRACT,
    "is right once in two": "def add(x, y):\n    return x + y * (x[0] > 0)",
    "raises": "def add(x, y):\n    raise ValueError('no')",
    "fails in a cell": f"{toys.ADD}\n1 / 0",
}
KILLS = 12
COMPARED = 60
"""Submissions, of which the grades are compared."""
BATCH = 10_000
LOOPBACK = ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")


def nothing(job: bytes) -> bytes:
    """A task that is all overhead."""
    return b""


def overhead(tasks: int) -> None:
    """CPU seconds of the scheduler's process for tasks that all wait, and for heavy ones."""
    with a_cluster() as (scheduler, client):
        empty = spent(scheduler, client, "empty", [b""] * tasks)
        heavy = spent(scheduler, client, "heavy", [bytes(8_300_000)] * 200)
    print("| tasks waiting | job | scheduler's CPU a task | tasks a second |\n|--:|--:|--:|--:|")
    print(f"| {tasks:,} | nothing | {1e3 * empty[0]:.2f} ms | {1 / empty[1]:,.0f} |")
    print(f"| 200 | 8.3 MB | {1e3 * heavy[0]:.1f} ms | {1 / heavy[1]:,.0f} |")


def spent(
    scheduler: psutil.Process, client: Client, name: str, jobs: list[bytes]
) -> tuple[float, float]:
    """The scheduler's CPU seconds a task, and the wall seconds from first to last."""
    executor, start = client.get_executor(), time.perf_counter()
    before = sum(scheduler.cpu_times()[:2])
    futures = [executor.submit(nothing, job, key=(name, n)) for n, job in enumerate(jobs)]
    for future in as_completed(futures):
        assert future.result() == b""
    cpu = sum(scheduler.cpu_times()[:2]) - before
    return cpu / len(jobs), (time.perf_counter() - start) / len(jobs)


@contextmanager
def a_cluster() -> Iterator[tuple[psutil.Process, Client]]:
    """A scheduler in a process of its own, and two workers of one thread."""
    with tempfile.TemporaryDirectory() as folder:
        file = ("--scheduler-file", f"{folder}/scheduler.json")
        workers = ("--nworkers", "2", "--nthreads", "1", "--memory-limit", "0")
        words = [("scheduler", *LOOPBACK, "--port", "0", *file), ("worker", *file, *workers)]
        started = [
            subprocess.Popen([sys.executable, "-m", "dask", *each], stderr=subprocess.DEVNULL)
            for each in words
        ]
        try:
            with Client(scheduler_file=file[1]) as client:
                client.wait_for_workers(2, timeout=60)
                yield psutil.Process(started[0].pid), client
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


def kills(count: int, seeds: int = 1) -> None:
    """Grade some of a class here, and all of it on a cluster whose workers are killed; compare."""
    with tempfile.TemporaryDirectory(prefix="class-") as folder:
        there, here = Path(folder, "there"), Path(folder, "here")
        with toys.course(there, text=toys.toml(seeds=range(seeds))):
            hand_in(there, count)
            shutil.copytree(there, here)
        for book in sorted((here / "handed_in").iterdir())[COMPARED:]:
            book.unlink()
        grade(here).wait()
        (there / ".assay").mkdir()
        shutil.copy(here / ".assay" / secret.NAME, there / ".assay")  # the same questions are drawn
        with load():
            start, command = time.monotonic(), grade(there, "--scheduler", "local", "--jobs", "4")
            killed, below = kill_workers_of(command, there / ".assay" / "store", count * seeds)
            seconds = time.monotonic() - start
        found, right = grades(there), grades(here)
        alive = psutil.wait_procs(below, timeout=10)[1]
        named = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
        left = [words for words in named if any(folder in word for word in words)]
    differing = [name for name in right if found.get(name) != right[name]]
    print(
        "| submissions | runs | workers killed | graded | compared | that differ | processes left "
        "| seconds |\n|--:|--:|--:|--:|--:|--:|--:|--:|"
    )
    ended = f"{len(right)} | {len(differing)} | {len(alive) + len(left)} | {seconds:.0f}"
    print(f"| {count} | {count * seeds:,} | {killed} | {len(found)} | {ended} |")
    if differing or alive or left or len(found) != count or len(right) != min(count, COMPARED):
        raise SystemExit(f"not the same: {differing}, left: {alive} {left}")


@contextmanager
def load() -> Iterator[None]:
    """Keep as many processes computing as there are cores, if what does that is installed."""
    program = shutil.which("stress-ng")
    stress = subprocess.Popen([program, "--cpu", "0", "--quiet"]) if program else None
    try:
        yield
    finally:
        if stress:
            stress.terminate()
            stress.wait()


def hand_in(course: Path, count: int) -> None:
    """So many notebooks, no two alike, right and wrong in turn."""
    (course / "handed_in").mkdir()
    for number in range(count):
        answer = list(ANSWERS.values())[number % len(ANSWERS)]
        book = toys.notebook(toys.PARAMETERS, answer, f"# handed in by student {number}")
        (course / "handed_in" / f"student-{number:03}.ipynb").write_bytes(book)


def grade(course: Path, *more: str) -> "subprocess.Popen[bytes]":
    """`assay grade` over the whole class."""
    words = ["grade", "handed_in", "--require-isolation", "0", *more]
    return subprocess.Popen(
        [sys.executable, "-c", "from assay.cli import main; main()", *words],
        cwd=course,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_workers_of(
    command: "subprocess.Popen[bytes]", store: Path, count: int
) -> tuple[int, list[psutil.Process]]:
    """Kill a worker at random moments, spread over the batch: how many, and all that they had."""
    moments, below, killed = random.Random(0), [], 0
    while command.poll() is None:
        time.sleep(moments.uniform(0, 2))
        done = len(list(store.glob("??/[!.]*.zip")))
        if done >= (killed + 1) * count / (KILLS + 2) and (worker := a_worker(command, moments)):
            below += [worker, *worker.children(recursive=True)]
            worker.kill()
            killed += 1
    return killed, below


def a_worker(command: "subprocess.Popen[bytes]", moments: random.Random) -> psutil.Process | None:
    """One of the command's worker processes that is at work: it has children."""
    try:
        children = psutil.Process(command.pid).children()
        workers = [p for p in children if "spawn_main" in " ".join(p.cmdline()) and p.children()]
    except psutil.Error:  # one that was killed a moment ago
        return None
    return moments.choice(workers) if workers else None


def grades(course: Path) -> dict[str, Any]:
    """What each submission earned for each criterion, why, and the bits of its answers."""
    found = {}
    for path in sorted((course / "reports").glob("*/results.json")):
        result = json.loads(path.read_text())
        runs = [(run["outcome"], run["fingerprint"]) for run in result["runs"]]
        found[path.parent.name] = (result["criteria"], runs)
    return found


def main() -> None:
    what, *count = sys.argv[1:] or ["overhead", "1000"]
    {"overhead": overhead, "kills": kills}[what](*map(int, count or ["200"]))


if __name__ == "__main__":
    main()
