"""docs/ is a site: it builds without a warning, and loads nothing from another host."""

import html
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import assay
import assay.rubric
from tests.toys.once import once

ROOT = Path(__file__).parents[1]
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)[^>]*?\ssrc=["']?([^"'\s>]+)"""
    r"""|<link[^>]*?\srel="?(?:stylesheet|icon|preload|preconnect)"?[^>]*?\shref="?([^"\s>]+)"""
    r"""|<link[^>]*?\shref="?([^"\s>]+)"?[^>]*?\srel="?(?:stylesheet|icon|preload|preconnect)"""
    r"""|url\(["']?(?!data:)([^"')]+)|@import\s+["']([^"']+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `nox -s docs` builds it."""
    return once(tmp_path_factory, "site", build)


def build(folder: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert built.returncode == 0, built.stderr


def test_every_page_has_its_place(site: Path):
    """Each Markdown file of docs/ is a page, and stands in the navigation once."""
    pages = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]

    assert set(pages) <= {path.stem for path in site.glob("*.html")}
    assert pages == sorted(re.findall(r"'([\w-]+)\.md'", str(navigation)))


def test_nothing_is_loaded_from_another_host(site: Path):
    """Scripts, styles, fonts and pictures are all in the site."""
    loaded = {
        next(filter(None, found))
        for path in [*site.rglob("*.html"), *site.rglob("*.css")]
        for found in LOADED.findall(path.read_text())
    }

    assert loaded
    assert [address for address in loaded if re.match(r"\w+:|//", address)] == []


def test_every_name_of_the_library_is_documented_from_its_docstring(site: Path):
    """docs/api.md has each, with its signature, and what its docstring says first."""
    page = html.unescape((site / "api.html").read_text())
    first = {name: inspect.getdoc(getattr(assay, name)).splitlines()[0] for name in assay.__all__}

    assert [name for name in first if f'id="assay.{name}"' not in page] == []
    text = re.sub(r"<[^>]+>", "", page)
    assert [name for name in first if first[name].replace("`", "") not in text] == []
    assert [
        part for part in ("require_isolation", "grade_all", "not_graded") if part not in text
    ] == []


def test_every_name_of_a_rubric_is_documented_from_its_docstring(site: Path):
    """docs/rubric-library.md has each, and no other."""
    page = (site / "rubric-library.html").read_text()
    documented = set(re.findall(r'<h3 id="assay\.rubric\.(\w+)"', page))

    assert documented == set(assay.rubric.__all__)
