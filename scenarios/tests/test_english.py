"""`README.md`: it and all texts that users read avoid phrases that are not plain English."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import tus_scenarios
from tus_scenarios import ledger, scenarios


@dataclass(frozen=True)
class Banned:
    """A phrase that no text may have: its pattern, a sentence that has it, and what to write."""

    pattern: str
    example: str
    instead: str

    def found_in(self, text: str) -> bool:
        """Return whether a text has the phrase, whatever the case of its letters."""
        return re.search(self.pattern, text, re.IGNORECASE) is not None


BANNED = (
    Banned(
        r"\b(tell|tells|telling|told)\b",
        "HEAD tells the offset.",
        "return, report, say, print or run",
    ),
    Banned(r"(?<!there )\bis no\b", "'x' is no number.", "is not a"),
    Banned(r"\bof no use\b", "The key is of no use.", "cannot use, cannot load"),
    Banned(r"\blet be\b", "The failure is let be.", "ignore"),
    Banned(r"\b(stand|stands|stood) in\b", "The limit stands in the profile.", "is in"),
    Banned(r"\b(hold|holds|held) against\b", "It is held against a grammar.", "compare with"),
    Banned(r"\banew\b", "The client starts anew.", "again, start over"),
    Banned(r"\bin the end\b", "In the end it is complete.", "finally"),
    Banned(r"\bbeside\b", "The lock is beside the file.", "next to, in addition to"),
    Banned(r"\bwhat is to be\b", "It says what is to be sent.", "name the thing"),
    Banned(r"\b(come|comes|came) out as\b", "It comes out as 0.", "is, becomes"),
    Banned(r"\bwhoever\b", "Whoever waits is closed.", "name who it is"),
    Banned(r"\bnobody here\b", "Nobody here reads it.", "name who it is"),
    Banned(r"\bwhat becomes of\b", "What becomes of an empty PATCH.", "say what is expected"),
    Banned(r"\b(speak|speaks|spoken) of\b", "Locks are not spoken of.", "mention"),
    Banned(r"\ball the same\b", "It was stored all the same.", "but, nevertheless"),
    Banned(r"\bfor ever\b", "It waits for ever.", "forever"),
    Banned(r"\b(story|stories)\b", "A story in steps.", "scenario"),
    # `nox -s judge-all` is the name of a session.
    Banned(r"\bjudg(e|es|ed|ing|ement|ment)\b(?!-all)", "The answer is judged.", "evaluate"),
)
"""The phrases, in one place, for every text that users read."""

FINE = (
    "Retry if there is no response.",
    "The server stands behind a proxy and holds a lock.",
    "The upload is not found, and nothing else is stored.",
    "The end of the body. Besides, the specification does not mention it.",
)
"""Sentences that look similar and are plain English."""


def texts() -> Iterator[tuple[str, str]]:
    """Yield each text of the scenarios and the ledger, with the place where it is."""
    for each in scenarios():
        for text in (each.title, each.why, *each.prose):
            yield each.id, text
    for row in ledger().values():
        for text in (row.statement, row.why_not, row.ambiguity):
            yield row.id, text
    yield from remarks()


ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("conformance/tus_conformance", "reports/tus_reports", "scenarios/tus_scenarios"),
    *("reference/tus_reference", "reference/tus_defects"),
)
COMMANDS = (
    *("run", "list", "coverage", "explain", "init", "report", "compare"),
    *("explore", "record", "fault-proxy", "doctor"),
)
QUOTED = "`judged` became"
"""The one line of a page that names an old field, in the list of what format 2 renamed."""


def pages() -> Iterator[tuple[str, str]]:
    """Yield each line of the pages for users, and of the templates of the reports."""
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "reports/README.md"]
    for path in (*files, *ROOT.glob("reports/tus_reports/templates/*.j2")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if QUOTED not in line:
                yield f"{path.name}:{number}", re.sub(r'\{[{%#].*?[}%#]\}|class="[^"]*"', "", line)


def helps() -> Iterator[tuple[str, str]]:
    """Yield the help of both programs and of every command."""
    for command in ("", *COMMANDS):
        words = ["tus_conformance", *([command] if command else []), "--help"]
        yield f"tus-conformance {command}", run_module(words)
    yield "tus-reference", run_module(["tus_reference", "--help"])


def run_module(words: Sequence[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=True
    )
    return done.stdout


def literals() -> Iterator[tuple[str, str]]:
    """Yield every string of the packages that has a space and is not a docstring."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text("utf-8"))
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if not isinstance(node, ast.Constant) or id(node) in docstrings:
                    continue
                if isinstance(node.value, str) and " " in node.value:
                    yield f"{path.name}:{node.lineno}", node.value


@pytest.fixture(scope="module")
def user_texts() -> list[tuple[str, str]]:
    return [*pages(), *helps(), *literals()]


def test_pages_helps_and_strings_are_read(user_texts: list[tuple[str, str]]) -> None:
    """Texts that are not found would pass unread."""
    places = {place.partition(":")[0] for place, _ in user_texts}
    assert {"README.md", "running.md", "proof.md", "report.html.j2", "terminal.py"} <= places
    assert {"tus-conformance run", "tus-reference", "http1_transport.py"} <= places
    assert len(user_texts) > 4000


@pytest.mark.parametrize("phrase", BANNED, ids=lambda phrase: phrase.example)
def test_no_user_text_has_a_banned_phrase(
    phrase: Banned, user_texts: list[tuple[str, str]]
) -> None:
    assert [f"{place}: {text}" for place, text in user_texts if phrase.found_in(text)] == []


def remarks() -> Iterator[tuple[str, str]]:
    """Yield what function scenarios say of a response; those of the data are in the prose."""
    root = Path(tus_scenarios.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "says":
                value = node.value
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield f"{path.name}:{value.lineno}", value.value


def test_every_kind_of_text_is_read() -> None:
    """Texts that are not found would pass unread."""
    places = [place for place, _ in texts()]
    assert len(places) > 3000
    assert {"core.head.repeated", "core.implemented", "termination.at-once"} <= set(places)
    assert len(list(remarks())) > 10


@pytest.mark.parametrize("phrase", BANNED, ids=lambda phrase: phrase.example)
def test_a_phrase_is_found(phrase: Banned) -> None:
    """A pattern that matches nothing would let every text pass."""
    assert phrase.found_in(phrase.example)
    assert phrase.found_in(phrase.example.upper())


@pytest.mark.parametrize("text", FINE)
def test_plain_english_passes(text: str) -> None:
    """A pattern that matches too much would ban plain English."""
    assert [phrase.example for phrase in BANNED if phrase.found_in(text)] == []


@pytest.mark.parametrize("phrase", BANNED, ids=lambda phrase: phrase.example)
def test_no_text_has_a_banned_phrase(phrase: Banned) -> None:
    """The message names the place and the text, and the id of the test what to avoid."""
    found = [f"{place}: {text}" for place, text in texts() if phrase.found_in(text)]
    assert found == [], f"Write {phrase.instead!r} instead."


def test_titles_are_unique() -> None:
    """A title identifies a scenario; only variants of one scenario may share it."""
    titles: dict[str, str] = {}
    for each in scenarios():
        name = each.id.partition("/")[0]
        assert titles.setdefault(each.title, name) == name, each.title
