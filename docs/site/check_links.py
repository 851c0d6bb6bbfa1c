"""Every link inside the built site leads to a file, and every fragment to an id of it."""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to, and its id."""
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if value and ((name == "href" and tag in {"a", "link"}) or name == "src"):
                self.links.append(value)


@cache
def read_page(path: Path) -> Page:
    """Return a page."""
    return Page(path.read_text("utf-8"))


def broken_links(site: Path) -> list[str]:
    """Return the links that lead nowhere, each with its page."""
    found = []
    for path in sorted(site.rglob("*.html")):
        for link in read_page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            place = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = place / "index.html" if place.is_dir() else place
            fragment = unquote(parts.fragment)
            missing = not place.is_file()
            if not missing and fragment and place.suffix == ".html":
                missing = fragment not in read_page(place).ids
            if missing:
                found.append(f"{path.relative_to(site)}: {link}")
    return found


if __name__ == "__main__":
    broken = broken_links(Path(sys.argv[1]))
    sys.stdout.write("".join(f"broken: {each}\n" for each in broken))
    sys.exit(1 if broken else 0)
