"""The specification's own text, cut into its sections, with the normative sentences marked.

The text is the reader's copy of the Markdown source; nothing of it is stored with the suite.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_KEYWORD = re.compile(r"\b(MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b")
_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z`*])")


@dataclass(frozen=True)
class SpecSentence:
    """A sentence, and whether it holds one of the words of RFC 2119."""

    text: str
    normative: bool


@dataclass(frozen=True)
class SpecParagraph:
    """A paragraph, or an example as it stands."""

    sentences: tuple[SpecSentence, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class SpecSection:
    """A heading with what stands under it, up to the next; `path` is its headings from the top."""

    path: tuple[str, ...]
    blocks: tuple[SpecParagraph, ...]

    @property
    def title(self) -> str:
        """Return the section's own heading."""
        return self.path[-1]


def split_sections(markdown: str) -> tuple[SpecSection, ...]:
    """Cut a Markdown text into its sections, in their order."""
    return tuple(
        SpecSection(path, tuple(_split_paragraphs(lines)))
        for path, lines in _split_headings(markdown)
        if lines
    )


def find_section(place: str, sections: Sequence[SpecSection]) -> SpecSection | None:
    """Return the section that a place such as "Core/Headers/Upload-Offset" names first, if any."""
    first = re.split(r"[;(]", place, maxsplit=1)[0].strip()
    *above, name = [part.strip() for part in first.split("/")]
    name = name.removesuffix(" example").strip()
    found = [section for section in sections if section.title.casefold() == name.casefold()]
    chapter = above[0].casefold() if above else ""
    near = [
        section
        for section in found
        if any(part.casefold().startswith(chapter) for part in section.path)
    ]
    return next(iter(near or found), None)


def _split_headings(markdown: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        heading = None if fenced else _HEADING.match(line)
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        if heading is None:
            lines.append(line)
            continue
        if path:
            yield tuple(name for _, name in path), lines
        depth = len(heading[1])
        path = [(level, name) for level, name in path if level < depth] + [(depth, heading[2])]
        lines = []
    if path:
        yield tuple(name for _, name in path), lines


def _split_paragraphs(lines: list[str]) -> Iterator[SpecParagraph]:
    for fenced, group in _group_lines(lines):
        if fenced:
            yield SpecParagraph(code="\n".join(group))
        else:
            texts = _SENTENCE.split(" ".join(line.strip() for line in group))
            yield SpecParagraph(
                tuple(SpecSentence(text, bool(_KEYWORD.search(text))) for text in texts)
            )


def _group_lines(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Yield paragraphs, and what stands between fences, each as its lines."""
    group: list[str] = []
    fenced = False
    for line in [*lines, ""]:
        fence = line.lstrip().startswith(("```", "~~~"))
        if fence or (not fenced and not line.strip()):
            if group:
                yield fenced, group
            group = []
            fenced = fenced != fence
        else:
            group.append(line)
    if group:
        yield fenced, group
