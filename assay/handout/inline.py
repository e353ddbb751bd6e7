"""The check from inside a notebook: `%assay check`, or `assay.check()` as a last cell.

It runs `assay try` on the notebook as it is saved, in a process of its own, and shows what that
found. Where work is marked it does nothing.
"""

import json
import operator
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from assay.errors import AssayError, UsageError, quoted
from assay.handout import shown, tried, which
from assay.report import safe
from assay.submission import notebook as notebooks
from assay.submission import own_checks

Say = Callable[[str, str], None]
"""Shows a text, and the same as HTML, in place of what it showed before."""
USAGE = "`%assay check`, `%assay check mine.ipynb`, `%assay check --seeds 0-2`"
IN_GRADING = "ASSAY_SUPPORT"
"""Is set where a run is made, in grading and by `assay try`."""
OF_COLAB = ("sample_data", "drive")
"""Folders that stand beside everybody's work there."""
WORD = re.compile(
    r"""(?P<option>--[\w-]+=)?("(?P<double>.*?)"|'(?P<single>.*?)'|(?P<plain>(\\.|[^\s\\]|\\$)+))(?=\s|$)"""
)
"""A word of the magic: quotes count only around it, so `Ada's.ipynb` is one as it stands."""
_ran: list[tuple[float, str]] = []
"""When a cell was run since the extension was loaded, and its code."""


def load(shell: Any) -> None:
    """Give a shell the magic `%assay`, and remember from now on which cells are run."""
    shell.register_magic_function(_magic, "line", "assay")
    _remember(shell)


def check(
    notebook: str | os.PathLike[str] | None = None,
    *,
    seeds: str | Sequence[int] = (),
    folder: str | os.PathLike[str] | None = None,
) -> None:
    """Run this notebook as it is saved, put the public questions to it, and show what they find.

    It is what `assay try` does, and it changes nothing. Without `notebook` it is the one that this
    is called in. `seeds` are others than the first, as `[0, 1]` or `"0-4"`; `folder` is that of the
    public questions, if it is not `check/`. Where work is marked, this does nothing.
    """
    if IN_GRADING in os.environ:
        return
    say = _shower()
    try:
        chosen = _chosen(seeds)
        named, folder = _path(notebook, "notebook"), _path(folder, "folder")
        with _to_try(named, folder) as (path, saved, warnings):
            options = [*(["--seeds", chosen] if chosen else [])]
            options += ["--check", str(folder)] if folder else []
            found = _tried([str(path), *options], lambda line: say(line, ""))
    except AssayError as error:
        said = safe.terminal(str(error))
        say(said, shown.refused(said))
        return
    text = "\n".join([*warnings, saved, shown.text(found)])
    say(safe.terminal(text), shown.table(found, saved, warnings))


def _magic(line: str) -> None:
    """`%assay check [NOTEBOOK] [--seeds 0-4] [--check FOLDER]`."""
    command, *words = _words(line) or [""]
    options: dict[str, str] = {}
    named: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word.startswith("-"):
            options[name] = value if equals else next(rest, "")
        else:
            named.append(word)
    if (
        command not in ("check", "try")
        or set(options) - {"--seeds", "--check"}
        or not all(options.values())
    ):
        said = f"error: the magic is not called like that\n  %assay {line}\n\nhint: {USAGE}"
        _shower()(safe.terminal(said), shown.refused(safe.terminal(said)))
        return
    check(
        " ".join(named) or None,  # a name with spaces needs no quotes
        seeds=options.get("--seeds", ""),
        folder=options.get("--check"),
    )


def _words(line: str) -> list[str]:
    """The words of a magic as they are meant: without quotes, and without what completion adds."""
    words: list[str] = []
    for found in WORD.finditer(line):
        plain = found["plain"]
        if plain and os.name != "nt":  # there `\\` stands between folders
            plain = re.sub(r"\\([^\w.])", r"\1", plain)
        words.append((found["option"] or "") + (found["double"] or found["single"] or plain or ""))
    return words


def _chosen(seeds: object) -> str:
    """The seeds as `--seeds` takes them."""
    if isinstance(seeds, str):
        return seeds
    try:
        return ",".join(str(operator.index(seed)) for seed in seeds)  # type: ignore[attr-defined]
    except TypeError:
        raise UsageError(
            "`seeds` are not whole numbers in a list",
            found=f"seeds={seeds!r}",
            hint='write `seeds=[3]` for seed 3, or `seeds="0-2"` for three of them',
        ) from None


def _path(given: object, name: str) -> Path | None:
    """A path that was given; None if none was."""
    try:
        return Path(given) if given else None  # type: ignore[arg-type]
    except TypeError:
        raise UsageError(
            f"`{name}` is not a path",
            found=f"{name}={given!r}",
            hint=f'write it as text: `{name}="mine{".ipynb" if name == "notebook" else ""}"`',
        ) from None


@contextmanager
def _to_try(named: Path | None, folder: Path | None) -> Iterator[tuple[Path, str, list[str]]]:
    """The notebook to try, a word on when it was saved, and what is not in it."""
    shell = _shell()
    if named is None and (book := which.in_colab()):
        with _laid_out(book, folder) as path:
            yield path, f"`{path.name}` as it stands in Colab", []
        return
    path = which.saved(shell.user_ns if shell else {}, named)
    saved = path.stat().st_mtime
    at = datetime.fromtimestamp(saved).strftime("%H:%M:%S on %d %B")
    unsaved = named is None and _is_unsaved(shell, path, saved)
    yield (
        path,
        f"{quoted(path.name)} as it was saved at {at}",
        ["There are unsaved changes: save the notebook, and run this again."] if unsaved else [],
    )


@contextmanager
def _laid_out(book: Mapping[str, Any], folder: Path | None) -> Iterator[Path]:
    """A copy of the folder that was handed out, with what stands in Colab in its place."""
    half = folder or _public_half(Path.cwd())
    home = tried.folder_of(Path.cwd(), half).absolute().parent
    told = book.get("metadata", {}).get("colab", {}).get("name")
    name = Path(str(told or "notebook")).with_suffix(".ipynb").name
    with tempfile.TemporaryDirectory(prefix="assay-") as scratch:
        copy = Path(scratch, "handed-out")
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns(".*", *OF_COLAB))
        others = list(copy.rglob("*.ipynb"))
        same = [other for other in others if other.name == name]
        for other in [] if len(same) == 1 else others:
            other.unlink()  # then what is in it says which part it answers
        place = same[0] if len(same) == 1 else copy / name
        place.write_text(json.dumps(book), encoding="utf-8")
        yield place


def _public_half(here: Path) -> Path | None:
    """The public questions in a folder right below: there the zip was unpacked."""
    found = list(here.glob(f"*/{tried.FOLDER}/assignment.toml"))
    return found[0].parent if len(found) == 1 else None


def _tried(arguments: Sequence[str], tell: Callable[[str], object]) -> tried.Tried:
    """Run `assay try` in a process of its own; what it says on the way is passed on.

    Raises
    ------
    AssayError
        If it could not try it: in its own words.
    """
    command = [sys.executable, "-P", "-m", "assay", "try", *arguments, "--json"]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUTF8": "1"},
            encoding="utf-8",
            errors="replace",
        )
        said: list[str] = []
        with process:
            try:
                for line in process.stderr or ():
                    said.append(line.rstrip("\n"))
                    tell(said[-1])
            except KeyboardInterrupt:
                process.terminate()
                raise
        out.seek(0)
        answer = out.read()
    if process.returncode not in (0, 1) or not answer.strip():
        raise _refusal(said, process.returncode)
    return tried.told(json.loads(answer))


def _refusal(said: Sequence[str], code: int) -> AssayError:
    """What `assay try` ended with, as the error that it was."""
    if said and said[-1].startswith("Error: "):  # Click's; its usage line was not typed here
        return UsageError(said[-1].removeprefix("Error: "), hint=f"it is called as {USAGE}")
    begins = next((i for i, line in enumerate(said) if line.startswith("error: ")), None)
    if begins is None:
        found = "\n".join(said[-10:])
        return AssayError(f"`assay try` ended with exit code {code}", found=found)
    lines = [line for line in said[begins + 1 :] if line.strip()]
    hint = next((line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")), "")
    found = "\n".join(line.strip() for line in lines if not line.startswith("hint: "))
    return AssayError(said[begins].removeprefix("error: "), found=found, hint=hint)


def _is_unsaved(shell: Any, path: Path, saved: float) -> bool:
    """Whether a cell was run since the notebook was saved that is not in it; this one, too."""
    try:
        cells = notebooks.cells_of(path.read_bytes(), path.name)
    except AssayError:
        return False  # it is reported when it is tried
    known = {cell.source.strip() for cell in cells}
    running = [(time.time(), str(shell.history_manager.input_hist_raw[-1]))] if shell else []
    return any(code.strip() not in known for when, code in [*_ran, *running] if when > saved)


def _remember(shell: Any) -> None:
    """From now on, remember when which code was run."""
    if _before_a_cell not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _before_a_cell)


def _before_a_cell(info: Any) -> None:
    if info.store_history and info.raw_cell.strip():
        _ran.append((time.time(), info.raw_cell))


def _shell() -> Any:
    """The shell of this kernel; None in a program of its own."""
    from IPython.core.getipython import get_ipython

    return get_ipython()


def _shower() -> Say:
    """Return what shows something in this cell's output, and then other things in its place."""
    shell = _shell()
    if shell is None:
        return lambda text, _: print(text, flush=True)
    from IPython.display import display

    _remember(shell)
    handles: list[Any] = []

    def say(text: str, markup: str) -> None:
        data = {"text/plain": text} | ({"text/html": markup} if markup else {})
        options: dict[str, object] = {"raw": True, "metadata": {own_checks.SHOWN: {}}}
        if handles:
            handles[0].update(data, **options)
        else:
            handles.append(display(data, display_id=True, **options))  # type: ignore[no-untyped-call]

    return say
