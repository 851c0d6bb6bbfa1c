"""The ledger is a ledger of the specification: each sentence with a keyword has its rows."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tus_scenarios import Requirement, ledger
from tus_scenarios.requirement import Level
from tus_scenarios.sentences import Matching, Sentence, found, match, recorded

TEXT = """# A protocol

Whoever writes "MUST" here MUST know what it means.

## Core

### Speed

The `Speed` header MUST be a number. It is polite
to be slow, and servers
SHOULD be ([slow](https://example.org/MAY)). Nobody may notice.

```
A server in an example MAY do anything.
```

#### Limits

It MAY be 0.

## End

Clients must not shout. They SHOULD NOT.
"""

SENTENCES = [
    ("Core/Speed", 1, "The Speed header MUST be a number."),
    ("Core/Speed", 2, "It is polite to be slow, and servers SHOULD be (slow)."),
    ("Core/Speed/Limits", 1, "It MAY be 0."),
    ("End", 1, "They SHOULD NOT."),
]


def row(name: str, level: Level) -> Requirement:
    """Return a row of a ledger."""
    return replace(next(iter(ledger().values())), id=name, level=level)


ROWS = {
    "speed.number": row("speed.number", "MUST"),
    "speed.slow": row("speed.slow", "SHOULD"),
    "speed.zero": row("speed.zero", "MAY"),
    "end.quiet": row("end.quiet", "SHOULD NOT"),
    "end.open": row("end.open", "UNSPECIFIED"),
}
NAMES = (("speed.number",), ("speed.slow",), ("speed.zero",), ("end.quiet",))
KEPT = tuple(
    replace(sentence, text="", rows=names)
    for sentence, names in zip(found(TEXT), NAMES, strict=True)
)


def test_the_sentences_with_a_keyword_are_found() -> None:
    """The preamble, examples, addresses and lower case do not count."""
    assert [(each.section, each.place, each.text) for each in found(TEXT)] == SENTENCES


def test_a_text_that_is_the_same_agrees() -> None:
    """However its lines are broken."""
    matching = match(found(TEXT.replace("servers\nSHOULD", "servers SHOULD")), KEPT, ROWS)
    assert matching == Matching(matched=4)
    assert matching.agrees


def places(sentences: tuple[Sentence, ...]) -> list[str]:
    """Return where sentences stand."""
    return [each.name for each in sentences]


def test_a_changed_sentence_is_told() -> None:
    """One word is enough."""
    matching = match(found(TEXT.replace("polite", "rude")), KEPT, ROWS)
    assert places(matching.changed) == ["Core/Speed 2"]
    assert not matching.agrees
    assert (matching.unknown, matching.gone, matching.moved) == ((), (), ())


def test_a_new_sentence_is_told() -> None:
    """It has no row yet."""
    matching = match(found(TEXT + "\nThey MAY sing.\n"), KEPT, ROWS)
    assert places(matching.unknown) == ["End 2"]
    assert not matching.agrees


def test_a_sentence_that_is_gone_is_told() -> None:
    """Its rows may have to go as well."""
    matching = match(found(TEXT.replace("They SHOULD NOT.", "")), KEPT, ROWS)
    assert places(matching.gone) == ["End 1"]
    assert not matching.agrees


def test_a_sentence_that_moved_is_told() -> None:
    """A link to its section would lead astray."""
    moved = TEXT.replace("\nIt MAY be 0.\n", "\n").replace(
        "shout. They", "shout. It MAY be 0. They"
    )
    matching = match(found(moved), KEPT, ROWS)
    assert places(matching.moved) == ["End 1", "End 2"]
    assert not matching.agrees


@pytest.mark.parametrize("name", [name for name in ROWS if name != "end.open"])
def test_a_row_without_a_sentence_is_told(name: str) -> None:
    """Its level says that there is a sentence."""
    kept = tuple(replace(each, rows=tuple(set(each.rows) - {name})) for each in KEPT)
    matching = match(found(TEXT), kept, ROWS)
    assert matching.orphans == (name,)
    assert len(matching.rowless) == 1
    assert not matching.agrees


def test_a_row_that_the_ledger_lacks_is_told() -> None:
    """It was mistyped, or removed."""
    rows = {name: kept for name, kept in ROWS.items() if name != "speed.zero"}
    matching = match(found(TEXT), KEPT, rows)
    assert matching.strangers == ("speed.zero",)
    assert not matching.agrees


def test_every_kept_sentence_has_rows_and_every_such_row_a_sentence() -> None:
    """This needs no text: 127 sentences, each with rows that the ledger has."""
    kept = recorded()
    matching = match(kept, kept, ledger())
    assert matching == Matching(matched=127)


@pytest.mark.skipif("TUS_SPEC_TEXT" not in os.environ, reason="TUS_SPEC_TEXT names no file")
def test_the_text_of_the_specification_agrees() -> None:
    """Every sentence, at its place, word for word."""
    text = Path(os.environ["TUS_SPEC_TEXT"]).read_text("utf-8")
    assert match(found(text), recorded(), ledger()) == Matching(matched=127)
