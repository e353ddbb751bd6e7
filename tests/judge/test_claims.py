"""What depends on luck: claims over seeds, more seeds where it is undecided, calibration."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from assay.course import calibration
from assay.course.assignment import Assignment
from assay.evidence.store import Store
from assay.execution.job import Job
from assay.grading import calibrate
from assay.grading.session import Session
from assay.records import Property, Result, Run, RunRecord, Verdict
from assay.report import markdown, summary
from assay.submission import plan
from assay.submission.submission import Submission
from tests.toys import toy as toys

TEST = '''
import pytest
pytestmark = pytest.mark.criterion("add")
@pytest.mark.claim("distance", at_most=0.1)
@pytest.mark.hint("look at the sign")
def test_adds(evidence, kept, measure, claim):
    """The sum is nearly the sum."""
    distance = abs(evidence["add/plain"].out - kept["add/plain"].sum).max()
    measure(claim.measure, distance)
    assert distance <= claim.at_most, "off by a lot"
'''
BUDGET = "seeds = [0, 1, 2, 3, 4]\nmax_seeds = 20\n"
Make = Callable[[list[Job]], list[RunRecord]]


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    """Five seeds at first, twenty at most, and a criterion that is a claim."""
    text = toys.toml().replace("seeds = [0]\n", BUDGET)
    with toys.course(tmp_path / "course", text=text, tests={"test_add.py": TEST}) as made:
        yield made


@pytest.fixture
def session(course: Assignment, tmp_path: Path) -> Session:
    return toys.session(course, Store(tmp_path / "store"), tmp_path / "reports")


def answering(session: Session, unlucky: Sequence[int]) -> Make:
    """Keeps the evidence of a submission that adds, and slips under these seeds."""

    def make(jobs: list[Job]) -> list[RunRecord]:
        return [
            toys.keep(session.store, job, evidence(job, job.run.seed in unlucky)) for job in jobs
        ]

    return make


def graded(session: Session, handed_in: Submission, make: Make) -> Result:
    """The result of a submission whose runs are made up."""
    session.executor = toys.Runs(make)
    return session.grade(handed_in)


def evidence(job: Job, wrong: bool) -> dict[str, bytes]:
    right = toys.arrays(job.workdir["kept/add/plain.npz"])["sum"]
    return toys.answered(out=right + 1 if wrong else right)


def adds(session: Session, unlucky: Sequence[int]) -> tuple[Property, int]:
    """What became of the claim, and after how many runs."""
    result = graded(session, toys.submission(toys.ADD), answering(session, unlucky))
    return result.criteria[0].properties[0], len(result.runs)


def test_a_clear_pass_takes_the_first_seeds_only(session: Session):
    """Five of five hold."""
    found, runs = adds(session, unlucky=[])

    assert (found.verdict, runs) == (Verdict.PASSED, 5)


def test_a_clear_failure_takes_the_first_seeds_only(session: Session):
    """Two of five hold: no number of further seeds is worth the time."""
    found, runs = adds(session, unlucky=[0, 1, 2])

    assert (found.verdict, runs) == (Verdict.FAILED, 5)


def test_bad_luck_is_seen_through_and_costs_nothing(session: Session):
    """One slip in five is undecided; five more seeds show that it was luck."""
    result = graded(session, toys.submission(toys.ADD), answering(session, [3]))
    (criterion,) = result.criteria

    assert [r.run.seed for r in result.runs] == list(range(10))
    assert (criterion.earned, criterion.verdict) == (criterion.points, Verdict.PASSED)
    assert "bad luck in 1 of 10 runs, nothing lost: off by a lot" in summary.summary(result, "")
    assert "bad luck in 1 of 10 runs" in markdown.pages(result, [])["index.md"]


def test_what_stays_undecided_says_so_and_earns_its_share(session: Session):
    """Four slips in twenty: the budget is used up."""
    result = graded(session, toys.submission(toys.ADD), answering(session, [0, 7, 8, 13, 19]))
    (criterion,) = result.criteria

    assert len(result.runs) == 20
    assert criterion.verdict is Verdict.UNDECIDED
    assert criterion.earned == pytest.approx(criterion.points * 15 / 20)
    assert "undecided at 20 seeds; a: held in 15 of 20 runs" in summary.summary(result, "")


def test_without_a_budget_the_seeds_are_those_asked_for(session: Session):
    """`--seeds 0-4` runs no sixth."""
    few = session.assignment.with_seeds([0, 1, 2, 3, 4])
    _, runs = adds(toys.session(few, session.store, session.reports), unlucky=[3])

    assert runs == 5


def test_judging_again_uses_the_further_seeds_that_were_run(session: Session):
    """`assay judge` after `assay grade` comes to the same result, and runs nothing."""
    handed_in = toys.submission(toys.ADD)
    result = graded(session, handed_in, answering(session, [3]))

    assert session.judge(handed_in) == result


def test_further_seeds_are_the_next_unused_ones(course: Assignment):
    """As many as at first, and no more than the budget has."""
    part = course.part[0]
    runs = [
        Run(part="sums", parameters={"seed": s, "dataset": "a"}) for s in (0, 1, 5, *range(6, 20))
    ]
    further = plan.further(part, runs, {"sums/a"})

    assert [run.seed for run in further] == [2, 3, 4]


def test_a_notebook_without_parameters_has_no_further_seeds(course: Assignment):
    """It would do the same again."""
    run = Run(part="sums", parameters={"seed": 0, "dataset": "a"}, parameterised=False)

    assert plan.further(course.part[0], [run], {"sums/a"}) == []


def test_silence_in_every_seed_is_not_called_bad_luck(session: Session):
    """What was not answered is named so, whatever the number of seeds."""
    make = lambda jobs: [toys.keep(session.store, job, {}) for job in jobs]  # noqa: E731
    result = graded(session, toys.submission(toys.ADD), make)

    assert result.criteria[0].verdict is Verdict.NOT_ANSWERED


def test_one_silent_seed_is_bad_luck_like_any_other(session: Session):
    """A crash in one of ten seeds does not overturn the verdict of the nine others."""

    def make(jobs: list[Job]) -> list[RunRecord]:
        made = {job.run.seed: {} if job.run.seed == 3 else evidence(job, False) for job in jobs}
        return [toys.keep(session.store, job, made[job.run.seed]) for job in jobs]

    result = graded(session, toys.submission(toys.ADD), make)

    assert (len(result.runs), result.criteria[0].verdict) == (10, Verdict.PASSED)


# --- calibration ------------------------------------------------------------------------------


def calibrated(
    session: Session, unlucky: Sequence[int], wrong: bool = False
) -> calibration.Calibration:
    handed_in = toys.submission(toys.ADD)
    against = [toys.submission(toys.SUBTRACT, name="subtracts")] if wrong else []
    session.executor = toys.Runs(answering(session, unlucky))
    return calibrate.calibrate(session, range(20), [handed_in], against)


def test_no_failure_in_twenty_runs_is_a_rate_and_a_bound(session: Session):
    """0 of 20 is no proof of never: 13.9 % at most, and what that means for a verdict."""
    (rate,) = calibrated(session, []).rates

    assert (rate.failures, rate.judged, rate.unit) == (0, 20, "runs")
    assert rate.upper == pytest.approx(1 - 0.05 ** (1 / 20))
    assert rate.verdict is not None
    assert 0 < rate.verdict < 0.1


def test_too_many_false_failures_are_warned_of(session: Session):
    """More than one in a thousand."""
    found = calibrated(session, [2, 11])

    assert calibration.alarms(found) == [
        "sums/add, test_add.test_adds: 2 of 20 runs of right submissions fail; "
        "expected at most 0.1%"
    ]


def test_a_rubric_that_fails_nobody_falsely_is_not_warned_of(session: Session):
    """However wide the bound still is."""
    assert calibration.alarms(calibrated(session, [])) == []


def test_the_margin_is_counted_in_standard_deviations(session: Session):
    """Two of twenty are 1 off, the others 0: mean 0.1 at the threshold, so a margin of none."""
    (rate,) = calibrated(session, [2, 11]).rates

    assert rate.margin == pytest.approx(0.0, abs=1e-6)


def test_a_wrong_submission_is_caught_in_so_many_runs(session: Session):
    """Its row in the table says by which criterion."""
    found = calibrated(session, [0, 1, 2, 3, 4], wrong=True)

    assert [(p.submission, p.criterion, p.failures, p.judged) for p in found.power] == [
        ("subtracts", "add", 5, 5)
    ]
    assert "| subtracts | sums/add | 5 of 5 | 54.9% |" in calibration.page(found)


def test_results_name_the_rate_of_false_failures(session: Session):
    """Where the assignment keeps a calibration, each criterion and its page carry the number."""
    found = calibrated(session, [])
    course = session.assignment.model_copy(update={"calibration": "calibration.json"})
    (course.root / "calibration.json").write_text(found.model_dump_json())
    known = toys.session(course, session.store, session.reports)
    result = graded(known, toys.submission(toys.ADD), answering(session, []))

    assert result.criteria[0].false_fail == found.false_fail("sums", "add")
    assert "0 of 20 runs of a right submission" in markdown.pages(result, [])["index.md"]


def test_a_damaged_calibration_is_a_clear_error(session: Session):
    """It names the file, and the command that writes it."""
    course = session.assignment.model_copy(update={"calibration": "calibration.json"})
    (course.root / "calibration.json").write_text("{}")

    with pytest.raises(Exception, match="is not a calibration"):
        calibration.of(course)
