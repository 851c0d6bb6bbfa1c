"""The Chromium of this machine, for what is to be seen or measured in a browser."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    """Start Chromium and end it; exit with a sentence where there is none."""
    path = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)
    if path is None:
        sys.exit(f"There is no Chromium here: none of {', '.join(CHROMIUM_NAMES)} is on the PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    with launch_chromium() as found:
        print(f"Chromium {found.version}")
