"""Written answers, collected under their headings for a person to mark."""

import pytest

from rubric_tests.written import collect


@pytest.mark.review
@pytest.mark.criterion("overview")
@pytest.mark.hint("give the answer a heading of its own with `overview` or `components` in it")
def test_overview(submission, written):
    """The components of a transformer are described: what each takes, does and is there for."""
    collect(
        submission,
        written,
        r"overview|component|architect|überblick|übersicht|komponente|baustein",
        tag="overview",
    )


@pytest.mark.review
@pytest.mark.criterion("commentary")
@pytest.mark.hint("give the answer a heading of its own with `evaluation` or `commentary` in it")
def test_commentary(submission, written):
    """The results are evaluated and commented on: what works, what does not, and why."""
    collect(
        submission,
        written,
        r"evaluat|comment|discuss|result|conclu|auswertung|kommentar|diskussion|ergebnis|fazit|bewertung|analys",
        tag="commentary",
    )
