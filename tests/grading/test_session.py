"""The library: a session grades from Python, tells what happens, and may follow a stopped one."""

import logging
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from subprocess import Popen
from threading import Event, Thread

import pytest

import assay
from assay import events
from assay.course.assignment import Assignment
from assay.errors import CourseFault, Stopped, UsageError
from assay.evidence.store import Store
from assay.execution.forkserver import ForkServers, Parent
from assay.execution.machine import Machine
from assay.execution.process import Process
from assay.scheduling.resources import ResourcePool
from assay.submission import sections
from tests.toys import toy as toys
from tests.toys.shared import MACHINE

ROOT = Path(__file__).parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Iterator[Assignment]:
    with toys.course(tmp_path / "course") as made:
        folder = made.root / "handed_in"
        folder.mkdir()
        (folder / "ada.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, toys.ADD))
        (folder / "bob.ipynb").write_bytes(toys.notebook(toys.PARAMETERS, toys.SUBTRACT))
        (folder / "eve.ipynb").write_bytes(b"no notebook")
        yield made


def session(course: Assignment, **options: object) -> assay.Session:
    """A session on the machine that all tests share; with `machine=None`, on one of its own."""
    file = course.root / "assignment.toml"
    options = {"machine": MACHINE, "jobs": 1, "require_isolation": 0, **options}
    return assay.Session(file, **options)  # type: ignore[arg-type]


def test_all_that_was_handed_in_is_graded(course: Assignment, caplog: pytest.LogCaptureFixture):
    """Each as it is done; one that cannot be graded keeps nobody else's from being."""
    heard: list[events.Event] = []
    caplog.set_level(logging.INFO, "assay")
    with session(course, listen=heard.append) as grading:
        done = {event.submission: event for event in grading.grade_all(course.root / "handed_in")}

    ada, bob, eve = (done[name] for name in ("ada", "bob", "eve"))
    assert isinstance(ada, assay.SubmissionGraded)
    assert isinstance(bob, assay.SubmissionGraded)
    assert isinstance(eve, assay.Failed)
    assert (ada.result.earned, bob.result.earned) == (2, 0)
    assert eve.error.exit_code == 3
    assert (course.root / "reports" / "ada" / "results.json").is_file()
    ran = {event.submission for event in heard if isinstance(event, assay.RunFinished)}
    assert ran == {"ada", "bob", "the course's check"}
    assert "RunFinished(submission='ada'" in caplog.text


def test_a_course_that_cannot_grade_is_no_students_fault(tmp_path: Path):
    with toys.course(tmp_path / "course", given="1 / 0") as course:
        ada = course.root / "ada.ipynb"
        ada.write_bytes(toys.notebook(toys.PARAMETERS, toys.ADD))
        with session(course) as grading, pytest.raises(CourseFault):
            list(grading.grade_all(ada))


def test_without_what_grades_no_submission_is_blamed(
    course: Assignment, monkeypatch: pytest.MonkeyPatch
):
    """`pip install assay` is enough for a student; a session says which extra grades."""
    monkeypatch.setattr("assay.extras.missing", lambda extra: ["scipy"])
    grading = session(course, machine=None)

    with pytest.raises(UsageError) as caught:
        list(grading.grade_all(course.root / "handed_in"))

    assert 'pip install "assay[grade]"' in str(caught.value.hint)


def test_a_process_grades_again_after_a_stop(course: Assignment):
    """A session that has graded and is stopped begins nothing more; the next one does."""
    ada, bob = (course.root / "handed_in" / f"{name}.ipynb" for name in ("ada", "bob"))
    stopped = session(course, machine=None)
    assert stopped.grade(ada).earned == 2
    stopped.stop()
    with pytest.raises(Stopped):
        stopped.grade(bob)
    with session(course, machine=None) as again:
        assert again.grade(bob).earned == 0
        assert again.grade(ada).earned == 2


def test_a_stop_ends_one_session_and_no_other(course: Assignment, tmp_path: Path):
    """What runs in it ends at once; another session of the process goes on, and so does a third."""
    slow = toys.submission(toys.ADD, "import time\ntime.sleep(600)", name="slow")
    store, began = Store(tmp_path / "store"), Event()
    caught: list[BaseException] = []
    stopped = session(course, store=store, check_course=False, machine=None)
    going = session(course, store=store, check_course=False)

    def grade_slowly() -> None:
        try:
            stopped.grade(slow)
        except Stopped as error:
            caught.append(error)

    stopped.listen = lambda event: isinstance(event, assay.Message) and began.set()
    thread = Thread(target=grade_slowly)
    thread.start()
    assert began.wait(600)
    stopped.stop()
    with going:
        assert going.grade(toys.submission(toys.ADD)).earned == 2
    thread.join()
    assert [type(error) for error in caught] == [Stopped]
    with session(course, store=store, check_course=False) as third:
        assert third.grade(toys.submission(toys.SUBTRACT)).earned == 0


def test_the_processes_of_a_session_end_with_it(course: Assignment):
    """Its own, and none that another session has; one that was lent stays with its owner."""
    one, other = (session(course, check_course=False, machine=None) for _ in range(2))
    with one, other:
        first, second = (each.machine.servers.first().process for each in (one, other))
        with session(course, check_course=False, machine=one.machine) as borrowing:
            assert borrowing.grade(toys.submission(toys.ADD)).earned == 2
        assert first.poll() is None
        one.close()

        assert first.poll() is not None
        assert second.poll() is None
    assert second.poll() is not None


def test_no_module_holds_what_runs():
    """Processes, their parents and the switch that stops them belong to a session."""
    names = [m.name for m in pkgutil.walk_packages(assay.__path__, "assay.")]
    running = [
        n for n in names if n.split(".")[1] in ("execution", "scheduling", "judge", "grading")
    ]
    values = [
        (name, key, value) for name in running for key, value in vars(import_module(name)).items()
    ]

    assert len(values) > 1000
    held = Event, Popen, Process, ForkServers, Machine, Parent, ResourcePool
    assert [(name, key) for name, key, value in values if isinstance(value, held)] == []


def test_two_sessions_of_courses_that_are_called_alike(tmp_path: Path):
    """Side by side in one process: each is asked its own questions, and judged by its own tests."""
    wrong = toys.GIVEN.replace("x + y}", "x - y}")
    with toys.course(tmp_path / "one") as one, toys.course(tmp_path / "two", given=wrong) as two:
        shutil.move(two.root / two.part[0].rubric, two.root / one.part[0].rubric)
        text = (one.root / "assignment.toml").read_text()
        (two.root / "assignment.toml").write_text(text)
        first, second = (session(of, check_course=False) for of in (one, two))
        sums, differences = (toys.submission(each) for each in (toys.ADD, toys.SUBTRACT))

        assert [first.grade(sums).earned, second.grade(sums).earned] == [2, 0]
        assert [first.grade(differences).earned, second.grade(differences).earned] == [0, 2]
        second.close()
        first.close()


def test_what_answers_which_part_is_worked_out_once(
    course: Assignment, monkeypatch: pytest.MonkeyPatch
):
    """To plan, run, judge and report a submission; a command that only judges does so itself."""
    found: list[str] = []
    whole = sections.sections

    def counted(of: Assignment, handed_in: assay.Submission) -> dict[str, sections.Section]:
        found.append(handed_in.name)
        return whole(of, handed_in)

    monkeypatch.setattr(sections, "sections", counted)
    with session(course, check_course=False) as grading:
        result = grading.grade(toys.submission(toys.ADD))
        assert found == ["ada"]
        assert grading.judge(toys.submission(toys.ADD)) == result
        assert found == ["ada", "ada"]


def test_the_names_of_the_library():
    """About a dozen, each there; what is not among them is an error that names it."""
    assert len(assay.__all__) <= 14
    assert all(getattr(assay, name).__name__ == name for name in assay.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Road'"):
        _ = assay.Road  # type: ignore[attr-defined]


def test_the_package_is_the_command():
    said = subprocess.run(
        [sys.executable, "-m", "assay", "--version"], capture_output=True, text=True, check=True
    )

    assert "version" in said.stdout


def test_the_script_of_the_page_runs(course: Assignment):
    """As it is printed, in a process of its own, beside an assignment."""
    text = (ROOT / "docs" / "api.md").read_text()
    script = text.split("```python\n")[1].split("```")[0]
    shutil.move(course.root / "handed_in", course.root / "submissions")
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=course.root, capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stderr
    assert sorted(line.split()[0] for line in said.stdout.splitlines()) == ["ada", "bob", "eve"]
