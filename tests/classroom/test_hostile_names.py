"""Hostile names, reasons and questions act in no file, page or line that leaves a class."""

import csv
import io
import json
import re
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from assay.errors import AssayError
from assay.report import safe
from docs.sums import make_class
from tests.classroom.rooms import assay

HOSTILE = {
    "formula": '=HYPERLINK("http://x")',
    "command": "@cmd|'/c calc'!A0",
    "plus": "+1+1",
    "escape": "\x1b[2J\x1b]0;owned\x07red\x9b31m",
    "right to left": "\u202egnp.exe\u2066x",
    "dots": "../../../etc/passwd",
    "absolute": "/etc/cron.d/x",
    "backslash": "..\\..\\x",
    "long": "é" * 300,
    "lines": "two\nlines\r\nthree\u2028four",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "tag": "</textarea></title>{{7*7}}",
}
WHO = {kind: user for kind, (_, user, _, _) in zip(HOSTILE, make_class.PEOPLE, strict=True)}
LINE = "sums/sum"
FORMS = ("csv", "gradescope", "nbgrader", "brightspace")


@pytest.fixture(scope="module")
def said(evening: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The whole evening with such people: what each command printed, and the class."""
    root = tmp_path_factory.mktemp("hostile") / "sums"
    shutil.copytree(evening.parent, root)
    place = root / "autumn"
    lines = [["id", "username", "name", "email"]]
    for (number, user, _, _), text in zip(make_class.PEOPLE, HOSTILE.values(), strict=True):
        lines.append([number, user, text, f"{user}@example.org"])
    with (place / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    settings = (place / "class.toml").read_text().replace('"grades.csv"', '"roster.csv"')
    settings = re.sub(r"(?m)^title = .*", r'title = "=1+1 \\u202e <b>"', settings)
    (place / "class.toml").write_text(settings)
    told: dict[str, str] = {}

    def run(*words: object, codes: tuple[int, ...] = (0,)) -> None:
        for code in codes:
            try:
                ended = assay("class", words[0], place, *words[1:], code=code)
            except AssertionError:
                if code == codes[-1]:
                    raise
                continue
            told[" ".join(map(str, words))[:60]] = ended.output
            return

    run("status")
    run("take", codes=(0, 3))
    for kind, text in HOSTILE.items():
        by = ("--by", text, "--reason", text)
        who = WHO[kind]
        for words in (
            ("mark", who, LINE, "1", *by, "--comment", text),
            ("ask", who, LINE, text),
            ("override", who, "1", *by),
            ("excuse", who, *by),
        )[: 4 if kind in ("escape", "script") else 3]:
            try:
                run(*words)
            except AssayError as error:
                told[f"{words[0]} {kind}"] = safe.terminal(str(error))
        run("sheet", who)
        run("sheet", who, "--json")
    for number in range(1, 4):
        run("answer", number, HOSTILE["escape"], "--by", HOSTILE["script"])
    run("requests")
    run("requests", "--all")
    run("marks")
    run("marks", "--json")
    run("marks", "--csv")
    run("release", "--by", HOSTILE["lines"])
    run("feedback")
    for form in FORMS:
        source = ("--from", evening / "grades.csv") if form == "brightspace" else ()
        run("export", form, *source, "--dry-run")
        run("export", form, *source)
    run("status", "--json")
    return place, told


def test_every_command_was_run(said: tuple[Path, dict[str, str]]):
    """The checks below look at something."""
    told = said[1]
    commands = {line.partition(" ")[0] for line in told}

    assert commands >= {
        *("status", "take", "mark", "ask", "override", "excuse", "sheet", "answer"),
        *("requests", "marks", "release", "feedback", "export"),
    }


def test_no_line_of_a_terminal_moves_its_cursor_or_turns_round(said: tuple[Path, dict[str, str]]):
    """Nor does a name begin a line of its own: tables keep one row a person."""
    for command, text in said[1].items():
        assert not safe.CONTROLS.search(text), command
    table = said[1]["marks"].splitlines()
    assert len(table) == 1 + len(make_class.PEOPLE)


def test_marks_as_csv_and_json_hold_no_formula(said: tuple[Path, dict[str, str]]):
    """JSON is escaped, and gives the names back as they are."""
    rows = list(csv.reader(io.StringIO(said[1]["marks --csv"])))
    assert len(rows) == 1 + len(make_class.PEOPLE)
    assert harmless([cell for row in rows for cell in row])
    shown = json.loads(said[1]["marks --json"])
    assert said[1]["marks --json"].isascii()
    assert {one["name"] for one in shown} >= {HOSTILE["dots"], HOSTILE["formula"]}


def harmless(cells: list[str]) -> bool:
    """No cell begins a formula; a number with a sign is a number."""
    begins = [
        c for c in cells if c.lstrip(" '\"")[:1] in tuple("=+-@\t\r") and not c.startswith("'")
    ]
    return not [cell for cell in begins if not re.fullmatch(r"-?\d+(\.\d+)?", cell)]


@pytest.mark.parametrize("form", FORMS)
def test_no_grade_file_holds_a_formula(said: tuple[Path, dict[str, str]], form: str):
    """In no cell; and no control character is in it."""
    text = (said[0] / "out" / f"{form}.csv").read_text(encoding="utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]

    assert len(cells) > 8
    assert harmless(cells)
    assert not safe.CONTROLS.search(text.replace("\r\n", "\n"))


def test_pages_and_their_names_are_inert(said: tuple[Path, dict[str, str]], tmp_path: Path):
    """Unpacked they stay below the folder; what was written is shown and never obeyed."""
    with zipfile.ZipFile(said[0] / "out" / "feedback.zip") as archive:
        names = archive.namelist()
        pages = [archive.read(name).decode() for name in names if name.endswith("feedback.html")]
        archive.extractall(tmp_path / "in")
    assert len(pages) >= 5
    assert not [name for name in names if name.startswith(("/", "\\")) or ".." in name.split("/")]
    assert not [name for name in names if safe.CONTROLS.search(name)]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    for page in pages:
        assert not safe.CONTROLS.search(page.replace("\r\n", "\n"))
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "</title>{{" not in page


@pytest.mark.parametrize("text", ["nul\0", "half \ud800"])
@pytest.mark.parametrize(
    "words",
    [
        ("mark", "{who}", LINE, "1", "--by", "{text}", "--reason", "r"),
        ("mark", "{who}", LINE, "1", "--by", "tom", "--reason", "{text}"),
        ("mark", "{who}", LINE, "1", "--by", "tom", "--reason", "r", "--comment", "{text}"),
        ("mark", "{text}", LINE, "1", "--by", "tom", "--reason", "r"),
        ("mark", "{who}", "{text}", "1", "--by", "tom", "--reason", "r"),
        ("ask", "{who}", LINE, "{text}"),
        ("excuse", "{who}", "--by", "tom", "--reason", "{text}"),
        ("override", "{who}", "1", "--by", "{text}", "--reason", "r"),
        ("sheet", "{text}"),
        ("forget", "{text}"),
    ],
    ids=" ".join,
)
def test_what_no_database_keeps_is_refused_before_it_is_written(
    said: tuple[Path, dict[str, str]], words: tuple[str, ...], text: str
):
    """In a sentence that a terminal shows, and with nothing written."""
    place = said[0]
    before = written(place)
    filled = [word.format(who="ada", text=text) for word in words]
    with pytest.raises(AssayError) as told:
        assay("class", filled[0], place, *filled[1:])

    assert told.value.exit_code in (2, 3)
    assert not safe.CONTROLS.search(safe.terminal(str(told.value)))
    assert written(place) == before


def written(place: Path) -> list[int]:
    """How many rows each history has."""
    tables = ("mark", "decision", "release", "regrade_request", "author")
    with closing(sqlite3.connect(place / "gradebook.sqlite")) as book:
        return [book.execute(f"select count(*) from {name}").fetchone()[0] for name in tables]
