"""Make docs/pictures again: a class is graded for real, and its pages are photographed.

    python -m docs.pictures [--keep FOLDER]

The class is made of the known mistakes of tests/mistakes: a person each, some with two of them.
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

import assay
from assay.course.secret import PUBLIC
from assay.errors import CannotGrade
from assay.evidence.packing import write
from assay.evidence.store import Store
from assay.grading import publish
from assay.judge import similarity
from assay.report import class_report
from assay.submission import discovery, submission
from docs.screenshots import chromium
from tests.mistakes import part1
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT, one_part

PICTURES = ROOT / "docs" / "pictures"
MATRIX = {"dataset": ["penguins", "gaussian_quantiles"]}
CLASS: dict[str, list[str]] = {
    "ada": [],
    "ben": ["derivative of the hidden sigmoid left out"],
    "cleo": ["He initialisation"],
    "dora": ["dW is not divided by the batch size", "accuracy on the training part"],
    "eli": ["derivative of the hidden sigmoid left out", "split of 70/30"],
    "fay": ["scaler fitted on all the data"],
    "gus": ["a cell that fails"],
    "hana": ["MLPClassifier inside", "crippled logistic regression"],
    "ivo": ["no hidden layer: logistic regression in disguise"],
    "jana": ["mini-batches"],
    "kim": ["learning rate ignored", "accuracy on the training part"],
    "lea": ["heavy-ball momentum"],
    "mo": ["all weights zero at the start"],
    "oda": ["sign of the gradient flipped", "scaler fitted on all the data"],
    "pia": ["input changed in place"],
}


def hand_in(folder: Path) -> None:
    """A folder a person; one has handed in a PDF by the name of a notebook."""
    cases = {case.name: case for case in part1.CASES}
    for name, mistakes in CLASS.items():
        files = short_submission(ROOT, "part1")
        for mistake in mistakes:
            files = cases[mistake].apply(files)
        write(files, folder / name)
    (folder / "nils.ipynb").write_bytes(b"%PDF-1.7\n")


def grade(handed_in: Path, reports: Path) -> None:
    """Part 1 over two seeds and two data sets, the reports, and the page of the class."""
    assignment = one_part("part1", [0, 1], MATRIX)
    session = assay.Session(
        assignment, Store(reports / ".store"), reports, check_course=False, secret=PUBLIC
    )
    entries = []
    for path in discovery.find(handed_in, assignment):
        try:
            one = submission.read(path)
        except CannotGrade as error:
            publish.not_graded(session, path.stem, [error])
            entries.append(class_report.without_marks(path.stem, assignment.title, [error.what]))
            continue
        result = session.grade(one)
        publish.report(session, one, result)
        entries.append(class_report.entry(result, similarity.features(result, one)))
        print(path.stem, entries[-1].total)
    publish.report_class(session, entries)


def head_of(browser: Browser, page: Path, name: str, height: int) -> None:
    """The head of a page, as wide as a page of the documentation."""
    tab = browser.new_page(viewport={"width": 1000, "height": height}, color_scheme="light")
    tab.goto(page.resolve().as_uri())
    tab.screenshot(path=PICTURES / f"{name}.png")
    tab.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="Where the class and its reports stay.")
    kept = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as temporary:
        folder = kept or Path(temporary)
        hand_in(folder / "handed_in")
        grade(folder / "handed_in", folder / "reports")
        with chromium() as browser:
            head_of(browser, folder / "reports" / "index.html", "class", 1150)
            head_of(browser, folder / "reports" / "ben" / "index.html", "submission", 1000)


if __name__ == "__main__":
    main()
