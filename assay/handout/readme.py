"""The README of a handout: what to hand in, how to check it, how it is marked."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from assay.autograder.bundle import WHEEL
from assay.course import rubric
from assay.course.assignment import Assignment, Part
from assay.handout import criteria
from assay.handout.tried import FOLDER
from assay.rubric import Row, table

PROGRAM = f"{FOLDER}/{WHEEL}"
"""assay itself, as it made the handout: no index of packages need have it."""


def text(assignment: Assignment, files: Mapping[str, bytes]) -> str:
    """Return the README, in Markdown; `files` are those that lie beside it."""
    pieces = [
        f"# {assignment.title}",
        _begin(files),
        _try(files),
        _hand_in(assignment, files),
        _how_it_is_run(assignment),
        *(piece for part in assignment.part for piece in _part(assignment, part)),
    ]
    return "\n\n".join(piece.strip() for piece in pieces if piece.strip()) + "\n"


def _begin(files: Mapping[str, bytes]) -> str:
    """How to get it to run."""
    stubs = [name for name in files if name.startswith("solution/") and name.endswith(".py")]
    more = """\

The functions and classes in `solution/` are empty: each says what it is for. They show how the
course's own answer is cut up. Fill them, change them or delete them, and with them the imports in
the notebook; only the names listed below are asked for, and they may be defined in the notebook as
well.
"""
    install = """
```
pip install -r requirements.txt
```

installs what your notebook is run with when it is marked, in the same versions.
"""
    return f"""\
## Begin
{install if "requirements.txt" in files else ""}
It is run with {_python()}. Open the notebook in Jupyter, VS Code or Colab. Where it says
`# Your code here`, put your code in place of both lines; where it says *Your answer here*, your own
words. You may add, merge and delete cells, but keep the cell that is tagged `parameters`, and the
headings: by them your answers are found.
{more if stubs else ""}"""


def _try(files: Mapping[str, bytes]) -> str:
    """How to run the public questions, if there are any."""
    if not any(name.startswith("check/") for name in files):
        return ""
    return f"""\
## Try it

```
pip install ./{PROGRAM}
assay try
```

The first line installs the program, once. The second, in this folder, runs your notebook with the
first seed and each value that it is varied by, on your own machine and on any system, and puts the
public questions to it. What it says of a criterion is what is said when your work is marked.
Criteria without a public question are marked later. Leave the folder `{FOLDER}/` as it is; it need
not be handed in.

`assay check` runs nothing: in seconds it says whether your notebook can be read, and what of it is
not there where it is marked. In the notebook itself, cells with `%load_ext assay` and
`%assay check` do what `assay try` does, with that notebook as it is saved; they may stay in it. In
Colab, unzip this folder into the current one, and install with `%pip` in place of `pip`.
"""


def _python() -> str:
    return f"Python {sys.version_info.major}.{sys.version_info.minor}"


def _hand_in(assignment: Assignment, files: Mapping[str, bytes]) -> str:
    books = [f"- `{part.notebook}`" for part in assignment.part]
    books += (
        ["- `solution/`, if you use it"] if any(n.startswith("solution/") for n in files) else []
    )
    books += ["- `adapter.py`, only if your names differ"] if "adapter.py" in files else []
    listed = "\n".join(dict.fromkeys(books))
    return f"""\
## Hand in

One zip of this folder, or only what you changed:

{listed}

Before you do: restart the kernel, run all cells from the top, and see that none raises an error.
Data files that your notebook reads belong beside it. Paths like `C:\\Users\\...` or a mounted drive
exist only on your machine; `!pip install` does nothing where it is marked.
"""


def _how_it_is_run(assignment: Assignment) -> str:
    runs = [_runs(part) for part in assignment.part]
    limits = assignment.limits
    return f"""\
## How it is run

{chr(10).join(runs)}

The values of the cell tagged `parameters` are replaced for each run, so let everything that is
random follow `seed`. There is no network. A cell may compute for {limits.cell_seconds:g} s, a whole
run for {limits.run_seconds:g} s, and use {limits.memory_mb:g} MB of memory.

After your last cell your own functions are called with new inputs, and what they return is checked.
What your notebook prints is not believed. A property that holds in some of the runs only earns that
share of its points, and a mistake that spoils several answers costs points once.
"""


def _runs(part: Part) -> str:
    count = len(part.seeds) * len(list(product(*part.matrix.values())))
    varied = [f"{len(part.seeds)} seed{'s' * (len(part.seeds) > 1)}"]
    for name, values in part.matrix.items():
        shown = ", ".join(f"`{value}`" for value in values)
        varied.append(f"`{name}` each of {shown}")
    return f"- {part.title}: {count} run{'s' * (count > 1)}, {'; '.join(varied)}."


def _part(assignment: Assignment, part: Part) -> Iterator[str]:
    total = sum(criterion.points for criterion in part.criterion)
    yield f"## {part.title}\n\nNotebook: `{part.notebook}`. {_points(total)} in all."
    yield _names(rubric.names(assignment, part), rubric.instead(assignment, part))
    asked = criteria.asked(assignment, part)
    lines = ["### How it is marked", "", "| criterion | points | what is asked |", "|---|---:|---|"]
    for criterion in part.criterion:
        about = asked.get(criterion.name, criteria.Asked())
        said = " ".join(about.lines) + (" *Read by a person.*" if about.by_a_person else "")
        said += " *You can try it.*" if about.public else ""
        cells = (criterion.title, f"{criterion.points:g}", said.strip())
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    yield "\n".join(lines)


def _points(number: float) -> str:
    return f"{number:g} point{'s' * (number != 1)}"


def _names(rows: Sequence[rubric.Row], instead: Mapping[str, Sequence[rubric.Row]]) -> str:
    if not rows:
        return ""
    pieces = ["### What it has to name", table(_for_table(rows))]
    for name, others in instead.items():
        pieces += [f"Or, instead of `{name}`:", table(_for_table(others))]
    return "\n\n".join(pieces)


def _for_table(rows: Sequence[rubric.Row]) -> list[Row]:
    return [Row(r.names, r.call, r.meaning, r.optional) for r in rows]


def _cell(said: str) -> str:
    return said.replace("|", "\\|").replace("\n", " ")
