"""JUnit XML, as CI servers read it: a test suite for each part, a test case for each property."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from assay.records import Criterion, Property, Result, Verdict
from assay.report import safe, summary

ELEMENTS = {
    Verdict.FAILED: "failure",
    Verdict.NOT_ANSWERED: "failure",
    Verdict.NOT_JUDGED: "error",
    Verdict.UNDECIDED: "skipped",
    Verdict.FOR_REVIEW: "skipped",
    Verdict.SET_ASIDE: "skipped",
    Verdict.NOT_ASKED: "skipped",
}
"""`error` is our own fault; `skipped` is what costs nothing yet."""


def xml(results: Sequence[Result]) -> str:
    """Return all results as one document."""
    root = ET.Element("testsuites", name="assay")
    for result in results:
        suites = [_part(result, part.name) for part in result.parts] or [_not_graded(result)]
        root.extend(suites)
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _part(result: Result, part: str) -> ET.Element:
    cases = [
        _case(criterion, prop)
        for criterion in result.criteria
        if criterion.part == part
        for prop in criterion.properties
    ]
    seconds = sum(record.seconds for record in result.runs if record.run.part == part)
    return _suite(f"{result.submission}/{part}", cases, seconds)


def _suite(name: str, cases: Sequence[ET.Element], seconds: float) -> ET.Element:
    counts = {
        f"{kind}{'' if kind == 'skipped' else 's'}": sum(
            1 for c in cases if c.find(kind) is not None
        )
        for kind in ("failure", "error", "skipped")
    }
    suite = ET.Element("testsuite", name=safe.xml(safe.plain(name)), tests=str(len(cases)))
    for count, value in counts.items():
        suite.set(count, str(value))
    suite.set("time", f"{seconds:.3f}")
    suite.extend(cases)
    return suite


def _case(criterion: Criterion, prop: Property) -> ET.Element:
    place = f"{criterion.part}.{criterion.name}"
    case = ET.Element("testcase", classname=place, name=safe.xml(safe.plain(prop.title)))
    if kind := ELEMENTS.get(prop.verdict):
        case.append(_told(kind, str(prop.verdict), summary.reason(prop), _details(prop)))
    if summary.state(criterion) == "partly" and prop.verdict is Verdict.PASSED:
        said = f"partly: {summary.mark(criterion)} of {summary.points(criterion.points)} points"
        ET.SubElement(case, "system-out").text = safe.xml(said)
    return case


def _told(kind: str, of_type: str, message: str, details: str) -> ET.Element:
    element = ET.Element(kind, type=of_type, message=safe.xml(safe.plain(message)))
    element.text = safe.xml(details) or None
    return element


def _details(prop: Property) -> str:
    """Return how often it held, the hint, and the reason in each run in which it did not."""
    lines = [f"held in {prop.held} of {prop.judged}"] if prop.judged else []
    lines += [f"hint: {prop.hint}"] if prop.hint else []
    return "\n".join([*lines, *(f"{run}: {reason}" for run, reason in prop.where.items())])


def _not_graded(result: Result) -> ET.Element:
    case = ET.Element("testcase", classname="submission", name="It can be graded")
    case.append(_told("error", "not graded", "; ".join(result.not_graded), ""))
    return _suite(result.submission, [case], 0.0)
