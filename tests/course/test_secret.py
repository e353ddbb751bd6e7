"""Questions are drawn with a secret of the course's own, which is kept beside the store."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.course.assignment import Assignment
from assay.course.secret import PUBLIC, Secret, beside
from assay.errors import OurFault, UsageError
from assay.execution.job import Job, assemble
from assay.records import Run
from assay.submission import sections
from tests.toys.toy import ADD, submission

RUN = Run(part="sums", parameters={"seed": 0, "dataset": "a"})
ONE, OTHER = Secret(b"1" * 32), Secret(b"2" * 32)


def job(course: Assignment, secret: Secret) -> Job:
    return assemble(sections.sections(course, submission(ADD))[RUN.part], RUN, secret)


def say_nothing(said: str) -> None:
    pytest.fail(said)


def test_questions_rest_on_the_secret(toy: Assignment):
    """All else in their seed is known to the student; with one secret they are always the same."""
    assert job(toy, ONE).workdir == job(toy, ONE).workdir
    assert job(toy, ONE).workdir != job(toy, OTHER).workdir
    assert job(toy, ONE).workdir != job(toy, PUBLIC).workdir


def test_evidence_of_another_secret_is_not_reused(toy: Assignment):
    """Neither by its recipe nor by its key."""
    jobs = [job(toy, secret) for secret in (ONE, OTHER, PUBLIC)]

    assert len({made.recipe for made in jobs}) == len({made.key for made in jobs}) == 3


def test_the_secret_does_not_leave_with_a_job(toy: Assignment):
    """Neither it nor its hash is in what goes to the sandbox, or in what is kept of a run."""
    made = job(toy, ONE)
    everything = made.packed + b"".join(made.workdir.values())

    assert ONE.content not in everything
    assert ONE.content.hex().encode() not in everything
    assert ONE.digest.encode() not in everything


def test_a_secret_is_not_shown():
    """A traceback, a log or a debugger that shows the object does not show what it holds."""
    assert ONE.content.decode() not in repr(ONE)
    assert ONE.content.hex() not in ONE.digest


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path):
    """The second command finds what the first has made: 32 bytes, in a file of mode 0600."""
    first = beside(tmp_path / "store", say_nothing)
    second = beside(tmp_path / "store", say_nothing)
    file = tmp_path / "secret"

    assert first == second
    assert len(first.content) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.content.hex() == file.read_text().strip()


def test_every_course_has_another_secret(tmp_path: Path):
    """They are random."""
    assert beside(tmp_path / "a" / "s", say_nothing) != beside(tmp_path / "b" / "s", say_nothing)


def test_commands_that_begin_at_once_share_one_secret(tmp_path: Path):
    """One of them makes the file; no other one reads half of it."""
    with ThreadPoolExecutor(16) as executor:
        found = set(executor.map(lambda _: beside(tmp_path / "store", say_nothing), range(64)))

    assert len(found) == 1


def test_a_copy_is_shut_to_strangers(tmp_path: Path):
    """A group that shares it may go on reading it."""
    beside(tmp_path / "store", say_nothing)
    (tmp_path / "secret").chmod(0o644)
    beside(tmp_path / "store", say_nothing)

    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o640


def test_a_lost_secret_is_told_once(tmp_path: Path):
    """What is kept was asked other questions: the command says why all is run again."""
    said: list[str] = []
    first = beside(tmp_path / "store", said.append)
    (tmp_path / "secret").unlink()
    second = beside(tmp_path / "store", said.append)
    beside(tmp_path / "store", said.append)

    assert first != second
    assert len(said) == 1
    assert "was not there: a new one was made" in said[0]
    assert "is run again" in said[0]


def test_another_secret_than_that_of_the_store_is_told(tmp_path: Path):
    """A store from one machine and a secret from another."""
    said: list[str] = []
    beside(tmp_path / "store", said.append)
    (tmp_path / "secret").write_text("ab" * 32)
    beside(tmp_path / "store", said.append)

    assert ["is not the one of the earlier runs" in sentence for sentence in said] == [True]


@pytest.mark.parametrize("content", ["no secret", "abcd", "00" * 31, "ä" * 64], ids=repr)
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, content: str):
    """Nothing is drawn with a weak one."""
    (tmp_path / "secret").write_text(content)

    with pytest.raises(UsageError, match="is not a secret"):
        beside(tmp_path / "store", say_nothing)


def test_an_empty_file_is_waited_for_then_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another command may be about to write it; one that was killed is not."""
    monkeypatch.setattr("assay.course.secret.WAIT_SECONDS", 0.05)
    (tmp_path / "secret").touch()

    with pytest.raises(UsageError, match="is not a secret"):
        beside(tmp_path / "store", say_nothing)


def test_a_secret_that_cannot_be_read_is_our_fault(tmp_path: Path):
    """A folder stands in its place."""
    (tmp_path / "secret").mkdir()

    with pytest.raises(OurFault, match="neither read nor made"):
        beside(tmp_path / "store", say_nothing)
