"""What a submission is asked for by name: the one table behind the contract's pages.

    python -m rubric_tests.names

prints the tables as they stand in docs/contract.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

PARTS = ("part1", "part2")


@dataclass(frozen=True)
class Row:
    """A line of the table: names that belong together, how they are called, what they mean.

    `names` are looked up in a submission; a row without any describes what the names above it
    have. `call` is '' for a value. `optional` names are asked for and not missed.
    """

    names: tuple[str, ...]
    call: str
    meaning: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return f"`{', '.join(self.names)}{self.call}`"


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [f"| {row.shown} | {_meaning(row)} |" for row in rows]
    return "\n".join(["| name | meaning |", "|---|---|", *lines])


def _meaning(row: Row) -> str:
    return f"{row.meaning} (optional)" if row.optional else row.meaning


def main() -> None:
    for part in PARTS:
        names = import_module(f"rubric_tests.{part}.names")
        print(f"\n{part}\n\n{table(names.NAMES)}")


if __name__ == "__main__":
    main()
