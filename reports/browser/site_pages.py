"""Open every page of the documentation site in Chromium: `python -m browser.site_pages FOLDER`.

A page that is wider than a window, that reports an error or cannot load a file, makes it fail.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page

from browser.chromium import launch_chromium

WIDTHS = (1400, 400)
"""The windows, in pixels: a desk and a phone."""


def find_mistakes(page: Page, file: Path, width: int) -> list[str]:
    """Open a page in a window of a width and return what is wrong with it."""
    wrong: list[str] = []
    page.once("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.set_viewport_size({"width": width, "height": 900})
    failed = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.goto(file.as_uri())
    wrong += [f"cannot load {url}" for url in failed if url.startswith("file:")]
    extent = int(page.evaluate("document.documentElement.scrollWidth"))
    if extent > width:
        wrong.append(f"is {extent} pixels wide in a window of {width}")
    if file.name != "search.html" and not page.locator("h1").count():
        wrong.append("has no heading")
    return wrong


def main(folder: Path) -> int:
    """Open every page at every width; return 1 if one is wrong."""
    files = [each for each in sorted(folder.rglob("*.html")) if "_static" not in each.parts]
    count = 0
    with launch_chromium() as browser:
        for file in files:
            for width in WIDTHS:
                page = browser.new_page()
                for sentence in find_mistakes(page, file.resolve(), width):
                    count += 1
                    print(f"{file.relative_to(folder)}: {sentence}")
                page.close()
    print(f"{len(files)} pages in windows of {' and '.join(map(str, WIDTHS))} pixels")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
