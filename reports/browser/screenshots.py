"""Take pictures of pages: `python -m browser.screenshots PAGE.html[#PART]=PICTURE.png ...`."""

from __future__ import annotations

import argparse
from pathlib import Path

from browser.chromium import launch_chromium


def main() -> None:
    """Take every picture that is asked for, light, as a window of the given size shows it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="+", metavar="PAGE=PICTURE")
    parser.add_argument("--width", type=int, default=1180)
    parser.add_argument("--height", type=int, default=820)
    options = parser.parse_args()
    with launch_chromium() as browser:
        for pair in options.pairs:
            where, _, picture = pair.rpartition("=")
            name, _, part = where.partition("#")
            page = browser.new_page(color_scheme="light")
            page.set_viewport_size({"width": options.width, "height": options.height})
            page.goto(Path(name).resolve().as_uri() + (f"#{part}" if part else ""))
            page.screenshot(path=picture)
            page.close()
            print(f"{picture}: {Path(picture).stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
