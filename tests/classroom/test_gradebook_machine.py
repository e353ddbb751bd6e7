"""Whatever two markers do, wherever one is killed: the gradebook holds what plain lists would."""

import shutil
import tempfile
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from assay.classroom.gradebook import Conflict, Gradebook, Unknown
from assay.classroom.gradebook.models import Forgetting, Purge
from assay.errors import UsageError
from tests.classroom.killed import OPERATIONS, Writers
from tests.classroom.postgres import fresh_database

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
PEOPLE = {"s1": "Ada Lovelace", "s2": "Benjamin Barker", "s3": "Cleopatra Cole"}
LINES = ("part1/split", "part1/why")
KINDS = ("late", "extension", "excuse", "override")
DECIDE = {"late": "set_late", "extension": "extend", "excuse": "excuse", "override": "override"}
VALUES: dict[str, dict[str, Any]] = {
    "late": {"points": "1.5", "arithmetic": "1.5 h"},
    "extension": {"until": "2026-12-01"},
    "excuse": {},
    "override": {"points": "7"},
}
Entry = tuple[Any, ...]


@dataclass
class Person:
    """All there is of one person: each history is a list, oldest first, the writer last."""

    attempts: list[str] = field(default_factory=list)
    results: dict[str, list[Entry]] = field(default_factory=dict)
    marks: dict[str, list[Entry]] = field(default_factory=lambda: {line: [] for line in LINES})
    decisions: dict[str, list[Entry]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    releases: list[Entry] = field(default_factory=list)
    requests: list[Entry] = field(default_factory=list)

    def final(self) -> tuple[Decimal | None, bool]:
        """The mark, and whether nothing waits: worked out from the lists alone."""
        total, waits = None, False
        newest = [name for name in self.attempts if self.results.get(name)]
        if newest:
            _, split, answer = self.results[newest[-1]][-1][:3]
            total = Decimal(split)
            for line, earned, of in (
                (LINES[0], Decimal(split), "x"),
                (LINES[1], Decimal(), answer),
            ):
                given = self.marks[line][-1] if self.marks[line] else (None, "", "")
                # each text of several attempts has its own mark: a newer one of another text
                # takes nothing from it
                own = [one for one in self.marks[line] if one[1] == of]
                given = own[-1] if own else given
                if given[0] is not None and given[1] == of:
                    total += Decimal(given[0]) - earned
                else:
                    waits |= given[0] is not None or line == LINES[1]
            if late := self.standing("late"):
                total -= min(Decimal(late["points"]), total)
        if override := self.standing("override"):
            total, waits = Decimal(override["points"]), False
        if self.standing("excuse") is not None:
            return None, True
        return total, total is not None and not waits

    def standing(self, kind: str) -> dict[str, Any] | None:
        return self.decisions[kind][-1][0] if self.decisions[kind] else None


def append(history: list[Entry], entry: Entry, expected: int | None) -> None:
    """What `expected` means: the version that was seen, or one's own that was not heard of."""
    seen = len(history)
    if history and history[-1] == entry and expected in (None, seen - 1, seen):
        return
    if expected not in (None, seen):
        raise Conflict("changed", hint="look")
    history.append(entry)


def looked_up(people: dict[str, Person], key: str) -> Person:
    if key not in people:
        raise Unknown("nobody", hint="add")
    return people[key]


def modelled(people: dict[str, Person], name: str, given: dict[str, Any]) -> None:
    """Do to the lists what an operation does to the gradebook."""
    if name == "add_person":
        people.setdefault(given["key"], Person())
        return
    person = looked_up(people, given.get("author") or given.get("person") or "")
    if name == "forget":
        del people[given["person"]]
    elif name == "attempt" and given["digest"] not in person.attempts:
        person.attempts.append(given["digest"])
        person.attempts.sort()
    elif name == "mark":
        entry = (given["points"], given["answer"], given["by"])
        append(person.marks[given["criterion"]], entry, given["expected"])
    elif name == "request_regrade":
        append(person.requests, (given["question"], given["person"]), given["expected"])
    elif name == "release":
        entry = (person.final()[0], given["page"], given["by"])
        append(person.releases, entry, given["expected"])
    elif name in DECIDE.values():
        kind = next(kind for kind, called in DECIDE.items() if called == name)
        append(person.decisions[kind], (given["value"], given["by"]), given["expected"])


class Machine(RuleBasedStateMachine):
    """Two markers with the gradebook open, and writers that are killed."""

    forked: ClassVar[Writers]
    server: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="assay-book-"))
        self.where: Path | str = self.folder / "book.sqlite"
        if self.server:
            self.where = fresh_database(self.server)
        self.books = {by: Gradebook(self.where, "2026") for by in ("tom", "una")}
        self.books["tom"].add_assignment("hw1")
        self.people: dict[str, Person] = {}
        for key in ("s1", "s2"):
            self.enrol_one(key, None)

    def teardown(self) -> None:
        for book in self.books.values():
            book.close()
        shutil.rmtree(self.folder)

    def do(self, operation: str, kill: int | None, **given: Any) -> None:
        """Do it, in this process or in one that is killed; and to the lists, as it turned out."""
        after = deepcopy(self.people)
        refused = ""
        try:
            modelled(after, operation, given)
        except UsageError as error:
            after, refused = self.people, type(error).__name__
        if kill is None:
            said = "done"
            try:
                OPERATIONS[operation](self.books[given.get("by", "tom")], **given)
            except UsageError as error:
                said = type(error).__name__
        else:
            said = self.forked.write(self.where, operation, kill, **given).how
        assert said in ("killed", refused or "done")
        if said == "killed":
            there = self.read()
            assert there in (facts(self.people), facts(after))
            after = self.people if there == facts(self.people) else after
        self.people = after

    def read(self) -> dict[str, Any]:
        """All that the gradebook holds, as the lists are written."""
        with Gradebook(self.where, "2026") as book:
            with book.engine.begin() as connection:
                for table in (Purge, Forgetting):
                    assert not list(connection.execute(table.__table__.select()))
            asked = book.requests("hw1")
            return {one.key: of_book(book, one.key, asked) for one in book.people()}

    def enrol_one(self, key: str, kill: int | None) -> None:
        user = {"user": f"u-{key}"}
        self.do("add_person", kill, key=key, name=PEOPLE[key], facts=user)

    kills = st.one_of(st.none(), st.none(), st.integers(0, 45))
    keys = st.sampled_from(list(PEOPLE))
    markers = st.sampled_from(["tom", "una"])
    seen = st.sampled_from([0, 0, 0, 0, -1, 1])
    """How far the version that a marker saw is from the newest."""

    @rule(key=keys, kill=kills)
    def enrol(self, key: str, kill: int | None) -> None:
        self.enrol_one(key, kill)

    @rule(key=keys, number=st.integers(0, 2), kill=kills)
    def hand_in(self, key: str, number: int, kill: int | None) -> None:
        time = (NOON + timedelta(hours=number)).isoformat()
        given = {"assignment": "hw1", "author": key, "digest": f"d{number}", "time": time}
        self.do("attempt", kill, **given)

    @rule(
        key=keys,
        points=st.sampled_from(["0", "1.25", "3"]),
        answer=st.sampled_from(["a1", "a2"]),
        kill=kills,
    )
    def regrade(self, key: str, points: str, answer: str, kill: int | None) -> None:
        """The newest attempt is graded: again, or otherwise."""
        with Gradebook(self.where, "2026") as book:
            there = book.attempts("hw1", key) if key in self.people else []
        if not there:
            return
        criteria = [
            {"name": LINES[0], "points": "3", "earned": points, "waits": False, "answer": "x"},
            {"name": LINES[1], "points": "5", "earned": "0", "waits": True, "answer": answer},
        ]
        digest = f"r{points}{answer}"
        before, after = self.people, deepcopy(self.people)
        history = after[key].results.setdefault(there[-1].digest, [])
        append(history, (digest, points, answer), None)
        given = {"attempt": there[-1].id, "digest": digest, "receipt": {}, "criteria": criteria}
        said = self.forked.write(self.where, "add_result", kill, **given).how
        found = self.read()
        assert said == "killed" or found == facts(after)
        assert found in (facts(before), facts(after))
        self.people = after if found == facts(after) else before

    @rule(
        key=keys,
        line=st.sampled_from(LINES),
        points=st.sampled_from(["0", "2.5", None]),
        answer=st.sampled_from(["a1", "a2", "x"]),
        by=markers,
        off=seen,
        kill=kills,
    )
    def mark(
        self,
        key: str,
        line: str,
        points: str | None,
        answer: str,
        by: str,
        off: int,
        kill: int | None,
    ) -> None:
        versions = len(self.people[key].marks[line]) if key in self.people else 0
        given = {"criterion": line, "points": points, "answer": answer, "by": by}
        expected = max(0, versions + off)
        self.do("mark", kill, assignment="hw1", author=key, expected=expected, **given)

    @rule(
        key=keys,
        kind=st.sampled_from(KINDS),
        withdrawn=st.sampled_from([False, False, True]),
        by=markers,
        off=seen,
        kill=kills,
    )
    def decide(
        self, key: str, kind: str, withdrawn: bool, by: str, off: int, kill: int | None
    ) -> None:
        versions = len(self.people[key].decisions[kind]) if key in self.people else 0
        given = {"value": None if withdrawn else VALUES[kind], "by": by, "reason": "seen"}
        expected = max(0, versions + off)
        self.do(DECIDE[kind], kill, assignment="hw1", person=key, expected=expected, **given)

    @rule(key=keys, page=st.sampled_from(["one", "two"]), by=markers, off=seen, kill=kills)
    def release(self, key: str, page: str, by: str, off: int, kill: int | None) -> None:
        versions = len(self.people[key].releases) if key in self.people else 0
        given = {"page": page, "by": by, "expected": max(0, versions + off)}
        self.do("release", kill, assignment="hw1", person=key, **given)

    @rule(key=keys, question=st.sampled_from(["why?", "how?"]), off=seen, kill=kills)
    def ask(self, key: str, question: str, off: int, kill: int | None) -> None:
        versions = len(self.people[key].requests) if key in self.people else 0
        given = {"criterion": LINES[1], "question": question, "mark": {}}
        expected = max(0, versions + off)
        operation = "request_regrade"
        self.do(operation, kill, assignment="hw1", person=key, expected=expected, **given)

    @rule(key=keys, kill=st.one_of(st.none(), st.integers(0, 230)))
    def forget(self, key: str, kill: int | None) -> None:
        self.do("forget", kill, person=key)
        if key not in self.people and isinstance(self.where, Path):
            for book in self.books.values():
                book.close()  # or reading the file would take their locks away
            held = b"".join(file.read_bytes() for file in self.folder.iterdir())
            assert PEOPLE[key].encode() not in held

    @invariant()
    def nothing_is_lost_and_nothing_doubled(self) -> None:
        assert self.read() == facts(self.people)


def facts(people: dict[str, Person]) -> dict[str, Any]:
    """The lists as they are compared, each person's mark with them."""
    return {
        key: (
            one.attempts,
            {name: history for name, history in one.results.items() if history},
            one.marks,
            one.decisions,
            one.releases,
            one.requests,
            one.final(),
        )
        for key, one in sorted(people.items())
    }


def of_book(book: Gradebook, key: str, asked: list[Any]) -> tuple[Any, ...]:
    attempts = book.attempts("hw1", key)
    results = {
        one.digest: [
            (row.digest, row.criteria[0]["earned"], row.criteria[1]["answer"])
            for row in book.results(one.id)
        ]
        for one in attempts
    }
    marks = {
        line: [
            (None if m.points is None else str(m.points), m.answer, m.by)
            for m in numbered(book.mark_history("hw1", key, line))
        ]
        for line in LINES
    }
    decisions = {
        kind: [(d.value, d.by) for d in numbered(book.decision_history("hw1", key, kind))]
        for kind in KINDS
    }
    releases = [(r.points, r.page.decode(), r.by) for r in numbered(book.releases("hw1", key))]
    final = book.final("hw1", key)
    return (
        [one.digest for one in attempts],
        {name: history for name, history in results.items() if history},
        marks,
        decisions,
        releases,
        [(one.question, one.by) for one, _ in asked if one.by == key],
        (final.points, final.complete),
    )


def numbered(history: list[Any]) -> list[Any]:
    assert [one.version for one in history] == list(range(1, len(history) + 1))
    return history


@pytest.mark.parametrize(
    ("database", "examples", "steps"),
    [
        pytest.param("sqlite", 4, 12, id="sqlite"),
        pytest.param("postgresql", 1, 8, id="postgresql"),
        pytest.param("sqlite", 150, 40, id="sqlite, long", marks=pytest.mark.thorough),
        pytest.param("postgresql", 40, 30, id="postgresql, long", marks=pytest.mark.thorough),
    ],
)
def test_the_gradebook_holds_what_plain_lists_would(
    request: pytest.FixtureRequest, forked: Writers, database: str, examples: int, steps: int
):
    """Nothing is lost and nothing doubled, by whichever marker, killed wherever."""
    server = request.getfixturevalue("postgres") if database == "postgresql" else ""
    machine = type("OnDatabase", (Machine,), {"forked": forked, "server": server})
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to shrink a failure would take a minute a step
    )
    run_state_machine_as_test(machine, settings=chosen)
