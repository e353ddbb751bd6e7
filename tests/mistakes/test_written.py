"""Written answers and drawings: found in whatever form, and never failed by a program."""

from types import SimpleNamespace
from typing import Any

import pytest

from assay.evidence.answers import NotAnswered
from assay.rubric import ForReview, Wrong
from rubric_tests.part1 import test_written as written1
from rubric_tests.part2 import test_diagram
from rubric_tests.part2 import test_written as written2
from rubric_tests.written import is_placeholder, sections

PROSE = "It reverses nine of ten, and what is longer than in training it does not."


def book(*cells: str | tuple[str, str]) -> SimpleNamespace:
    """A submission of Markdown cells; a pair is (kind, source)."""
    pairs = [("markdown", cell) if isinstance(cell, str) else cell for cell in cells]
    return SimpleNamespace(
        cells=[SimpleNamespace(kind=kind, source=source) for kind, source in pairs], files=[]
    )


def collected(test: Any, submission: SimpleNamespace) -> tuple[dict[str, str], Exception | None]:
    """The answers that a test hands on, and what it raises."""
    kept: dict[str, str] = {}
    try:
        test(submission, kept.__setitem__)
    except (ForReview, Wrong) as error:
        return kept, error
    return kept, None


@pytest.mark.parametrize(
    "heading",
    [
        "# Evaluation", "## 5. Auswertung und Kommentar", "#Ergebnisse", "**Fazit**",
        "__Conclusion__:", "Diskussion\n==========", "Results\n---", "<h2>Kommentar</h2>",
        "### Analyse ###",
    ],
)  # fmt: skip
def test_an_evaluation_is_found_under_its_heading(heading: str):
    """In two languages, and in the ways that Markdown has for headings."""
    kept, error = collected(written2.test_commentary, book("# Part 2", f"{heading}\n\n{PROSE}"))

    assert error is None
    assert list(kept.values()) == [PROSE]


@pytest.mark.parametrize(
    ("test", "heading"),
    [
        (written1.test_self_learning, "## Question 5b"),
        (written1.test_self_learning, "### 5b) my answer"),
        (written1.test_self_learning, "**Aufgabe 5 (b):**"),
        (written1.test_self_learning, "## Answer to Question 5 b"),
        (written1.test_self_learning, "## Q5.B: in plain words"),
        (written1.test_self_learning, "## Question 5"),
        (written1.test_comparison, "# Task 5a. Which one?"),
        (written1.test_comparison, "## Frage 5"),
        (written1.test_exploration, "## Question 1"),
        (written1.test_exploration, "Aufgabe 1: worum geht es\n---"),
    ],
)
def test_an_answer_is_found_by_the_number_of_its_question(test: Any, heading: str):
    """Where no heading has its words; the number of the whole question does where no part has."""
    kept, error = collected(test, book("## Notes", f"{heading}\n\n{PROSE}", "# Question 7\n\nNo."))

    assert error is None
    assert list(kept.values()) == [PROSE]


@pytest.mark.parametrize(
    "heading",
    ["## 1. Words", "## 1 Words", "## Part 1", "## Question 11", "## Question 1.5",
     "## 10 questions", "## Step 1", "## 2021: Question 1", "## Question 1b"],
)  # fmt: skip
def test_a_number_of_something_else_tells_no_answer(heading: str):
    """A student's own count of sections, another question, another part of it: a person looks."""
    kept, error = collected(written1.test_exploration, book(f"{heading}\n\n{PROSE}"))

    assert isinstance(error, ForReview)
    assert [one for one in kept if "No heading announced" not in one] == []


def test_words_of_a_heading_tell_more_than_a_number():
    """A student may count otherwise than the assignment does."""
    cells = ("## Question 5b: the split\n\nNot this.", f"## For my boss\n\n{PROSE}")

    assert list(collected(written1.test_self_learning, book(*cells))[0].values()) == [PROSE]


def test_an_answer_is_found_by_the_tag_of_its_cells():
    """Text and long comments of all of them are one answer, whatever the headings say."""
    said = "# This comment is long enough to be a part of the answer, too."
    code = ("code", f"{said}\nx = 1")
    submission = book("## For my boss\n\nNot this.", PROSE, code, "## Else\n\nNor this.")
    for cell in submission.cells[1:3]:
        cell.tags = ["self-learning"]
    kept, error = collected(written1.test_self_learning, submission)

    assert error is None
    assert kept == {"Cells tagged `self-learning`": f"{PROSE}\n\n{said[2:]}"}


@pytest.mark.parametrize(
    ("cells", "tagged", "expected"),
    [
        (["## For my boss", "First.", "Second."], [1], "First.\n\nSecond."),
        (["## For my boss\n\nFirst.", "Second.", "Third."], [0], "Second.\n\nThird."),
        (["## 5b", "*Your answer here.*", PROSE], [1], PROSE),
        (["## 5b", "First.", ("code", "x = 1"), "Second."], [1], "First.\n\nSecond."),
        (["## 5b", "First.", "### More\n\nSecond."], [1], "### More\n\nSecond."),
        (["## 5b\n\n### A\n\nFirst.", "### B\n\nSecond."], [0], "### B\n\nSecond."),
        (["## 5b", "First.", "Second.\n## 6\nOther."], [1], "First.\n\nSecond."),
        (["First.", "Second.", "**6**", "Other."], [0], "First.\n\nSecond."),
        (["## 5b", "First.", "Second.", "Third.", "Fourth."], [1, 3], "Third.\n\nFourth."),
        (["## 5b", "### A\n\nFirst.", "### B\n\nSecond.", "## 6\nOther."], [1], "Second."),
        (["## 5b\n\nWhy?", "**A**\n\nFirst.", "**B**\n\nSecond."], [1], "**B**\n\nSecond."),
        (["## 5b\n\n**Hint**\n\nWhy?", "First.", "**B**", "Second."], [1], "Second."),
        (["# 5b", "## A\n\nFirst.", "## B\n\nSecond.", "# 6\nOther."], [1], "Second."),
        (["**A**\n\nFirst.", "**B**\n\nSecond.", "# 6\nOther."], [0], "**B**\n\nSecond."),
        (["# All", "## For my boss\n\nFirst.", "### B\n\nSecond.", "## C\nOther."], [1], "Second."),
        (["## All", "**5b**", "First.", "Second.", "**Question 6**", "Other."], [2], "Second."),
        (["**5b**\n\nFirst.", "**1. So**\n\nSecond.", "**6**\n\nOther."], [0], "Second."),
    ],
)  # fmt: skip
def test_a_tagged_answer_goes_on_in_its_section(cells: Any, tagged: list[int], expected: str):
    """A cell added below the tagged one, in the same section, is a part of the answer."""
    submission = book(*cells)
    for number in tagged:
        submission.cells[number].tags = ["self-learning"]
    [text] = collected(written1.test_self_learning, submission)[0].values()

    assert text.endswith(expected)
    assert "Other" not in text


def test_a_tagged_answer_ends_where_another_begins():
    """What follows a cell with another question's tag belongs to that question."""
    submission = book("## Answers", "First.", "Second.", "Other.", "Other still.")
    submission.cells[1].tags, submission.cells[3].tags = ["self-learning"], ["comparison"]

    kept, _ = collected(written1.test_self_learning, submission)

    assert list(kept.values()) == ["First.\n\nSecond."]


def test_a_tagged_placeholder_leaves_the_answer_to_the_headings():
    """The cell that was meant for it stayed empty, and the answer stands elsewhere."""
    submission = book("*Your answer here.*", f"## For my boss\n\n{PROSE}")
    submission.cells[0].tags = ["self-learning"]

    assert list(collected(written1.test_self_learning, submission)[0].values()) == [PROSE]


def test_what_the_course_wrote_below_a_placeholder_hides_no_answer():
    """The heading tells where the answer is; the sentence below the tagged cell is not it."""
    own = "The next cell plots the loss."
    submission = book("## 5b", "*Your answer here.*", own, f"## For my boss\n\n{PROSE}")
    submission.cells[1].tags = ["self-learning"]

    assert list(collected(written1.test_self_learning, submission)[0].values()) == [PROSE]


@pytest.mark.parametrize(
    "test",
    [
        written1.test_exploration,
        written1.test_comparison,
        written1.test_self_learning,
        written2.test_overview,
        written2.test_commentary,
    ],
)
@pytest.mark.parametrize(
    "cell",
    [
        f"# Was wir gelernt haben\n{PROSE}",
        PROSE,
        ("code", f"x = 1\n# {PROSE}"),
        ("code", f'print("""{PROSE}""")'),
        ("raw", PROSE),
    ],
    ids=["heading", "none", "comment", "printed", "raw"],
)
def test_an_answer_elsewhere_is_for_review(test: Any, cell: str | tuple[str, str]):
    """All text is handed on, with what was looked for."""
    kept, error = collected(test, book(("code", "x = 1  # one"), cell))

    assert isinstance(error, ForReview)
    assert "looked for: " in str(error)
    assert PROSE in "".join(kept.values())


@pytest.mark.parametrize("there", ["", "TODO", "*Your answer here*", "...", "<!-- write -->"])
def test_an_empty_answer_is_pointed_out(there: str):
    """For review, too: it may stand elsewhere."""
    kept, error = collected(
        written2.test_commentary, book(f"## Evaluation\n\n{there}", f"## More\n{PROSE}")
    )

    assert isinstance(error, ForReview)
    assert "below the heading `Evaluation`" in str(error)
    assert PROSE in "".join(kept.values())


@pytest.mark.parametrize(
    "cells",
    [[], [("code", "x = 1\n# the loss\nloss = 2")], ["# Evaluation\n\nTODO"], ["# Auswertung"]],
    ids=["no cells", "code", "placeholder", "heading"],
)
def test_no_text_at_all_is_none(cells: list[Any]):
    """Nothing but headings, placeholders and labels of code: there is nothing to review."""
    kept, error = collected(written2.test_commentary, book(*cells))

    assert isinstance(error, Wrong)
    assert not kept


@pytest.mark.parametrize("own", [[], ["# My homework"], [PROSE + " It is of the part itself."]])
def test_an_answer_at_the_other_end_of_the_notebook_is_handed_on(own: list[str]):
    """A person looks; what stands in the part itself is not lost."""
    submission = book(*own)
    submission.beside = book("# Answers to Part 2", f"## Evaluation\n{PROSE}").cells

    kept, error = collected(written2.test_commentary, submission)

    assert isinstance(error, ForReview)
    assert kept["Elsewhere in the notebook: Evaluation"] == PROSE
    assert [t for t in own if "itself" in t] == [t for t in kept.values() if "itself" in t]


def test_text_that_nothing_announces_is_handed_on_from_the_other_end():
    submission = book(("code", "x = 1"))
    submission.beside = book(f"# The end\n{PROSE}").cells

    kept, error = collected(written2.test_commentary, submission)

    assert isinstance(error, ForReview)
    assert PROSE in "".join(kept.values())


@pytest.mark.parametrize(
    "text", ["Nothing it was never shown is answered.", "Later sequences fail.", "None of them."]
)
def test_a_sentence_is_no_placeholder(text: str):
    """Though it begins like one."""
    assert not is_placeholder(text)


def test_what_stands_in_a_fence_or_a_table_is_no_heading():
    """`# comment` in code, a rule below a paragraph of several lines, bold words in a sentence."""
    page = "# A\n```python\n# b\n```\none **bold** word\nand a rule\n---\n| x |\n|---|\n"

    assert [title for title, _ in sections(book(page).cells)] == ["A"]


WIDTHS = {14, 32, 64}
DRAWN = {
    "Mermaid": "```mermaid\nflowchart TD\n a[embedding 32] --> b[feed-forward 64]\n```",
    "boxes": "```\n┌───────────┐\n│ embedding │ (batch, length, 32)\n└─────┬─────┘\n      ▼\n"
    "  attention   (batch, length, 64)\n```",
    "ascii": "```\n+-----------+\n| Embedding | (B, 5, 32)\n+-----------+\n      |\n      v\n"
    "| Linear | (B, 5, 14)\n```",
    "arrows": "tokens (B, 5) → embedding (B, 5, 32) → attention (B, 5, 32) → logits (B, 5, 14)",
    "printed": (
        "code",
        'print("embedding (B, L, 32)")\nprint("  |")\nprint("  v")\nprint("linear (B, L, 64)")',
    ),
    "a string": ("code", 'ARCH = """digraph { embedding [label=32]; linear [label=14] }"""'),
    "graphviz": ("code", "g = Digraph()\ng.node('embedding 32')\ng.edge('attention 64', 'x')"),
    "comment": ("code", "# embedding (B, 32)\n#    |\n#    v\n# linear (B, 14)\nx = 1"),
}


class Asked:
    """The evidence of the two questions on the diagram."""

    def __init__(self, text: str | None, widths: set[int]) -> None:
        self.text, self.widths = text, widths

    def __getitem__(self, question: str) -> SimpleNamespace:
        if question == "diagram/text" and self.text is not None:
            return SimpleNamespace(text=SimpleNamespace(string=lambda _: self.text))
        if question == "diagram/widths" and self.widths:
            return SimpleNamespace(widths=sorted(self.widths))
        raise NotAnswered("expected `diagram`")


RUN = SimpleNamespace(parameters={"task": "reverse-5"})


def verdicts(
    submission: SimpleNamespace, text: str | None = None, widths: set[int] = WIDTHS
) -> list[str]:
    """What becomes of the three properties."""

    def of(test: Any, *arguments: Any) -> str:
        try:
            test(*arguments)
        except Exception as error:
            return type(error).__name__
        return "passed"

    evidence = Asked(text, widths)
    return [
        of(test_diagram.test_there_is_a_diagram, evidence, submission, lambda *_: None),
        of(test_diagram.test_it_gives_the_widths_of_the_model, evidence, submission),
        of(test_diagram.test_its_dimensions_are_true, evidence, RUN, submission),
    ]


@pytest.mark.parametrize("form", DRAWN)
def test_a_drawing_is_found_in_any_form(form: str):
    """With the dimensions that are written in it."""
    assert verdicts(book("# Model", DRAWN[form])) == ["passed"] * 3


@pytest.mark.parametrize(
    "cell",
    [
        "![the model](attachment:model.png)",
        '<img src="model.png">',
        "tokens → embedding (B, T, d_model) → attention (B, T, d_model) → logits (B, T, V)",
        "tokens → embedding (B, T, 512) → attention (B, T, 512) → logits (B, T, 30000)",
        "| component | shape |\n|---|---|\n| embedding | (B, 32) |\n| attention | (B, 64) |",
        ("code", "summary(model, (5,))"),
        ("code", "ax.add_patch(Rectangle((0, 0), 1, 2))"),
    ],
)
def test_what_a_program_cannot_read_is_for_review(cell: Any):
    """Nothing fails, and not all passes."""
    found = verdicts(book(cell))

    assert "ForReview" in found
    assert set(found) <= {"passed", "ForReview"}


def test_without_a_model_the_dimensions_are_for_review():
    """Nobody knows what they should be."""
    found = verdicts(book(DRAWN["arrows"]), widths=set())

    assert found == ["passed", "ForReview", "ForReview"]


def test_a_figure_is_for_a_person():
    """`diagram` is a picture that cannot be read: no points are given for it unseen."""
    assert verdicts(book(), "<Figure>") == ["ForReview"] * 3


def test_no_drawing_at_all_is_none():
    """Code without any picture of it, and words without dimensions."""
    assert verdicts(book("# A model", ("code", "x = attention(q, k, v)"))) == ["NotAnswered"] * 3


def test_wrong_dimensions_under_the_name_are_wrong():
    """There it is certain what the text is."""
    text = "flowchart TD\n a[embedding: (batch, 5, 32)] --> b[feed-forward: (batch, 5, 513)]"

    assert verdicts(book(), text)[2] == "Wrong"


@pytest.mark.parametrize("text", ["graph TD;A-->B 32 64", f"flowchart LR\n{'a --> b' * 5} 32 64"])
def test_boxes_with_the_right_numbers_pass_nothing(text: str):
    """A line that names no part of a transformer is not its diagram, under the name or not."""
    cell = ("code", f"diagram = {text!r}")

    assert verdicts(book(cell), text) == ["ForReview"] * 3
    assert "passed" not in verdicts(book(cell))[1:]


def test_a_picture_of_something_else_passes_nothing_alone():
    """A loss curve in Markdown beside a text with the right numbers."""
    found = verdicts(book("![loss](attachment:loss.png)", "embedding 32, attention 64"))

    assert found == ["passed", "ForReview", "ForReview"]
