"""Photograph reports as people meet them: on a workdir, on a phone, in the dark, on paper.

    python -m docs.screenshots reports/ada/index.html … --out shots

Look at them before a change of a template or of the style is kept.
"""

import argparse
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "dark phone": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "color_scheme": "dark",
    },
}


def executable() -> str | None:
    """Where the machine's own Chromium is: playwright's would have to be downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(),
            args=["--no-sandbox", "--disable-gpu"],  # as root in a container there is no other way
        )
        yield browser
        browser.close()


def photograph(browser: Browser, page: Path, out: Path) -> None:
    """PNG files of the whole page, and a PDF as it would be printed."""
    out.mkdir(parents=True, exist_ok=True)
    name = page.parent.name
    for look, settings in LOOKS.items():
        context = browser.new_context(**settings)
        tab = context.new_page()
        tab.goto(page.resolve().as_uri())
        tab.screenshot(path=out / f"{name}-{look}.png", full_page=True)
        if look == "desktop":
            tab.pdf(path=out / f"{name}-print.pdf", format="A4", prefer_css_page_size=True)
        context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("reports/screenshots"))
    asked = parser.parse_args()
    with chromium() as browser:
        for page in asked.pages:
            photograph(browser, page, asked.out)


if __name__ == "__main__":
    main()
