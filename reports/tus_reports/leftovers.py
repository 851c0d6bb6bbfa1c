"""The uploads that a run leaves, or may leave, on the server, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from tus_reports.totals import pluralize

MAX_LISTED = 5
"""How many uploads or scenarios the terminal view lists; the record has all of them."""


def left_behind_sentence(urls: Sequence[str]) -> str:
    """Return the sentence that introduces a list of uploads that were not removed."""
    return f"{pluralize(len(urls), 'upload')} that the server did not remove:"


def possibly_left_behind_sentence(places: Sequence[str]) -> str:
    """Return the sentence about creations to which no response named the upload."""
    names = list(dict.fromkeys(places))
    listed = ", ".join(names[:MAX_LISTED])
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    count = pluralize(len(places), "upload")
    return f"{count} may be left behind: no response named the created upload in {listed}{more}."


def format_leftovers(
    urls: Sequence[str], places: Sequence[str], limit: int = 20
) -> tuple[str, ...]:
    """Return lines of text about the uploads left behind and the possible ones; none if none.

    At most `limit` URLs are listed, and the number of the others.
    """
    lines: list[str] = []
    if urls:
        lines += [left_behind_sentence(urls), *(f"  {url}" for url in urls[:limit])]
    if len(urls) > limit:
        lines.append(f"  and {len(urls) - limit} more")
    if places:
        lines.append(possibly_left_behind_sentence(places))
    return tuple(lines)
