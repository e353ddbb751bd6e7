"""The check in a real JupyterLab: it finds its notebook, and sees what is not saved."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

pytest.importorskip("playwright", reason="`pip install -e '.[browser]'` brings it")
pytest.importorskip("jupyterlab", reason="`pip install -e '.[browser]'` brings it")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from assay.handout import make, put
from assay.submission.submission import read
from tests.handout import courses
from tests.review.ports import free_port
from tests.toys import toy as toys

TABLE = ".jp-Cell:last-child .jp-OutputArea table"
PATIENCE = 240_000
"""Milliseconds: a kernel starts, and a notebook is run twice."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A handout with a wrong answer in it, which checks itself."""
    path = tmp_path / "Ada's Übung 1"
    with courses.course(tmp_path / "course") as course:
        put.put(make.make(course), path)
    content = toys.notebook(toys.PARAMETERS, courses.WRONG, "%load_ext assay\n%assay check")
    book = json.loads(content)
    book["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    (path / "notebooks" / "sums.ipynb").write_text(json.dumps(book, indent=1))
    return path


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"])
def lab(folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a JupyterLab in that folder, with settings of its own."""
    settings = tmp_path / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "themes.jupyterlab-settings").write_text(f'{{"theme": "{request.param}"}}')
    port = free_port()
    options = [f"--ServerApp.port={port}", "--IdentityProvider.token=t", "--allow-root"]
    places = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    served = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", *options],
        cwd=folder,
        env=os.environ | places | {"JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api?token=t", served)
        yield f"{address}/lab/tree/notebooks/sums.ipynb?token=t"
    finally:
        served.terminate()
        served.wait(120)


def _wait_for(address: str, served: "subprocess.Popen[bytes]") -> None:
    for _ in range(240):
        assert served.poll() is None, "JupyterLab ended"
        try:
            urlopen(address, timeout=5).close()
        except (URLError, OSError):
            time.sleep(0.5)
        else:
            return
    raise AssertionError("JupyterLab does not answer")


@pytest.fixture
def page(browser: Browser, lab: str) -> Iterator[Page]:
    tab = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    tab.set_default_timeout(PATIENCE)
    tab.goto(lab)
    tab.locator(".jp-Notebook").wait_for()
    chosen = tab.locator(".jp-Dialog .jp-mod-accept")
    with suppress(PlaywrightTimeout):  # which kernel: asked, or not, as JupyterLab's release has it
        chosen.wait_for(timeout=10_000)
        chosen.click()
    yield tab
    tab.context.close()


def run_all(page: Page) -> None:
    page.locator("#jp-MainMenu").get_by_text("Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()


def test_the_notebook_checks_itself(page: Page, folder: Path, tmp_path: Path):
    """A table with the sentence of grading; it knows of what is not saved, and is taken out."""
    run_all(page)
    table = page.locator(TABLE)
    expect(table).to_contain_text(courses.MISTAKE, timeout=PATIENCE)
    expect(table.locator("caption")).to_contain_text("sums.ipynb")
    page.locator(".jp-Cell").last.screenshot(path=tmp_path / "wrong.png")
    found: Any = Axe().run(page, context=".jp-Cell:last-child .jp-OutputArea-output")

    assert found.response["violations"] == [], found.generate_report()
    assert page.get_by_text("There are unsaved changes").count() == 0

    page.locator(".jp-Cell").nth(1).locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(courses.RIGHT)
    run_all(page)
    expect(page.get_by_text("There are unsaved changes")).to_be_visible(timeout=PATIENCE)
    expect(table).to_contain_text(courses.MISTAKE)
    page.locator(".jp-Cell").last.screenshot(path=tmp_path / "unsaved.png")

    page.keyboard.press("Control+S")
    page.wait_for_timeout(2_000)
    run_all(page)
    expect(page.locator(".jp-Cell").last).to_contain_text("2/2 judged", timeout=PATIENCE)
    assert page.get_by_text("There are unsaved changes").count() == 0
    page.locator(".jp-Cell").last.screenshot(path=tmp_path / "right.png")
    page.keyboard.press("Control+S")
    page.wait_for_timeout(2_000)
    saved = (folder / "notebooks" / "sums.ipynb").read_bytes()
    graded = read(folder).files["notebooks/sums.ipynb"]

    assert b"%assay check" in saved
    assert b"<table>" in saved
    assert b"assay" not in graded
    assert b"<table>" not in graded
