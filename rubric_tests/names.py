"""What a submission is asked for by name: the one table behind the contract's pages.

    python -m rubric_tests.names

prints the tables as they stand in docs/contract.md.
"""

from importlib import import_module

from assay.rubric import table

PARTS = ("part1", "part2")


def main() -> None:
    for part in PARTS:
        names = import_module(f"rubric_tests.{part}.names")
        print(f"\n{part}\n\n{table(names.NAMES)}")


if __name__ == "__main__":
    main()
