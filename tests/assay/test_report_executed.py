"""The notebook as it ran, for a person to read."""

import json

from assay.report.executed import readable


def cell(source: str, *tags: str) -> dict:
    metadata = {"tags": list(tags), "papermill": {"duration": 0.1}, "execution": {}}
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": []}


def executed(path: str) -> bytes:
    metadata = {"papermill": {"input_path": path}, "language_info": {"name": "python"}}
    notebook = {"cells": [cell("1 + 1", "parameters"), cell("sit()", "assay-exam")]}
    return json.dumps(notebook | {"metadata": metadata}).encode()


def test_two_equal_runs_read_the_same():
    """The folder it ran in and the time it took are not in it."""
    assert readable(executed("here/a.ipynb")) == readable(executed("there/b.ipynb"))


def test_only_the_students_cells_are_shown():
    """The exam is ours; tags of the student's own cells stay."""
    (shown,) = json.loads(readable(executed("a.ipynb")))["cells"]

    assert shown["source"] == "1 + 1"
    assert shown["metadata"] == {"tags": ["parameters"]}


def test_what_a_reader_needs_stays():
    """The language, for colours, is not bookkeeping."""
    notebook = json.loads(readable(executed("a.ipynb")))

    assert notebook["metadata"] == {"language_info": {"name": "python"}}
