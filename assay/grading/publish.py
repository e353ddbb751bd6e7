"""What people open: the pages of a submission and of a class, written from results alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from assay.errors import AssayError, CannotGrade, UsageError
from assay.evidence import keys
from assay.evidence.packing import write_whole
from assay.grading.session import Session
from assay.records import Person, Result, RunRecord, sound
from assay.report import class_report, executed, html, markdown, plots
from assay.submission.submission import Submission
from assay.version import __version__

OF_A_REPORT = ("seed-*.md", "*.svg", "*-executed.ipynb")
"""What one report has and another may not."""


def report(session: Session, submission: Submission, result: Result) -> Path:
    """Write the pages and plots of a result; the path of the page to open.

    What was written from the same result before is left as it is.
    """
    folder = session.folder(submission)
    first, made = folder / "index.html", folder / ".made"
    known = keys.of_report(result)
    if first.exists() and made.exists() and made.read_text() == known:
        return first
    pictures, notebooks = plots.figures(result), _executed(session, result)
    pages = _pages(result, pictures, notebooks)
    _replace(folder, pictures | notebooks | {name: page.encode() for name, page in pages.items()})
    write_whole(made, known.encode())
    return first


def report_class(
    session: Session, entries: Sequence[class_report.Entry], passed_over: Sequence[str] = ()
) -> Path:
    """Write the page of a class beside the reports of its submissions; its path."""
    page = session.reports / "index.html"
    write_whole(page, class_report.page(entries, passed_over).encode())
    write_whole(page.with_suffix(".md"), class_report.table(entries, passed_over).encode())
    return page


def not_graded(
    session: Session,
    name: str,
    errors: Sequence[AssayError],
    people: Sequence[Person] = (),
    notes: Sequence[str] = (),
) -> None:
    """Leave a result and a page that say why there are no marks."""
    sentences = [_sentences(error) for error in errors]
    result = Result(
        assay=__version__,
        assignment=session.assignment.title,
        submission=name,
        digest="",
        isolation="not run",
        parts=[],
        runs=[],
        criteria=[],
        measurements=[],
        written=[],
        not_graded=[sound(sentence) for sentence in sentences],
        people=list(people),
        notes=[sound(note) for note in notes],
    )
    nobody = Submission(name, {})
    result = session.seal(nobody, result)
    pages = {page: text.encode() for page, text in _pages(result, {}, {}).items()}
    _replace(session.folder(nobody), pages)


def judged(session: Session, submission: Submission) -> Result:
    """Return the result of an earlier `judge`.

    Raises
    ------
    CannotGrade
        If there is none.
    UsageError
        If it cannot be read.
    """
    path = session.folder(submission) / "results.json"
    if not path.exists():
        raise CannotGrade(
            f"`{submission.name}` has not been judged", hint="`assay judge` or `assay grade` does"
        )
    result = result_at(path)
    if result.digest != submission.digest:
        raise CannotGrade(
            f"`{submission.name}` has changed since it was judged",
            hint="`assay grade` does it again",
        )
    return result


def result_at(path: Path) -> Result:
    """Return the result in a report folder, or in a results.json.

    Raises
    ------
    UsageError
        If there is none.
    """
    if path.is_dir() and not (path / "results.json").is_file():
        several = len(list(path.glob("*/results.json")))
        hint = f"it holds {several}: name one of them" if several else "`assay grade` writes them"
        raise UsageError(f"there is no results.json in `{path}`", hint=hint)
    path = path / "results.json" if path.is_dir() else path
    try:
        return Result.model_validate_json(path.read_bytes())
    except OSError as error:
        found = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors()[0]
        found = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"[:300]
    except ValueError as error:
        found = str(error)[:300]
    raise UsageError(f"`{path}` is no result", found=found, hint="`assay grade` writes them")


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a report over an earlier one, of which no page, plot or notebook stays."""
    (folder / ".made").unlink(missing_ok=True)  # killed from here on, it is not taken for whole
    for name, content in files.items():
        write_whole(folder / name, content)
    for path in [path for pattern in OF_A_REPORT for path in folder.glob(pattern)]:
        if path.name not in files:
            path.unlink()


def _sentences(error: AssayError) -> str:
    """What, what was found, and a hint."""
    found = f". {error.found[0].upper()}{error.found[1:]}" if error.found else ""
    return f"{error.what}{found}." + (f" Hint: {error.hint}." if error.hint else "")


def _pages(
    result: Result, pictures: dict[str, bytes], notebooks: dict[str, bytes]
) -> dict[str, str]:
    """One page of HTML that holds everything, and pages of Markdown that link what is beside."""
    beside = [*pictures, *notebooks]
    return {"index.html": html.page(result, pictures), **markdown.pages(result, beside)}


def _executed(session: Session, result: Result) -> dict[str, bytes]:
    """Of each part, the notebook as its first run left it, to read the written answers in."""
    first: dict[str, RunRecord] = {}
    for record in result.runs:
        first.setdefault(record.run.part, record)
    store, name = session.store, "executed.ipynb"
    kept = {part: store.files(r.key, name) for part, r in first.items() if store.has(r.key)}
    return {f"{part}-{name}": executed.readable(held[name]) for part, held in kept.items() if held}
