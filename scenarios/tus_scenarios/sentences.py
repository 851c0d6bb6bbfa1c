"""The sentences of the specification that hold a keyword, and the rows that were made of each.

The text itself is not kept here: a sentence goes by its section, its place among those of the
section, and a digest of its words. Someone who has the text can so tell whether the ledger is still
a ledger of it (`tus-conformance coverage --spec-text FILE`).

The preamble, above the first section, defines the keywords and is not read; nor are examples.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources

from tus_scenarios.requirement import Level, Requirement

WITHOUT_KEYWORD: frozenset[Level] = frozenset({"IMPLIED", "UNSPECIFIED", "should (lowercase)"})
"""Levels of rows that no sentence with a keyword speaks of."""

DIGITS = 16

_KEYWORD = re.compile(r"\b(?:MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b")
_HEADING = re.compile(r"(#{2,6})\s+(.*)")
_FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


@dataclass(frozen=True)
class Sentence:
    """A sentence with a keyword: `place` counts from 1 within its section."""

    section: str
    place: int
    digest: str
    text: str = ""
    rows: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return where it stands."""
        return f"{self.section} {self.place}"


@dataclass(frozen=True)
class Matching:
    """How a text and the ledger agree; every tuple is empty where they do.

    `unknown` sentences have no counterpart here, `gone` ones none in the text, `changed` ones stand
    where another stood, and `moved` ones elsewhere; `rowless` ones have no row. `orphans` are rows
    of which no sentence speaks, though their level says that one should, and `strangers` are rows
    that the ledger does not have.
    """

    matched: int
    unknown: tuple[Sentence, ...] = ()
    gone: tuple[Sentence, ...] = ()
    changed: tuple[Sentence, ...] = ()
    moved: tuple[Sentence, ...] = ()
    rowless: tuple[Sentence, ...] = ()
    orphans: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Tell whether nothing is amiss, either way."""
        amiss = (self.unknown, self.gone, self.changed, self.moved, self.rowless)
        return not any(amiss) and not self.orphans and not self.strangers


def recorded() -> tuple[Sentence, ...]:
    """Read the sentences of tus 1.0.0 as they are kept here, in the order of the specification."""
    kept = resources.files(__package__).joinpath("ledger/sentences-1.0.0.tsv").read_text("utf-8")
    return tuple(
        Sentence(
            section=row["section"],
            place=int(row["place"]),
            digest=row["sha256"],
            rows=tuple(row["rows"].split()),
        )
        for row in csv.DictReader(kept.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    )


def found(markdown: str) -> tuple[Sentence, ...]:
    """Return the sentences of a specification in Markdown that hold a keyword."""
    sentences = []
    for section, text in _sections(markdown):
        place = 0
        for sentence in _split(text):
            if _KEYWORD.search(sentence):
                place += 1
                digest = sha256(sentence.encode()).hexdigest()[:DIGITS]
                sentences.append(Sentence(section, place, digest, sentence))
    return tuple(sentences)


def match(
    text: Iterable[Sentence], kept: Iterable[Sentence], rows: Mapping[str, Requirement]
) -> Matching:
    """Match the sentences of a text with those that are kept, and these with the ledger."""
    kept = tuple(kept)
    by_place = {(each.section, each.place): each for each in kept}
    told = _Told()
    for sentence in text:
        known = by_place.get((sentence.section, sentence.place))
        if known is not None and known.digest == sentence.digest:
            told.same.append(known)
        else:
            told.other.append(sentence)
    left = [each for each in kept if each not in told.same]
    for sentence in told.other:
        _place(sentence, left, by_place, told)
    named = {row for each in kept for row in each.rows}
    return Matching(
        matched=len(told.same),
        unknown=tuple(told.unknown),
        gone=tuple(left),
        changed=tuple(told.changed),
        moved=tuple(told.moved),
        rowless=tuple(each for each in kept if not each.rows),
        orphans=tuple(
            row.id
            for row in rows.values()
            if row.level not in WITHOUT_KEYWORD and row.id not in named
        ),
        strangers=tuple(sorted(named - set(rows))),
    )


@dataclass
class _Told:
    """What a matching has sorted so far."""

    same: list[Sentence] = field(default_factory=list)
    other: list[Sentence] = field(default_factory=list)
    unknown: list[Sentence] = field(default_factory=list)
    changed: list[Sentence] = field(default_factory=list)
    moved: list[Sentence] = field(default_factory=list)


def _place(
    sentence: Sentence,
    left: list[Sentence],
    by_place: Mapping[tuple[str, int], Sentence],
    told: _Told,
) -> None:
    """Tell what a sentence is that does not stand where it is expected; take it from `left`."""
    twin = next((each for each in left if each.digest == sentence.digest), None)
    stood_here = by_place.get((sentence.section, sentence.place))
    if twin is not None:
        told.moved.append(sentence)
        left.remove(twin)
    elif stood_here in left:
        told.changed.append(sentence)
        left.remove(stood_here)
    else:
        told.unknown.append(sentence)


def _sections(markdown: str) -> Iterator[tuple[str, str]]:
    """Yield each section that has text, as its headings joined, with the text."""
    path: list[str] = []
    lines: list[str] = []
    for line in _FENCE.sub("", markdown).splitlines():
        heading = _HEADING.fullmatch(line.rstrip())
        if heading is None:
            lines.append(line)
            continue
        if path:
            yield "/".join(path), "\n".join(lines)
        depth = len(heading[1]) - 2
        path, lines = [*path[:depth], heading[2].strip()], []
    if path:
        yield "/".join(path), "\n".join(lines)


def _split(text: str) -> Iterator[str]:
    """Yield the sentences of a text, in one line each, without marks of Markdown."""
    for paragraph in re.split(r"\n\s*\n", text):
        plain = " ".join(_LINK.sub(r"\1", paragraph).replace("`", "").split())
        yield from _END.split(plain)
