"""Evidence goes in, verdicts come out, and our own mistakes are never the student's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.course.assignment import Assignment, CriterionSpec, Part
from assay.errors import OurFault
from assay.evidence.store import Store
from assay.judge import judge as judging
from assay.judge.score import rooted, score, settled, tallies
from assay.records import Check, Criterion, Judgement, Outcome, Verdict
from assay.report import summary
from assay.submission import sections
from assay.submission.submission import Submission
from tests.report.test_markdown import made
from tests.toys import toy as toys
from tests.toys.shared import MACHINE
from tests.toys.toy import ADD, answered, arrays, notebook, submission

JUDGES = '''
import json
import numpy as np
import pytest

pytestmark = pytest.mark.criterion("add")


@pytest.mark.hint("look at the sign")
def test_adds(evidence, kept):
    """The sum is the sum.

    This line is not shown.
    """
    out = evidence["add/plain"].out
    assert np.allclose(out, kept["add/plain"].sum), "it is off\\nand more"


def test_fails_with_a_hint_of_its_own(evidence):
    """A failure may bring its hint."""
    error = AssertionError("wrong sign")
    error.hint = "use +"
    evidence["add/plain"]
    raise error


def test_stumbles(evidence):
    """The judge itself is wrong."""
    evidence["add/plain"]
    return [][0]


def test_no_such_question(evidence):
    """The rubric asks for what it never put."""
    evidence["add/typo"]


def test_sets_aside(run):
    """It does not apply to seed 0."""
    if run.parameters["seed"] == 0:
        pytest.skip("not for seed 0")


def test_follows(run):
    """It follows from another criterion's mistake."""
    skipped = pytest.skip.Exception("it cannot be seen")
    skipped.cause = "total"
    raise skipped


def test_always_sets_aside(run):
    """It never applies."""
    pytest.skip("never")


def test_all_runs(runs, measure):
    """Every run was made."""
    measure("runs", len(runs))
    assert [run.parameters["seed"] for run in runs] == [0, 1, 2]


@pytest.mark.parametrize("side", ["x", "y"])
def test_given(given, evidence, side):
    """What was handed out is finite."""
    evidence["add/plain"]
    assert np.isfinite(getattr(given["add/plain"], side)).all()


def test_measures(run, evidence, measure, drawing):
    """Numbers, series and matrices are kept."""
    drawing("The sum", f"<svg>{run.parameters['seed']}</svg>")
    drawing("Nothing", " ")
    evidence["add/plain"]
    measure("table", np.eye(2))
    measure("diverged", np.array([[0.0, np.nan]]))
    measure("seed", run.parameters["seed"])
    measure("curve", np.array([3.0, 2.0]), x=range(2))
    measure("exploded", np.array([0.7, np.inf, -1.7e308]), x=[0, 1, 2])


def test_sees_the_submission(submission):
    """The sources are there as text."""
    assert [cell.kind for cell in submission.cells] == ["code", "code", "code"]
    assert set(submission.sources) == {"notebook", "adapter.py"}
    assert "def add" in submission.sources["notebook"]
    assert submission.cells[0].tags == ["parameters"]


def test_never_imports_the_student(submission):
    """Student code does not reach this process."""
    import sys
    assert "adapter" not in sys.modules
    with pytest.raises(ImportError):
        import adapter


@pytest.mark.review
@pytest.mark.criterion("words")
def test_words(submission, written):
    """What the student wrote."""
    written("Question 5", submission.cells[2].source)
'''
CRITERIA = '[[part.criterion]]\nname = "words"\ntitle = "Words"\npoints = 3\n'
THREE_SEEDS = toys.toml(seeds=[0, 1, 2]) + CRITERIA


@dataclass(frozen=True)
class Judged:
    part: Part
    judgement: Judgement

    def checks(self, name: str) -> list[Check]:
        return [c for c in self.judgement.checks if c.name.split(".")[1] == name]

    def verdicts(self, name: str) -> list[str]:
        return [str(check.verdict) for check in self.checks(name)]


def evidence_of(handed_in: Submission, course: Assignment, store: Store, *answers: str) -> list:
    """Records of runs that answered rightly, wrongly, ..., without running anything."""
    records = []
    for job, answer in zip(toys.jobs(course, handed_in), answers, strict=True):
        given = arrays(job.workdir["given/add/plain.npz"])
        files = {
            "right": answered(out=given["x"] + given["y"]),
            "wrong": answered(out=given["x"] - given["y"]),
            "shape": answered(out=np.zeros(4)),
            "raised": {"evidence/add/plain.json": b'{"status": "raised", "error": "TypeError: x"}'},
            "surrogate": {
                "evidence/add/plain.json": b'{"status": "raised", "error": "E: \\ud800"}'
            },
            "silent": {},
            "infrastructure": {},
        }[answer]
        outcome = {
            "silent": Outcome.TIMED_OUT,
            "infrastructure": Outcome.INFRASTRUCTURE,
        }.get(answer, Outcome.COMPLETED)
        records.append(toys.keep(store, job, files, outcome))
    return records


def judge(
    root: Path,
    *answers: str,
    tests: dict[str, str] | None = None,
    text: str = "",
    workers: int = 1,
) -> Judged:
    """Judge one submission of runs that went so."""
    text = text or toys.toml(seeds=range(len(answers)))
    with toys.course(root / "course", text=text, tests=tests) as course:
        content = notebook(toys.PARAMETERS, ADD, "# I learnt it")
        handed_in = Submission("ada", {"sums.ipynb": content, "adapter.py": b"import os"})
        store = Store(root / "store")
        records = evidence_of(handed_in, course, store, *answers)
        part = course.part[0]
        return Judged(
            part,
            judging.judge(
                sections.sections(course, handed_in)[part.name],
                records,
                store,
                MACHINE.servers,
                workers,
            ),
        )


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Three runs: one right, one wrong, one that raised; judged by everything a rubric may do."""
    root = tmp_path_factory.mktemp("judged")
    return judge(root, "right", "wrong", "raised", tests={"test_all.py": JUDGES}, text=THREE_SEEDS)


def test_a_test_with_evidence_is_judged_once_for_every_run(judged: Judged):
    """Passed, failed and not answered, each under its run's name."""
    found = [(check.run, check.verdict) for check in judged.checks("test_adds")]

    assert found == [
        ("sums/a/seed-0", Verdict.PASSED),
        ("sums/a/seed-1", Verdict.FAILED),
        ("sums/a/seed-2", Verdict.NOT_ANSWERED),
    ]


def test_a_failure_has_title_reason_and_hint(judged: Judged):
    """The docstring's first line, the message's first line, and the marker's hint."""
    failed = judged.checks("test_adds")[1]

    assert failed.title == "The sum is the sum."
    assert failed.reason == "it is off"
    assert failed.hint == "look at the sign"


def test_an_answer_that_is_missing_has_a_reason_and_no_hint(judged: Judged):
    """It was not judged wrong: it was not there."""
    missing = judged.checks("test_adds")[2]

    assert missing.reason == "your code raised TypeError: x"
    assert missing.hint == ""


def test_a_pass_has_neither(judged: Judged):
    """What holds needs no words."""
    passed = judged.checks("test_adds")[0]

    assert (passed.reason, passed.hint) == ("", "")


def test_an_exception_may_bring_its_own_hint(judged: Judged):
    """A mistake that is recognised gets the hint that fits it."""
    assert judged.checks("test_fails_with_a_hint_of_its_own")[0].hint == "use +"


def test_a_test_that_stumbles_earns_nothing_and_is_flagged(judged: Judged):
    """An answer that makes a test raise would otherwise take its points off the sheet.

    It was *not judged* once: then whoever could make the judge raise lost nothing by being wrong.
    """
    stumbled = judged.checks("test_stumbles")[0]

    assert stumbled.verdict is Verdict.FAILED
    assert stumbled.reason == "the test raised IndexError: list index out of range"
    assert re.fullmatch(r"rubric_\w+/test_all.py:\d+", stumbled.stumbled)
    assert stumbled.hint == ""


def test_a_test_that_stumbles_over_the_reference_too_is_the_courses_fault(judged: Judged):
    """What raises over right answers is not the student's doing: not judged, with the line."""
    own = judged.checks("test_stumbles")[:1]

    (found,) = settled(own, own)

    assert found.verdict is Verdict.NOT_JUDGED
    assert "test_all.py:" in found.reason
    assert settled(own, judged.checks("test_adds")) == own


def test_what_failed_for_its_own_reason_stays_failed_beside_a_course_fault(judged: Judged):
    """Only the answers over which the test stumbled are taken back."""
    failed = check("add", "a", Verdict.FAILED)
    stumbled = failed.model_copy(update={"stumbled": "rubric/test_a.py:1"})

    found = settled([failed, stumbled], [stumbled])

    assert [c.verdict for c in found] == [Verdict.FAILED, Verdict.NOT_JUDGED]


def test_a_question_that_was_never_put_is_our_fault(judged: Judged):
    """A misspelt question fails nobody."""
    assert set(judged.verdicts("test_no_such_question")) == {"not judged"}


def test_a_skip_is_not_asked(judged: Judged):
    """In the run that it is skipped in; the others are judged. With a cause it is set aside."""
    assert judged.verdicts("test_sets_aside") == ["not asked", "passed", "passed"]
    assert judged.verdicts("test_follows") == ["set aside"] * 3
    assert {check.follows for check in judged.checks("test_follows")} == {"total"}


def test_runs_is_judged_once(judged: Judged):
    """A test over all runs has one verdict and no run."""
    checks = judged.checks("test_all_runs")

    assert [(check.run, check.verdict) for check in checks] == [(None, Verdict.PASSED)]


def test_parametrized_tests_are_one_property(judged: Judged):
    """Three runs times two sides under one name."""
    verdicts = judged.verdicts("test_given")

    assert len(verdicts) == 6
    assert verdicts.count("passed") == 4
    assert {check.name for check in judged.checks("test_given")} == {"test_all.test_given"}


def test_numbers_and_series_are_measured_with_their_run(judged: Judged):
    """`measure` keeps floats, lists over x, and what spans all runs."""
    found = {(m.run, m.name): (m.value, m.x) for m in judged.judgement.measurements}

    assert found["sums/a/seed-1", "seed"] == (1.0, None)
    assert found["sums/a/seed-0", "curve"] == ([3.0, 2.0], [0.0, 1.0])
    assert found["sums/a/seed-0", "exploded"] == ([0.7, -1e100], [0.0, 2.0])
    assert found[None, "runs"] == (3.0, None)
    assert found["sums/a/seed-0", "table"] == ([[1.0, 0.0], [0.0, 1.0]], None)
    assert ("sums/a/seed-0", "diverged") not in found
    assert ("sums/a/seed-2", "seed") not in found


def test_the_first_drawing_of_a_title_is_kept(judged: Judged):
    """Every run draws the same; where there is nothing, nothing is kept."""
    found = [(d.part, d.run, d.title, d.source) for d in judged.judgement.drawings]

    assert found == [("sums", "sums/a/seed-0", "The sum", "<svg>0</svg>")]


@pytest.mark.parametrize("name", ["test_sees_the_submission", "test_never_imports_the_student"])
def test_the_submission_is_text(judged: Judged, name: str):
    """Cells and sources can be read; nothing of them is imported."""
    assert judged.verdicts(name) == ["passed"]


def test_a_written_answer_is_collected_for_review(judged: Judged):
    """Text under its heading and criterion, and no verdict."""
    written = judged.judgement.written[0]

    assert (written.criterion, written.heading, written.text) == (
        "words",
        "Question 5",
        "# I learnt it",
    )
    assert judged.verdicts("test_words") == ["for review"]


def test_criteria_are_scored_from_their_checks(judged: Judged):
    """What our own fault touched is not judged, what failed is failed; one for review waits.

    Our own fault outranked a failure once: the failed properties left the sheet with it.
    """
    add, words = score(judged.part, judged.judgement.checks)

    assert add.verdict is Verdict.FAILED
    assert add.unjudged == round(2 / len(add.properties), 2)
    assert add.earned is not None
    assert 0 < add.earned < add.judged < 2 - add.unjudged
    assert (words.verdict, words.earned, words.judged) == (Verdict.FOR_REVIEW, None, 0.0)


def test_credit_is_the_share_of_runs(tmp_path: Path):
    """Three of four runs right: three quarters of the points, and where it was missed."""
    judged = judge(tmp_path, "right", "right", "wrong", "right")

    (add,) = score(judged.part, judged.judgement.checks)

    assert (add.earned, add.points) == (1.5, 2.0)
    assert add.verdict is Verdict.FAILED
    assert add.properties[0].where.keys() == {"sums/a/seed-2"}
    assert (add.properties[0].held, add.properties[0].judged) == (3, 4)


def test_a_run_that_we_could_not_make_does_not_count(tmp_path: Path):
    """Infrastructure is set against us: two of two, not two of three."""
    judged = judge(tmp_path, "right", "infrastructure", "right")

    (add,) = score(judged.part, judged.judgement.checks)

    assert judged.verdicts("test_adds") == ["passed", "not judged", "passed"]
    assert (add.earned, add.properties[0].judged) == (2.0, 2)


def test_wrong_shapes_and_silence_earn_nothing(tmp_path: Path):
    """A run without evidence is zero with a reason, never a pass."""
    judged = judge(tmp_path, "shape", "silent")

    shape, silent = judged.checks("test_adds")
    assert (shape.verdict, silent.verdict) == (Verdict.FAILED, Verdict.NOT_ANSWERED)
    assert shape.reason == "`out` has shape (4,), expected (3,)"
    assert silent.reason == "never reached: timed out: made up"
    assert score(judged.part, judged.judgement.checks)[0].earned == 0.0


@pytest.mark.parametrize(
    "tests",
    [
        {"test_add.py": "import nothing_of_this_name"},
        {"test_add.py": "def test_x(:"},
        {"test_add.py": "import pytest\n@pytest.mark.typo\ndef test_x(): pass"},
        {"test_add.py": "# no tests at all"},
    ],
    ids=["import", "syntax", "marker", "empty"],
)
def test_a_rubric_that_cannot_be_run_is_our_fault(tmp_path: Path, tests: dict[str, str]):
    """Exit 4, with what pytest said; nothing is held against the student."""
    with pytest.raises(OurFault, match="the rubric of `sums` could not be run") as caught:
        judge(tmp_path, "right", tests=tests)

    assert caught.value.exit_code == 4
    assert caught.value.found


HONEST = "import pytest\npytestmark = pytest.mark.criterion('add')\n"


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("yield", "passed"),
        ("yield\n    assert run.evidence['add/plain'].out is None, 'it is left'", "failed"),
        ("yield\n    1 / 0", "not judged"),
        ("yield\n    pytest.exit('now')", "not judged"),
    ],
)
def test_what_a_fixture_does_after_the_test_is_judged(tmp_path: Path, body: str, verdict: str):
    """As what it does before: an assertion fails; what it stumbles over is held against nobody."""
    fixture = f"@pytest.fixture\ndef made(run):\n    {body}\n"
    test = f"{HONEST}{fixture}def test_x(made): ...\ndef test_y(run): ...\n"
    found = judge(tmp_path, "right", tests={"test_add.py": test})

    assert found.verdicts("test_x") == [verdict]
    assert found.verdicts("test_y") == ["passed"]


def test_a_failed_test_stays_failed_whatever_a_fixture_does_after_it(tmp_path: Path):
    """What a student's answer can make raise excuses nothing."""
    fixture = "@pytest.fixture\ndef made(run):\n    yield\n    1 / 0\n"
    test = f"{HONEST}{fixture}def test_x(made):\n    assert False, 'wrong'\n"

    assert judge(tmp_path, "right", tests={"test_add.py": test}).verdicts("test_x") == ["failed"]


def test_a_measured_nan_is_no_crash(tmp_path: Path):
    """A network that diverged is a finding, not the end of the judgement."""
    test = HONEST + "def test_x(run, measure):\n    measure('loss', float('nan'))\n"

    assert judge(tmp_path, "right", tests={"test_add.py": test}).verdicts("test_x") == ["passed"]


def test_an_odd_character_in_an_error_is_no_crash(tmp_path: Path):
    """What a student's exception says cannot stop the judge."""
    assert judge(tmp_path, "surrogate").verdicts("test_adds") == ["not answered"]


@pytest.fixture
def part(toy: Assignment) -> Iterator[Part]:
    specs = [CriterionSpec(name=name, title=name, points=4.0) for name in ("add", "more")]
    return toy.part[0].model_copy(update={"criterion": specs})


def check(criterion: str, name: str, verdict: Verdict, run: str | None = "r") -> Check:
    return Check(
        part="sums", criterion=criterion, name=name, title=name, run=run, verdict=verdict,
        reason=f"{verdict}", hint="h",
    )  # fmt: skip


def scored(part: Part, *checks: Check) -> Criterion:
    more = check("more", "test_more", Verdict.PASSED)
    return score(part, [*checks, more])[0]


def test_each_run_is_tallied():
    """What was set aside, our own fault, and what spans all runs do not count."""
    checks = [
        check("add", "a", Verdict.PASSED, "r1"),
        check("add", "b", Verdict.FAILED, "r1"),
        check("add", "c", Verdict.SET_ASIDE, "r1"),
        check("add", "d", Verdict.NOT_JUDGED, "r1"),
        check("add", "a", Verdict.NOT_ANSWERED, "r2"),
        check("add", "e", Verdict.PASSED, None),
    ]

    assert [(t.run, t.held, t.judged) for t in tallies(checks)] == [("r1", 1, 2), ("r2", 0, 1)]


def test_every_property_weighs_the_same(part: Part):
    """A property judged in ten runs counts no more than one judged once."""
    often = [check("add", "a", Verdict.FAILED, f"r{n}") for n in range(10)]

    found = scored(part, *often, check("add", "b", Verdict.PASSED, None))

    assert found.earned == 2.0


def test_what_was_set_aside_does_not_count(part: Part):
    """Its share of the points is neither earned nor lost: it is not among the judged."""
    checks = [check("add", "a", Verdict.SET_ASIDE), check("add", "b", Verdict.PASSED)]

    found = scored(part, *checks)

    assert (found.earned, found.judged, found.points) == (2.0, 2.0, 4.0)


def test_what_was_not_asked_is_in_no_doubt(part: Part):
    """It is told by itself, and the criterion has passed."""
    checks = [check("add", "a", Verdict.NOT_ASKED), check("add", "b", Verdict.PASSED)]
    found = scored(part, *checks)
    page = summary.summary(made(criteria=[found]), "")

    assert (found.earned, found.judged, found.not_asked, found.set_aside) == (2.0, 2.0, 2.0, 0.0)
    assert (summary.state(found), summary.sign(found)) == ("passed", "✓")
    assert "2/2 judged, 2 not asked" in page
    assert "set aside" not in page


def test_a_criterion_all_set_aside_has_no_mark(part: Part):
    """Nothing was judged: there is nothing to earn and nothing to lose."""
    small = part.model_copy(
        update={
            "criterion": [
                c.model_copy(update={"points": points})
                for c, points in zip(part.criterion, (2.0, 4.0), strict=True)
            ]
        }
    )
    found = scored(small, check("add", "a", Verdict.SET_ASIDE))

    assert (found.verdict, found.earned, found.judged) == (Verdict.SET_ASIDE, None, 0.0)


def test_more_than_three_eighths_set_aside_is_lost(part: Part):
    """That is no longer one slip and what follows from it: half of the points are lost here."""
    found = scored(part, check("add", "a", Verdict.SET_ASIDE))

    assert (found.earned, found.judged) == (0.0, 4.0)


def follows(criterion: str, name: str, cause: str) -> Check:
    return check(criterion, name, Verdict.SET_ASIDE).model_copy(update={"follows": cause})


def test_a_mistake_excuses_no_more_than_it_cost(part: Part):
    """Two points are lost for it, four follow: two are excused, two count."""
    checks = [
        check("add", "a", Verdict.PASSED),
        check("add", "b", Verdict.FAILED).model_copy(update={"explains": True}),
        *(follows("more", name, "add") for name in "cd"),
    ]

    add, more = score(part, checks)

    assert (add.earned, add.judged, add.unexcused) == (2.0, 4.0, 0.0)
    assert (more.earned, more.judged, more.unexcused, more.set_aside) == (None, 0.0, 2.0, 2.0)


def test_what_follows_names_the_root():
    """Not the criterion between, which is itself set aside; a circle is left as it is."""
    between = follows("more", "c", "add").model_copy(update={"reason": "follows from add: x"})
    last = follows("last", "d", "more").model_copy(update={"reason": "follows from more: y"})
    failed = check("add", "a", Verdict.FAILED)

    assert rooted([failed, between, last])[1:] == [
        between,
        last.model_copy(update={"follows": "add", "reason": "follows from add, as more does: y"}),
    ]
    circle = [follows("a", "x", "b"), follows("b", "y", "a")]
    assert rooted(circle) == circle


def test_runs_are_counted_not_cases(part: Part):
    """A test of two cases that fails in one of two runs: in one of two runs, as it says."""
    verdicts = {"r1": [Verdict.FAILED, Verdict.FAILED], "r2": [Verdict.PASSED, Verdict.PASSED]}
    checks = [check("add", "a", v, run) for run, both in verdicts.items() for v in both]
    in_one = [check("add", "a", v, "r1") for v in (Verdict.FAILED, Verdict.PASSED)]

    (both,) = scored(part, *checks).properties
    (cases,) = scored(part, *in_one).properties

    assert (both.held, both.judged, both.runs) == (2, 4, 2)
    assert summary.reason(both).endswith("(in 1 of 2 runs)")
    assert summary.reason(cases).endswith("(in 1 of 2 cases)")


def test_what_follows_from_a_mistake_that_cost_nothing_counts(part: Part):
    """A criterion that lost nothing explains nothing."""
    checks = [check("add", "a", Verdict.PASSED), follows("more", "b", "add")]

    _, more = score(part, checks)

    assert (more.unexcused, more.set_aside) == (4.0, 0.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_slip_never_raises_a_mark(part: Part, data: st.DataObject):
    """Whatever it is said to explain: where its criterion was whole, it hides no more than itself.

    The searches over pairs of mistakes hold the rest.
    """
    criteria = ("add", "more", "third")
    specs = [
        CriterionSpec(name=n, title=n, points=p) for n, p in zip(criteria, (1, 4, 9), strict=True)
    ]
    whole = part.model_copy(update={"criterion": specs})
    before = [
        check(
            criterion,
            f"{criterion}{n}",
            data.draw(st.sampled_from([Verdict.PASSED, Verdict.FAILED])),
        )
        for criterion in criteria
        for n in range(3)
    ]
    chosen = data.draw(st.sampled_from(criteria))
    slip = next(c for c in before if c.criterion == chosen)
    before = [passed(c) if c.criterion == slip.criterion else c for c in before]
    slip = passed(slip)
    hidden = data.draw(st.lists(st.sampled_from(before)))
    after = [
        c.model_copy(update={"verdict": Verdict.FAILED}) if c == slip
        else follows(c.criterion, c.name, slip.criterion)
        if c in hidden and c.verdict is Verdict.FAILED and c.criterion != slip.criterion
        else c
        for c in before
    ]  # fmt: skip

    assert percent(whole, after) <= percent(whole, before) + 1e-3


def passed(of: Check) -> Check:
    return of.model_copy(update={"verdict": Verdict.PASSED, "reason": "passed"})


def percent(part: Part, checks: list[Check]) -> float:
    found = score(part, checks)
    return sum(c.earned or 0.0 for c in found) / sum(c.counted for c in found)


@pytest.mark.parametrize(
    ("verdicts", "speaks"),
    [
        ([Verdict.PASSED, Verdict.FAILED], Verdict.FAILED),
        ([Verdict.NOT_ANSWERED, Verdict.FAILED], Verdict.FAILED),
        ([Verdict.PASSED, Verdict.NOT_ANSWERED], Verdict.NOT_ANSWERED),
        ([Verdict.FAILED, Verdict.NOT_JUDGED], Verdict.FAILED),  # what failed stays on the sheet
        ([Verdict.NOT_ANSWERED, Verdict.NOT_JUDGED], Verdict.NOT_ANSWERED),
        ([Verdict.PASSED, Verdict.NOT_JUDGED], Verdict.NOT_JUDGED),
        ([Verdict.PASSED, Verdict.SET_ASIDE], Verdict.PASSED),
    ],
)
def test_the_verdict_that_needs_looking_at_speaks(
    part: Part, verdicts: list[Verdict], speaks: Verdict
):
    """Of several properties, the one that somebody must act on names the criterion."""
    checks = [check("add", f"t{n}", verdict) for n, verdict in enumerate(verdicts)]

    assert scored(part, *checks).verdict is speaks


def test_the_first_reason_that_explains_the_verdict_is_shown(part: Part):
    """A failure's reason wins over a missing answer's."""
    checks = [
        check("add", "a", Verdict.NOT_ANSWERED, "r1"),
        check("add", "a", Verdict.FAILED, "r2"),
    ]

    found = scored(part, *checks).properties[0]

    assert (found.reason, list(found.where)) == ("failed", ["r1", "r2"])


def test_a_part_that_was_not_handed_in_earns_nothing(part: Part):
    """Not answered, and told which notebook was expected."""
    found = score(part, None)

    assert [(c.earned, c.verdict) for c in found] == [(0.0, Verdict.NOT_ANSWERED)] * 2
    assert "notebooks/sums.ipynb" in found[0].properties[0].reason


def test_a_criterion_without_a_test_is_our_fault(part: Part):
    """Points that nobody can judge are the rubric's mistake."""
    with pytest.raises(OurFault) as caught:
        score(part, [check("add", "a", Verdict.PASSED)])

    assert caught.value.found == "no test judges `more`"


@pytest.mark.parametrize(("name", "shown"), [("typo", "typo"), ("", "(none)")])
def test_a_test_without_a_criterion_is_our_fault(part: Part, name: str, shown: str):
    """A misspelt or forgotten marker does not vanish."""
    with pytest.raises(OurFault) as caught:
        scored(part, check("add", "a", Verdict.PASSED), check(name, "b", Verdict.PASSED))

    assert caught.value.found == f"a test judges `{shown}`"


def test_the_toy_itself_is_judged_as_it_says(tmp_path: Path, store: Store):
    """`submission` of the toy has one notebook; its rubric has one test."""
    with toys.course(tmp_path / "course") as course:
        handed_in = submission(ADD)
        records = evidence_of(handed_in, course, store, "wrong")
        found = judging.judge(
            sections.sections(course, handed_in)["sums"], records, store, MACHINE.servers
        )

    assert [c.verdict for c in found.checks] == [Verdict.FAILED]
    assert found.checks[0].reason == "off by a lot"
    assert found.measurements[0].name == "largest"


MANY = """
import os
import pytest

pytestmark = pytest.mark.criterion("add")
FIRST = os.getpid()


@pytest.mark.parametrize("number", range(500))
def test_many(run, number, measure, drawing, written):
    \"\"\"As many as a course may have.\"\"\"
    measure(f"process {os.getpid()}", number)
    drawing(f"number {number % 3}", f"<svg>{run.id} {number}</svg>")
    written(f"number {number}", run.id)
    assert number % 7


def test_all(runs):
    \"\"\"Of all of them.\"\"\"
"""


def test_more_processes_find_the_same_in_the_same_order(tmp_path: Path):
    """All three did some of it."""
    alone, together = (
        judge(tmp_path / str(workers), "right", "wrong", tests={"test_m.py": MANY}, workers=workers)
        for workers in (1, 3)
    )
    one, other = (
        re.sub(r"process \d+", "process", found.judgement.model_dump_json())
        for found in (alone, together)
    )
    names = {each.name for each in together.judgement.measurements}

    assert len(alone.judgement.checks) == 1001
    assert len(names) == 3
    assert one == other


def test_a_process_that_ends_before_it_has_judged_is_our_fault(tmp_path: Path):
    """Half a judgement is none."""
    ends = MANY.replace(
        "    assert number",
        "    if os.getpid() != FIRST: os.kill(os.getpid(), 9)\n    assert number",
    )
    with pytest.raises(OurFault) as caught:
        judge(tmp_path, "right", tests={"test_m.py": ends}, workers=2)

    assert "ended with -9" in caught.value.found


ALL_AND_ONE = """
import pytest

pytestmark = pytest.mark.criterion("add")


def test_all(runs):
    \"\"\"Weighs as much as all others.\"\"\"


def test_one(run):
    \"\"\"Of one.\"\"\"
"""


@pytest.mark.parametrize("workers", [2, 4])
def test_no_process_is_left_without_a_test(tmp_path: Path, workers: int):
    """Where a test over all runs is a whole share."""
    answers = ["right"] * 640
    found = judge(tmp_path, *answers, tests={"test_m.py": ALL_AND_ONE}, workers=workers)

    assert len(found.judgement.checks) == 641


def test_what_cannot_be_collected_is_told_by_one_process(tmp_path: Path):
    """With its file and its error."""
    tests = {"test_m.py": MANY, "test_z.py": "import no_such_thing"}
    with pytest.raises(OurFault) as caught:
        judge(tmp_path, "right", tests=tests, workers=2)

    assert "No module named 'no_such_thing'" in caught.value.found
    assert "INTERNALERROR" not in caught.value.found


def test_a_judge_with_threads_does_not_fork(tmp_path: Path):
    """They would be missing in the fork."""
    begin = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
    tests = {"test_m.py": MANY.replace("FIRST = ", f"{begin}\nFIRST = ")}
    found = judge(tmp_path, "right", tests=tests, workers=2)

    assert len({each.name for each in found.judgement.measurements}) == 1
