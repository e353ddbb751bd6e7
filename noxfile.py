"""The project's jobs. `pip install nox`, then `nox -s reproduce`; `nox --list` shows them all."""

import hashlib
import os
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]

CONSTRAINTS = Path("constraints.txt")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")  # two processes with two threads each wait for each other


def install(session: nox.Session, *extras: str) -> None:
    """The project with some of its extras, every version as locked; once for the same files."""
    facts = [CONSTRAINTS.read_text(), Path("pyproject.toml").read_text(), *extras]
    wanted = hashlib.sha256("\n".join(facts).encode()).hexdigest()
    stamp = Path(session.virtualenv.location, "installed.txt")
    if not stamp.exists() or stamp.read_text() != wanted:
        session.install("--constraint", str(CONSTRAINTS), "--editable", f".[{','.join(extras)}]")
        stamp.write_text(wanted)


@nox.session
def reproduce(session: nox.Session) -> None:
    """Run the whole assignment over every seed and data set, judge it, write reports/."""
    install(session, "assignment")
    session.run("assay", "reproduce", *session.posargs)


@nox.session
def grade(session: nox.Session) -> None:
    """Grade submissions: `nox -s grade -- submissions/`."""
    install(session, "assignment")
    session.run("assay", "grade", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, three at a time: some of them wait."""
    install(session, "assignment", "class", "dask", "docs", "lint", "review", "test")
    arguments = session.posargs or ["-m", "not thorough"]
    session.run("pytest", "--numprocesses", "3", "--dist", "worksteal", *arguments, env=ONE_THREAD)


@nox.session
def browser(session: nox.Session) -> None:
    """Open reports in Chromium: hostile text, axe-core; `-- --shots` leaves pictures of them."""
    install(session, "assignment", "class", "review", "test", "browser")
    if "--shots" in session.posargs:
        pages = sorted(str(page) for page in Path("reports").rglob("index.html"))
        if not pages:
            session.error("there is no page in reports/: `nox -s reproduce` writes one")
        session.run("python", "-m", "docs.screenshots", *pages)
    else:
        arguments = session.posargs or ["-m", "not thorough"]
        session.run("pytest", "tests/browser", *arguments)


@nox.session
def example(session: nox.Session) -> None:
    """Run the assignment, or take what is kept of it, and write reports/example."""
    install(session, "assignment")
    session.run("assay", "reproduce", *session.posargs)
    example = Path("reports", "example")
    shutil.rmtree(example, ignore_errors=True)
    shutil.copytree("reports/reference", example, ignore=shutil.ignore_patterns(".*"))


@nox.session
def validate(session: nox.Session) -> None:
    """Let the checker of RO-Crate's profiles read a crate, beside the older rich that it wants."""
    locked = [line for line in CONSTRAINTS.read_text().splitlines() if "rich==" not in line]
    constraints = Path(session.virtualenv.location, "constraints.txt")
    constraints.write_text("\n".join(locked))
    session.install("--constraint", str(constraints), "--editable", ".[test,validate]")
    session.run("pytest", "tests/provenance/test_crate.py", "-k", "checker", *session.posargs)


@nox.session
def rubric(session: nox.Session) -> None:
    """Grade every known mistake and every right variant.

    Runs are kept in .assay/mistakes: after a change of the judge alone they are not made again.
    """
    install(session, "assignment", "test")
    names = ("part1", "part2", "first_sentences")
    graded = [f"tests/mistakes/test_{name}.py" for name in names]
    everything = [*graded, "--kill-matrix", "docs"]
    kept = ["--runs", ".assay/mistakes"]  # so a test that has changed judges what was run before
    arguments = session.posargs or [*everything, *kept]
    at_once = ["--numprocesses", str(os.cpu_count()), "--dist", "worksteal"]  # none of them waits
    session.run("pytest", *at_once, *arguments, env=ONE_THREAD)


@nox.session
def thorough(session: nox.Session) -> None:
    """Run the long tests that `tests` and `rubric` leave out: pairs of mistakes, fuzz, load."""
    install(session, "assignment", "class", "dask", "docs", "lint", "review", "test")
    marked = ["-m", "thorough", "--ignore-glob", "*/mistakes/test_part[12].py"]
    session.run("pytest", *(session.posargs or marked), env=ONE_THREAD)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting, the notebooks included."""
    install(session, "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    notebooks = sorted(str(path) for path in Path("notebooks").glob("*.ipynb"))
    session.run("nbstripout", "--verify", "--keep-id", *notebooks)


@nox.session
def types(session: nox.Session) -> None:
    """Check the harness's types with mypy, strictly."""
    install(session, "assignment", "class", "lint", "review")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation as a site in site/; a link that leads nowhere is an error."""
    install(session, "docs")
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session(reuse_venv=False)
def lock(session: nox.Session) -> None:
    """Resolve all dependencies but torch afresh, and write constraints.txt."""
    torch = next(line for line in CONSTRAINTS.read_text().splitlines() if "torch==" in line)
    extras = "assignment,class,dask,review,tune,test,docs,browser,lint"
    session.install("--upgrade", torch, f".[{extras}]")
    frozen = str(session.run("python", "-m", "pip", "freeze", "--exclude", "assay", silent=True))
    pins = [line.split("+")[0] for line in frozen.splitlines() if "==" in line]
    CONSTRAINTS.write_text("\n".join(["# Written by `nox -s lock`.", *pins, ""]))


@nox.session
def tune(session: nox.Session) -> None:
    """Search the transformer's hyperparameters with Optuna; it resumes where it was."""
    install(session, "assignment", "tune")
    arguments = session.posargs or ["--trials", "20", "--out", "reports/tuning"]
    session.run("python", "-m", "solution.reversal.tuning", *arguments)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed as ratios: what writes docs/benchmarks.md, or those named after `--`."""
    install(session, "assignment", "dask")
    measured = ["sweep", "graders", "overhead", "memory", "reproduce"]
    for name in session.posargs or measured:
        session.run("python", "-m", f"benchmarks.{name}")
