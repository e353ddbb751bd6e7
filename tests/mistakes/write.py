"""Write the known mistakes out as submissions, for `assay calibrate --against`.

python -m tests.mistakes.write FOLDER [part1|part2 ...]
"""

import re
import sys
from pathlib import Path

from assay.evidence.packing import write
from tests.mistakes import part1, part2
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT

CASES = {"part1": part1.CASES, "part2": part2.CASES}


def main(folder: Path, parts: list[str]) -> None:
    """A folder for each mistake of these parts."""
    for part in parts or CASES:
        right = short_submission(ROOT, part)
        for case in CASES[part]:
            if case.loses:
                name = re.sub(r"\W+", "-", f"{part} {case.name}").strip("-")
                write(case.apply(right), folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
