"""The notebook as it ran, for a person to read."""

import json

import nbformat
import pytest

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

    assert notebook["metadata"]["language_info"] == {"name": "python"}


def shown(*cells: dict) -> dict:
    return json.loads(readable(json.dumps({"cells": cells, "metadata": {}}).encode()))


def output(**data: str) -> dict:
    kinds = {kind.replace("__", "/"): text for kind, text in data.items()}
    return {"output_type": "display_data", "data": kinds, "metadata": {"isolated": True}}


ACTING = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    "data",
    [
        {"text/html": ACTING},
        {"text/html": ACTING, "text/plain": "a table"},
        {"application/javascript": "alert(1)"},
        {"application/vnd.jupyter.widget-view+json": '{"model_id": "alert(1)"}'},
        {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'>{ACTING}</svg>"},
        {"image/svg+xml": ACTING},
        {"image/png": ACTING},
        {"image/gif": ACTING},
        {"text/latex": "$\\href{javascript:alert(1)}{x}$"},
        {"text/markdown": f"{ACTING} [x](javascript:alert(1))"},
    ],
    ids=lambda data: " ".join(data),
)
def test_no_output_acts(data: dict):
    """HTML, scripts, widgets and handlers are not in the page; words and pictures are."""
    made = cell("x") | {"outputs": [{"output_type": "execute_result", "data": data}]}
    (code,) = shown(made)["cells"]
    (output,) = code["outputs"]

    assert output["output_type"] == "display_data"
    assert set(output["data"]) <= {"text/plain", "text/markdown", "image/png", "image/svg+xml"}
    assert "<script" not in json.dumps(
        {k: v for k, v in output["data"].items() if k != "text/plain"}
    )
    assert "](javascript" not in output["data"].get("text/markdown", "")


def test_markdown_cells_act_in_no_way():
    """And pictures that were pasted into them are drawn anew, or left out."""
    made = {
        "cell_type": "markdown",
        "source": f"# Title\n{ACTING}\n[x](javascript:alert(1))",
        "metadata": {"x": ACTING},
        "attachments": {"a.png": {"image/png": "bm8="}, "b.svg": {"image/svg+xml": ACTING}},
    }
    page = shown(made)

    assert page["cells"][0]["source"].startswith("# Title\n")
    assert "<script" not in json.dumps(page)
    assert "](javascript" not in json.dumps(page)
    assert "attachments" not in page["cells"][0]


def test_raw_cells_are_shown_and_not_passed_on():
    """Some readers take them for HTML."""
    (made,) = shown({"cell_type": "raw", "source": ACTING, "metadata": {}})["cells"]

    assert made["cell_type"] == "markdown"
    assert made["source"] == f"```text\n{ACTING}\n```"


def test_streams_and_errors_are_text_without_escapes():
    """Colours are gone, words are there."""
    stream = {"output_type": "stream", "name": "stdout", "text": ["\x1b]0;owned\x07hi\n", "\x9b2J"]}
    error = {
        "output_type": "error",
        "ename": "E\x1b[31m",
        "evalue": "\u202eno",
        "traceback": ["\x1b"],
    }
    (made,) = shown(cell("x") | {"outputs": [stream, error]})["cells"]

    assert made["outputs"][0]["text"] == "hi\n�2J"
    assert not set("\x1b\x9b\u202e\x07") & set(json.dumps(made, ensure_ascii=False))


def test_only_known_metadata_comes_along():
    """Widget state, kernel names and what else a notebook carries stay behind."""
    page = json.loads(
        readable(
            json.dumps({"cells": [], "metadata": {"widgets": {"state": ACTING}}, "x": 1}).encode()
        )
    )

    assert set(page["metadata"]) == {"kernelspec", "language_info"}
    assert set(page) == {"cells", "metadata", "nbformat", "nbformat_minor"}


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"cells": 5}', b'{"cells": [{"cell_type": "code"}]}', b"[" * 10**5]
)
def test_a_notebook_that_is_none_has_a_page_too(content: bytes):
    """A forged one costs its reader nothing but the sight of it."""
    (made,) = json.loads(readable(content))["cells"]

    assert made["source"] == "(the notebook as it ran cannot be shown)"


def test_every_page_is_a_valid_notebook():
    """As the format's own schema has it."""
    plain = [output(text__plain="x"), {"output_type": "stream", "name": "stdout", "text": "y"}]
    page = shown(
        cell("x", "a") | {"outputs": plain}, {"cell_type": "raw", "source": "r", "metadata": {}}
    )

    nbformat.validate(page)
