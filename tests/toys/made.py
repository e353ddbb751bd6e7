"""A result whose every field that a student writes holds the same text, and hostile texts."""

import re
from typing import Any

from assay.records import (
    Cell,
    Claim,
    Criterion,
    Drawing,
    Figure,
    Measurement,
    Outcome,
    PartSummary,
    Property,
    Result,
    Run,
    RunRecord,
    Tally,
    Verdict,
    Written,
)

HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an SVG handler": "<svg onload=alert(1)>",
    "a comment": "<!-- gone",
    "an entity": "&lt;b&gt; &#60;",
    "a link": "[free points](javascript:alert(1))",
    "the end of a link": "](javascript:alert(1))",
    "a reference": "[a][b]",
    "an image": "![x](https://evil.example/x.png)",
    "an address": "see https://evil.example/x and www.evil.example",
    "an address in angles": "<https://evil.example>",
    "a table": "a | b || c\n|---|---|\n| 100/100 |",
    "a heading": "x\n# Passed\n\n## 100/100",
    "emphasis": "*a* _b_ **c** ~~d~~ ***e***",
    "code": "`a` ``b`` ```c```",
    "the end of a fence": "x\n```\n# Passed\n````\n`````",
    "a fence of tildes": "~~~\nx\n~~~",
    "escapes": "\\* \\| \\\\ \\`",
    "an ANSI escape": "\x1b[2J\x1b[32mPASSED\x1b[0m",
    "an OSC escape": "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "an 8 bit escape": "\x9b31mred",
    "a window title": "\x1b]0;owned\x07",
    "bells and backspaces": "10/10\x08\x08\x08\x08\x080/10\x07",
    "a carriage return": "0/10\r10/10",
    "a null": "a\0b",
    "right to left": "\u202e01/01 dessap\u202c",
    "isolates": "\u2066a\u2069\u2067b\u2068",
    "marks": "\u200e\u200f\u061c\u200b\u200d\ufeff",
    "line separators": "a\u2028b\u2029c\u0085d\x0be\x0cf",
    "a formula": '=HYPERLINK("https://evil.example")',
    "a template": "{{ 7 * 7 }}{% raw %}{# x #}",
    "details": "</details></td></table>",
    "very long": "x" * 100_000,
}

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


def made(text: str = "fine", seeds: tuple[int, ...] = (0, 1), **changes: Any) -> Result:
    """A result whose every student-written field holds `text`."""
    runs = [
        RunRecord(
            run=Run(part="sums", parameters={"seed": seed, "dataset": column}),
            key="ab" * 32,
            outcome=Outcome.CELL_FAILED,
            reason=f"cell 2 raised {text}",
            seconds=1.0,
            cells=[
                Cell(number=2, source=text, seconds=0.5, error=text, traceback=text, megabytes=99.5)
            ],
            numerics={"numpy": "2"},
        )
        for column in ("a", "b")
        for seed in seeds
    ]
    missed = Property(
        name="test_add.test_adds", title="The sum is the sum", verdict=Verdict.FAILED,
        held=3, judged=4, reason=text, hint=text, where={"sums/a/seed-1": text},
        claim=Claim(measure="accuracy", at_least=0.5),
    )  # fmt: skip
    numbers = [
        Measurement(part="sums", run=r.run.id, name="accuracy", value=0.9 + 0.01 * n)
        for n, r in enumerate(runs)
    ]
    matrices = (
        [
            Measurement(part="sums", run=runs[0].run.id, name=name, value=[[1.0, 0.0], [0.5, 0.5]])
            for name in ("weights", "as they should be")
        ]
        if runs
        else []
    )
    curves = [
        Measurement(part="sums", run=r.run.id, name="loss", value=[1.0, 0.5], x=[1.0, 2.0])
        for r in runs
    ]
    fields: dict[str, Any] = {
        "assignment": "Toy",
        "submission": text,
        "digest": "0" * 64,
        "isolation": "none",
        "parts": [PartSummary(name="sums", title="Sums", notebook="sums.ipynb", figures=FIGURES)],
        "runs": runs,
        "criteria": [criterion(Verdict.FAILED, 1.5, missed)],
        "measurements": numbers + curves + matrices,
        "written": [Written(part="sums", criterion="add", heading=text, text=text)],
        "drawings": [Drawing(part="sums", run=None, title=text, source=text)],
        "tallies": [Tally(run=r.run.id, held=9, judged=10) for r in runs],
    }
    return Result(**(fields | changes))


def criterion(verdict: Verdict, earned: float | None, *properties: Property) -> Criterion:
    return Criterion(
        part="sums", name="add", title="Adding", points=2.0, earned=earned, verdict=verdict,
        judged=0.0 if earned is None else 2.0, properties=list(properties),
    )  # fmt: skip


FIGURES = [
    Figure(kind="curves", name="loss", title="Loss", measurement="loss", x_label="step"),
    Figure(kind="pairs", name="both", title="Both", measurement="accuracy", against="accuracy"),
    Figure(kind="map", name="map", title="Map", measurement="weights", against="as they should be"),
    Figure(kind="curves", name="none", title="None", measurement="never measured"),
]
