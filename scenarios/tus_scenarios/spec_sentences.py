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

from tus_scenarios.requirement import OWN_SUBJECTS, Level, Requirement

LEVELS_WITHOUT_KEYWORD: frozenset[Level] = frozenset(
    {"IMPLIED", "UNSPECIFIED", "should (lowercase)"}
)
"""Levels of rows that no sentence with a keyword speaks of."""

DIGEST_DIGITS = 16

_KEYWORD = re.compile(r"\b(?:MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b")
_HEADING = re.compile(r"(#{2,6})\s+(.*)")
_FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


@dataclass(frozen=True)
class KeywordSentence:
    """A sentence with a keyword: `place` counts from 1 within its section."""

    section: str
    place: int
    digest: str
    text: str = ""
    requirement_ids: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return where it stands."""
        return f"{self.section} {self.place}"


@dataclass(frozen=True)
class LedgerComparison:
    """How a text and the ledger agree; every tuple is empty where they do.

    `added` sentences have no counterpart here, `removed` ones none in the text, `changed` ones
    stand where another stood, and `moved` ones elsewhere. `unreferenced_requirements` are those
    that no sentence states, though their level says that one should; `unknown_requirements` are not
    in the ledger.
    """

    matched: int
    added: tuple[KeywordSentence, ...] = ()
    removed: tuple[KeywordSentence, ...] = ()
    changed: tuple[KeywordSentence, ...] = ()
    moved: tuple[KeywordSentence, ...] = ()
    without_requirement: tuple[KeywordSentence, ...] = ()
    unreferenced_requirements: tuple[str, ...] = ()
    unknown_requirements: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Return whether nothing is amiss, either way."""
        differences = (self.added, self.removed, self.changed, self.moved, self.without_requirement)
        return (
            not any(differences)
            and not self.unreferenced_requirements
            and not self.unknown_requirements
        )


def read_recorded_sentences() -> tuple[KeywordSentence, ...]:
    """Read the sentences of tus 1.0.0 as they are kept here, in the order of the specification."""
    known_sentences = (
        resources.files(__package__).joinpath("ledger/sentences-1.0.0.tsv").read_text("utf-8")
    )
    return tuple(
        KeywordSentence(
            section=requirement["section"],
            place=int(requirement["place"]),
            digest=requirement["sha256"],
            requirement_ids=tuple(requirement["rows"].split()),
        )
        for requirement in csv.DictReader(
            known_sentences.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE
        )
    )


def find_sentences(markdown: str) -> tuple[KeywordSentence, ...]:
    """Return the sentences of a specification in Markdown that hold a keyword."""
    sentences = []
    for section, text in _sections(markdown):
        place = 0
        for sentence in _split_sentences(text):
            if _KEYWORD.search(sentence):
                place += 1
                digest = sha256(sentence.encode()).hexdigest()[:DIGEST_DIGITS]
                sentences.append(KeywordSentence(section, place, digest, sentence))
    return tuple(sentences)


def compare_sentences(
    text: Iterable[KeywordSentence],
    known_sentences: Iterable[KeywordSentence],
    requirements: Mapping[str, Requirement],
) -> LedgerComparison:
    """Match the sentences of a text with those that are kept, and these with the ledger."""
    known_sentences = tuple(known_sentences)
    by_place = {(each.section, each.place): each for each in known_sentences}
    sorted_ = _SentenceSort()
    for sentence in text:
        known = by_place.get((sentence.section, sentence.place))
        if known is not None and known.digest == sentence.digest:
            sorted_.same.append(known)
        else:
            sorted_.other.append(sentence)
    remaining = [each for each in known_sentences if each not in sorted_.same]
    for sentence in sorted_.other:
        _sort_sentence(sentence, remaining, by_place, sorted_)
    named_requirements = {
        requirement for each in known_sentences for requirement in each.requirement_ids
    }
    return LedgerComparison(
        matched=len(sorted_.same),
        added=tuple(sorted_.unknown),
        removed=tuple(remaining),
        changed=tuple(sorted_.changed),
        moved=tuple(sorted_.moved),
        without_requirement=tuple(each for each in known_sentences if not each.requirement_ids),
        unreferenced_requirements=tuple(
            requirement.id
            for requirement in requirements.values()
            if requirement.level not in LEVELS_WITHOUT_KEYWORD
            and requirement.extension not in OWN_SUBJECTS
            and requirement.id not in named_requirements
        ),
        unknown_requirements=tuple(sorted(named_requirements - set(requirements))),
    )


@dataclass
class _SentenceSort:
    """What a matching has sorted so far."""

    same: list[KeywordSentence] = field(default_factory=list)
    other: list[KeywordSentence] = field(default_factory=list)
    unknown: list[KeywordSentence] = field(default_factory=list)
    changed: list[KeywordSentence] = field(default_factory=list)
    moved: list[KeywordSentence] = field(default_factory=list)


def _sort_sentence(
    sentence: KeywordSentence,
    remaining: list[KeywordSentence],
    by_place: Mapping[tuple[str, int], KeywordSentence],
    sorted_: _SentenceSort,
) -> None:
    """Classify a sentence that is not at its expected place; remove it from `remaining`."""
    same_text = next((each for each in remaining if each.digest == sentence.digest), None)
    previous = by_place.get((sentence.section, sentence.place))
    if same_text is not None:
        sorted_.moved.append(sentence)
        remaining.remove(same_text)
    elif previous in remaining:
        sorted_.changed.append(sentence)
        remaining.remove(previous)
    else:
        sorted_.unknown.append(sentence)


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


def _split_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text, in one line each, without marks of Markdown."""
    for paragraph in re.split(r"\n\s*\n", text):
        plain = " ".join(_LINK.sub(r"\1", paragraph).replace("`", "").split())
        yield from _SENTENCE_END.split(plain)
