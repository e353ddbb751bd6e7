"""The Markdown report: an index page and one page a seed."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.judge.statistics import mean_interval
from assay.records import Measurement, Outcome, PartSummary, Property, Result, RunRecord
from assay.report import safe, summary


def pages(result: Result, beside: Sequence[str]) -> dict[str, str]:
    """The text of every page by its file name; files that stand `beside` them are linked."""
    index = _template("index.md.j2").render(result=result, beside=beside, view=View(result))
    seeds = sorted({record.run.seed for record in result.runs})
    seed_page = _template("seed.md.j2")
    return {"index.md": index} | {
        f"seed-{seed}.md": seed_page.render(result=result, seed=seed, view=View(result))
        for seed in seeds
    }


def _template(name: str) -> Any:
    environment = Environment(
        loader=PackageLoader("assay.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: "" if value is None else value,
        autoescape=False,  # Markdown: student text goes through `md` or `code_block`, ours does not
    )
    environment.filters |= {
        "md": safe.markdown,
        "html": safe.html,
        "ours": lambda text: text.replace("|", r"\|"),
        "code_block": safe.code_block,
        "points": summary.points,
        "mark": summary.mark,
        "reason": summary.reason,
        "reasons": summary.reasons,
        "sign": summary.sign,
    }
    return environment.get_template(name)


class View:
    """What the templates look up in a result."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self.totals = summary.totals(result)
        self.matrix = summary.matrix_in_words(result)

    def records(self, part: str, seed: int | None = None) -> list[RunRecord]:
        """The runs of a part, of one seed or of all."""
        runs = [r for r in self._result.runs if r.run.part == part]
        return [r for r in runs if seed is None or r.run.seed == seed]

    def columns(self, part: str) -> list[str]:
        return list(dict.fromkeys(r.run.column for r in self.records(part)))

    def seeds(self, part: str) -> list[int]:
        return list(dict.fromkeys(r.run.seed for r in self.records(part)))

    def criteria(self, part: str) -> list[Any]:
        return [c for c in self._result.criteria if c.part == part]

    def cell(self, part: str, seed: int, column: str) -> str:
        """One square of the grid: all held, how many did not, or how the run ended."""
        record = next((r for r in self.records(part, seed) if r.run.column == column), None)
        if record is None:
            return ""
        missed = len(self.missed(part, record.run.id))
        if record.outcome not in (Outcome.COMPLETED, Outcome.CELL_FAILED):
            return f"{record.outcome}"
        return "✓" if missed == 0 else f"✗ {missed}"

    def missed(self, part: str, run: str) -> list[Property]:
        """The properties that did not hold in this run."""
        properties = [p for c in self.criteria(part) for p in c.properties]
        return [p for p in properties if run in p.where]

    def numbers(self, part: str, run: str) -> list[Measurement]:
        """The single numbers measured in this run."""
        return [m for m in self._of(part) if m.run == run and isinstance(m.value, float)]

    def spread(self, part: str) -> list[dict[str, Any]]:
        """Each number's mean over seeds with its 95 % interval, and its extremes, by column."""
        column_of = {r.run.id: r.run.column for r in self.records(part)}
        groups: dict[tuple[str, str], list[float]] = {}
        for m in self._of(part):
            if m.run in column_of and isinstance(m.value, float):
                groups.setdefault((m.name, column_of[m.run]), []).append(m.value)
        return [_spread(name, column, values) for (name, column), values in groups.items()]

    def overall(self, part: str) -> list[tuple[str, str]]:
        """What was measured over all runs together: a number, or an interval of two."""
        over_all = [(m.name, m.value) for m in self._of(part) if m.run is None]
        numbers = [(name, f"{v:.4g}") for name, v in over_all if isinstance(v, float)]
        pairs = [(name, v) for name, v in over_all if isinstance(v, list) and len(v) == 2]
        return numbers + [(name, f"{low:.4g} to {high:.4g}") for name, (low, high) in pairs]

    def figures(self, part: PartSummary, drawn: list[str]) -> list[tuple[str, str]]:
        """Title and file name of the part's figures that were drawn."""
        named = [(f.title, f"{part.name}-{f.name}.png") for f in part.figures]
        return [(title, name) for title, name in named if name in drawn]

    def _of(self, part: str) -> list[Measurement]:
        return [m for m in self._result.measurements if m.part == part]


def _spread(name: str, column: str, values: list[float]) -> dict[str, Any]:
    mean, low, high = mean_interval(values)
    return {
        "name": name,
        "column": column,
        "count": len(values),
        "mean": mean,
        "low": low,
        "high": high,
        "least": min(values),
        "most": max(values),
    }
