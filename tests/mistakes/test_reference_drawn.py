"""Every figure that the reference draws is a picture in its notebook as it ran."""

import base64
import json

import pytest

from assay.execution.job import assemble
from assay.report.executed import readable
from assay.submission import plan, submission
from tests.mistakes.grading import ROOT, one_part
from tests.toys.shared import execute

MATRIX = {"part1": {"dataset": ["penguins"]}, "part2": {"task": ["reverse-5"]}}
DRAWN = {"part1": 8, "part2": 6}


@pytest.mark.thorough
@pytest.mark.parametrize("part", DRAWN)
def test_every_figure_of_the_reference_is_a_picture(part: str):
    """No `<Figure size ...>` stands in a report without its plot."""
    assignment, handed_in = one_part(part, [0], MATRIX[part]), submission.read(ROOT)
    planned = plan.make(assignment, handed_in)
    job = assemble(planned.sections[planned.pending[0].part], planned.pending[0])
    executed = readable(execute(job.packed).files["executed.ipynb"])
    outputs = [o for c in json.loads(executed)["cells"] for o in c.get("outputs", [])]
    shown = [output["data"] for output in outputs if "data" in output]
    drawn = [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]
    promised = [data for data in shown if "<Figure" in "".join(data.get("text/plain", ""))]

    assert all("image/png" in data for data in promised)
    assert all(picture.startswith(b"\x89PNG") for picture in drawn)
    assert len(drawn) == DRAWN[part]
