"""Try what an adapter proposes: bound, run once in the sandbox, and asked."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assay.evidence.answers import Refused, read_json
from assay.execution.job import assemble_all
from assay.submission import plan, preflight, sections
from assay.submission.preflight import Tried
from assay.submission.sections import Section

if TYPE_CHECKING:
    from assay.grading.session import Session

TRIAL, ADAPTER = "the adapter's trial", "adapter.py"


def tried(session: "Session", by_part: Mapping[str, Section]) -> dict[str, dict[str, Tried]]:
    """Return, by part and by name, what came of binding what is proposed for it.

    The notebook runs once as it is, and once with all that is proposed. A name that no question
    was found to lack, or whose questions then lack another one, is not in it: nothing is known.

    Raises
    ------
    NotIsolated
        If this machine cannot run student code as the session requires.
    """
    found = {}
    for name, section in by_part.items():
        proposed = preflight.to_bind(section) if section.has_code else {}
        if proposed:
            before, after = _notes(session, section), _notes(session, _bound(section, proposed))
            found[name] = dict(_outcomes(proposed, before, after))
    return found


def _bound(section: Section, proposed: Mapping[str, str]) -> Section:
    """The section of a submission whose adapter binds these names as well."""
    whole, lines = section.submission, [f"{name} = {own}" for name, own in proposed.items()]
    adapter = b"\n".join([whole.files.get(ADAPTER, b""), *(line.encode() for line in lines)])
    bound = replace(whole, files={**whole.files, ADAPTER: adapter})
    return sections.sections(section.assignment, bound)[section.part.name]


def _notes(session: "Session", section: Section) -> dict[str, Any]:
    """How each question was answered in one run; none where nothing came back."""
    runs = plan.runs({section.part.name: section})[:1]
    jobs = assemble_all({section.part.name: section}, runs, session.secret)
    [record] = session.execute(TRIAL, jobs)
    files = session.store.files(record.key) if session.store.has(record.key) else {}
    return {
        name: note
        for name, content in files.items()
        if name.startswith("evidence/") and name.endswith(".json")
        if isinstance(note := _read(content), dict)
    }


def _read(content: bytes) -> Any:
    try:
        return read_json(content)
    except Refused:
        return None


def _outcomes(
    proposed: Mapping[str, str], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Tried]]:
    for name in proposed:
        lacked = [question for question, note in before.items() if note.get("absent") == name]
        notes = [after.get(question, {}) for question in lacked]
        answered = sum(note.get("status") == "answered" for note in notes)
        raised = [note.get("error", "") for note in notes if note.get("status") == "raised"]
        if answered or raised:
            yield name, Tried(answered, len(lacked), str(raised[0]) if raised else "")
