"""The report of a class: what many lost, how runs went, and a link to each submission."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from click.testing import Result as Said

from assay.cli import cli
from assay.judge.similarity import Feature
from assay.records import Criterion, Outcome, PartSummary, Property, Result, Run, RunRecord, Verdict
from assay.report import class_report
from assay.report.class_report import ClassReport, Entry
from assay.submission import folders
from tests.toys import toy as toys
from tests.toys.made import HOSTILE
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, PARAMETERS, SUBTRACT, notebook

ASIDE, FAILED, PASSED = Verdict.SET_ASIDE, Verdict.FAILED, Verdict.PASSED


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def links(self) -> list[str]:
        """Addresses that lead away from the page."""
        found = [str(attributes.get("href")) for tag, attributes in self.elements if tag == "a"]
        return [address for address in found if not address.startswith("#")]


def result(
    name: str = "ada",
    earned: float = 2.0,
    *,
    text: str = "off by a lot",
    mistake: str = "",
    verdict: Verdict | None = None,
    outcomes: tuple[Outcome, ...] = (Outcome.COMPLETED,),
    seconds: float = 1.0,
) -> Result:
    """A result of one part and one criterion, whose student-written fields hold `text`."""
    found = verdict or (PASSED if earned == 2 else FAILED)
    judged = 0.0 if found is ASIDE else 2.0
    told = Property(
        name="adds",
        title="The sum is the sum",
        verdict=found,
        held=int(found is PASSED),
        judged=1,
        reason=text,
        mistake=mistake,
    )
    adding = Criterion(
        part="sums",
        name="add",
        title="Adding",
        points=2,
        judged=judged,
        earned=earned,
        verdict=found,
        properties=[told],
    )
    runs = [
        RunRecord(
            run=Run(part="sums", parameters={"seed": seed, "dataset": "a"}),
            key="ab" * 32,
            outcome=outcome,
            reason=text,
            seconds=seconds,
            cells=[],
            numerics={},
        )
        for seed, outcome in enumerate(outcomes)
    ]
    return Result(
        assignment="Toy",
        submission=name,
        digest=name,
        isolation="none",
        parts=[PartSummary(name="sums", title="Sums", notebook="sums.ipynb")],
        runs=runs,
        criteria=[adding],
        measurements=[],
        written=[],
    )


def entries(*results: Result) -> list[Entry]:
    return [class_report.entry(one) for one in results]


def test_marks_fall_into_tenths_of_what_was_judged():
    """0 % is in the first bin, 100 % in the last; what was not graded is in none."""
    whole = [result("ada"), result("ben", 0.0), result("cleo", 1.0), result("dora", 1.99)]
    view = ClassReport(
        [*entries(*whole), class_report.without_marks("eve", "Toy", ["no notebook"])]
    )

    assert [len(bar.entries) for bar in view.bars] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert view.spread == "median 75 % of the judged points, from 0 % to 100 %"
    assert [entry.name for entry in view.not_graded] == ["eve"]


def test_a_criterion_says_who_lost_all_of_it_and_who_some():
    """What was set aside is neither; names that lost most come first."""
    whole = [result("ada"), result("ben", 1.0), result("cleo", 0.0)]
    (row,) = ClassReport(entries(*whole, result("dora", 0.0, verdict=ASIDE))).rows("sums")

    assert [entry.name for entry in row.lost] == ["cleo", "ben"]
    assert (row.whole, row.other) == (1, 1)


def test_a_part_that_was_not_handed_in_is_one_line():
    """Its criteria are counted among those who handed it in, and not lost by the others."""
    absent = result("ben", 0.0, outcomes=())
    view = ClassReport(entries(result("ada"), absent))

    assert [entry.name for entry in view.with_part("sums")] == ["ada"]
    assert view.rows("sums")[0].lost == []
    assert view.named("ben").lost == ["Sums (not handed in)"]


def test_mistakes_are_counted_by_submission():
    """The most frequent first; what was set aside as a consequence is no mistake."""
    view = ClassReport(
        entries(
            result("ada", 0.0, mistake="it subtracts"),
            result("ben", 0.0, mistake="it multiplies"),
            result("cleo", 0.0, mistake="it subtracts"),
            result("dora", 0.0, mistake="it subtracts", verdict=ASIDE),
        )
    )

    assert [(words, [e.name for e in who]) for _, words, who in view.mistakes] == [
        ("it subtracts", ["ada", "cleo"]),
        ("it multiplies", ["ben"]),
    ]


def test_failed_runs_and_the_slowest_are_named():
    """A failed run stands by how it ended; a slow one beside the median of its place."""
    slow = result("ben", outcomes=(Outcome.TIMED_OUT, Outcome.TIMED_OUT), seconds=60)
    view = ClassReport(entries(*(result(name) for name in ("ada", "cleo", "dora")), slow))
    failed, slowest = view.failed, view.slowest[0]

    assert [(e.name, str(how), len(runs)) for e, how, runs in failed] == [("ben", "timed out", 2)]
    assert (slowest.entry.name, slowest.run.seconds, slowest.typical) == ("ben", 60, 1)
    assert view.outcomes == [("completed", 3), ("timed out", 2)]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text: str):
    """Names, reasons, mistakes: no element, attribute or link of a student's making."""
    tame = entries(result("ada", 0.0), result("ben", 0.0, outcomes=(Outcome.CRASHED,)))
    name = text.replace("/", "").replace("\0", "")[:100]
    wild = entries(
        result("ada", 0.0, text=text, mistake=text),
        result(name, 0.0, text=text, mistake=text, outcomes=(Outcome.CRASHED,)),
    )
    plain, page = Page(class_report.page(tame)), Page(class_report.page(wild))
    kinds = {tag for tag, _ in page.elements}

    assert kinds <= {tag for tag, _ in plain.elements} | {"tr", "td", "code"}
    assert {key for _, a in page.elements for key in a} == {
        key for _, a in plain.elements for key in a
    }
    assert {unquote(link.split("#")[0]) for link in page.links} == {
        f"{folders.folder(each)}/index.html" for each in ("ada", name)
    }
    address = r"[\w.%-]+/index\.html(#run-\d+)?"
    assert all(re.fullmatch(address, link, re.ASCII) for link in page.links)


def test_a_name_that_is_no_text_still_has_a_link():
    """A folder's name is text on every file system, so what is none is spelt out there."""
    (entry,) = entries(result("caf\udce9"))

    assert unquote(entry.href) == folders.folder("caf\udce9") + "/index.html"
    assert entry.href.isascii()


def grade(root: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Said:
    monkeypatch.chdir(root)
    monkeypatch.setenv("ASSAY_REQUIRE_ISOLATION", "0")
    return CliRunner().invoke(cli, words, obj=MACHINE)


def test_a_class_is_graded_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`assay grade` of a folder writes a page of all; each link on it leads to a report."""
    books = {
        "ada": notebook(PARAMETERS, ADD),
        "ben <b>x": notebook(PARAMETERS, SUBTRACT),
        "cleo": notebook(PARAMETERS, "add = lambda x, y: x + z", "add(1, 2)"),
        "dora": b"%PDF",
    }
    with toys.course(tmp_path / "course") as course:
        for name, content in books.items():
            path = course.root / "handed_in" / f"{name}.ipynb"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        said = grade(course.root, monkeypatch, "grade", "handed_in")
        page = course.root / "reports" / "index.html"
        first = page.read_text()
        again = grade(course.root, monkeypatch, "report", "handed_in")
        alone = grade(course.root, monkeypatch, "grade", "handed_in/ada.ipynb")

        assert (said.exit_code, again.exit_code, alone.exit_code) == (3, 3, 0)
        assert said.stdout.endswith("all of them     reports/index.html\n")
        assert "all of them" not in alone.stdout
        shown = Page(first)
        assert {unquote(link).split("/")[0] for link in shown.links} == set(
            map(folders.folder, books)
        )
        assert all((page.parent / unquote(link.split("#")[0])).exists() for link in shown.links)
        (failed,) = [link for link in shown.links if "#" in link]
        assert f'id="{failed.split("#")[1]}"' in (page.parent / "cleo" / "index.html").read_text()
        assert "ben <b>x" in shown.words
        assert "cell 3 raised NameError: name 'z' is not defined" in shown.words
        assert "is not a notebook" in shown.words
        assert page.read_text() == first
        short = page.with_suffix(".md").read_text()
        assert "| [ada](ada/index.md) | 2/2 judged |" in short


def test_a_class_of_200_is_one_page_that_opens():
    """All lost everything, all are called at length, and many are alike: it stays below 1.5 MB."""
    criteria = [
        result("x", 0.0, mistake=f"mistake {i}").criteria[0].model_copy(update={"name": f"c{i}"})
        for i in range(40)
    ]
    shared = [Feature("code", f"code {i}", "x = 1\n" * 1_000) for i in range(30)]
    whole = [
        class_report.entry(
            result(f"{'n' * 80}-{i}", 0.0, outcomes=(Outcome.CRASHED,)).model_copy(
                update={"criteria": criteria}
            ),
            shared if i < 20 else [],
        )
        for i in range(200)
    ]
    page = class_report.page(whole)

    assert len(ClassReport(whole).pairs) == 190
    assert 200_000 < len(page.encode()) < 1_500_000
