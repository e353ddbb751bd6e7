"""The Markdown report: an index page and one page a seed."""

from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from assay.records import Result
from assay.report import cells, safe, summary
from assay.report.view import View


def pages(result: Result, beside: Sequence[str]) -> dict[str, str]:
    """Return the text of every page by its file name; files that stand `beside` them are linked."""
    index = _template("index.md.j2").render(result=result, beside=beside, view=View(result))
    seeds = sorted({record.run.seed for record in result.runs})
    seed_page = _template("seed.md.j2")
    return {"index.md": index} | {
        f"seed-{seed}.md": seed_page.render(result=result, seed=seed, view=View(result))
        for seed in seeds
    }


@lru_cache
def _template(name: str) -> Template:
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
        "once": summary.once,
        "reason": summary.reason,
        "reasons": summary.reasons,
        "sign": summary.sign,
        "state": summary.state,
        "excuse": summary.excuse,
        "traceback": lambda cell: cells.cleaned(cell.traceback, cell.number),
    }
    return environment.get_template(name)
