"""A violated requirement as a report to the maintainer of the server, in Markdown.

It can be followed without the suite: the requirement in our words with a link to the specification,
the bytes of the exchange, a reproduction with curl or plain Python, and the versions.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from tus_reports.curl_script import curl_script, is_sayable
from tus_reports.findings import Finding, Occurrence, collect_findings
from tus_reports.markdown import code_block, code_span, escape_markdown, exchange_lines
from tus_reports.record import Exchange, Header
from tus_reports.record_reader import Record, RecordError
from tus_reports.server_title import server_title
from tus_reports.socket_script import created_url, overlap, socket_script
from tus_reports.totals import pluralize
from tus_reports.transcript import escape_controls

SERVER_VARIABLE = "SERVER"
_MAX_OTHERS = 8


def issues(record: Record, only: Sequence[str] = ()) -> dict[str, str]:
    """Return a Markdown text for each violated requirement, by its id.

    With `only`, those whose id matches one of these globs, and warnings too. Raises `RecordError`
    if there is none.
    """
    found = collect_findings(record.scenarios, record.requirements).findings
    violated = [each for each in found if each.verdict == "fail"]
    chosen = [
        each
        for each in found
        if each.verdict in {"fail", "warn"}
        and any(fnmatchcase(each.requirement.id, glob) for glob in only)
    ]
    if only and not chosen:
        known = ", ".join(each.requirement.id for each in violated) or "none"
        raise RecordError(
            f"No violated requirement matches {' or '.join(only)}; violated are: {known}."
        )
    created = _created_urls(record)
    return {
        each.requirement.id: _issue(record.header, each, created)
        for each in (chosen if only else violated)
    }


def issue(record: Record, only: Sequence[str] = ()) -> str:
    """Return the texts of `issues` as one."""
    texts = issues(record, only).values()
    return "\n---\n\n".join(texts) or "No requirement is violated.\n"


def _issue(header: Header, found: Finding, created: frozenset[str]) -> str:
    occurrence, reproduction = _choose(header, found, created)
    requirement, check = found.requirement, occurrence.check
    place = escape_markdown(f"{header.spec_edition}, {requirement.section}")
    place = f"[{place}]({requirement.link})" if requirement.link else place
    level = f", {requirement.level}" if requirement.level else ""
    said = escape_markdown(requirement.statement or requirement.id)
    lines = [
        f"# Violated: {escape_markdown(occurrence.scenario.title)}",
        "",
        f"{escape_markdown(server_title(header))} does not follow this requirement of the tus"
        f" protocol ({place}{level}):",
        "",
        f"> {said}",
        "",
        f"- expected: {escape_markdown(check.expected)}",
        f"- **actual: {escape_markdown(check.actual or check.explanation)}**",
    ]
    if occurrence.explanation and check.actual:
        lines.append(f"- meaning: {escape_markdown(occurrence.explanation)}")
    if requirement.ambiguity and requirement.ambiguity != "None.":
        lines.append(f"- the specification is ambiguous: {escape_markdown(requirement.ambiguity)}")
    lines += ["", "## The bytes", "", code_block("\n".join(exchange_lines(occurrence))), ""]
    lines += ["## Reproduction", "", *reproduction, ""]
    lines += _other_scenarios(found, occurrence)
    return "\n".join([*lines, *_versions(header, found, occurrence)]) + "\n"


def _choose(
    header: Header, found: Finding, created: frozenset[str]
) -> tuple[Occurrence, list[str]]:
    """Return the occurrence that is easiest to reproduce without the suite, and how."""
    worst = [each for each in found.occurrences if each.verdict == found.verdict]
    shortest = sorted(worst, key=lambda each: each.check.exchange or 0)
    for render in (_curl_reproduction, _socket_reproduction):
        for each in shortest:
            if lines := render(header, each, created):
                return each, lines
    return worst[0], _suite_reproduction(worst[0])


def _curl_reproduction(
    header: Header, occurrence: Occurrence, created: frozenset[str]
) -> list[str]:
    exchanges = _leading_exchanges(occurrence, created)
    if not exchanges or overlap(exchanges) or not all(map(is_sayable, exchanges)):
        return []
    origin = _origin(header.target)
    script = curl_script(exchanges, {origin: SERVER_VARIABLE})
    lead = f"In a shell, with {code_span(SERVER_VARIABLE)} set to where the server listens:"
    text = f"{SERVER_VARIABLE}={origin}\n\n{script}"
    return [lead, "", _fenced("sh", text), "", _last_response(occurrence, "command")]


def _socket_reproduction(
    header: Header, occurrence: Occurrence, created: frozenset[str]
) -> list[str]:
    script = socket_script(_leading_exchanges(occurrence, created), header.target)
    if not script:
        return []
    lead = "With Python 3.8 or later, and nothing installed:"
    return [lead, "", _fenced("python", script.strip()), "", _last_response(occurrence, "request")]


def _last_response(occurrence: Occurrence, noun: str) -> str:
    expected = escape_markdown(occurrence.check.expected)
    actual = escape_markdown(occurrence.check.actual or occurrence.check.explanation)
    return f"Expected of the last {noun}: {expected}. Instead: {actual}."


def _suite_reproduction(occurrence: Occurrence) -> list[str]:
    return [
        "Several requests at once, or over one connection, are needed, so this is a command of the"
        " suite:",
        "",
        _fenced("sh", escape_controls(occurrence.scenario.command)),
    ]


def _leading_exchanges(occurrence: Occurrence, created: frozenset[str]) -> Sequence[Exchange]:
    """Return what leads to a check, or nothing if it uses an upload that was created elsewhere."""
    number = occurrence.check.exchange
    if number is None or not 0 <= number < len(occurrence.attempt.exchanges):
        return ()
    exchanges = _without_repetition(occurrence.attempt.exchanges[: number + 1])
    own = {created_url(each) for each in exchanges}
    return () if any(each.url in created - own for each in exchanges) else exchanges


def _without_repetition(exchanges: Sequence[Exchange]) -> Sequence[Exchange]:
    """Return exchanges without reads that the next one repeats: the suite waited for something."""
    pairs = itertools.pairwise(exchanges)
    repeated = [
        each.method in {"GET", "HEAD"} and each.request_head == following.request_head
        for each, following in pairs
    ]
    return [each for each, again in zip(exchanges, [*repeated, False], strict=True) if not again]


def _created_urls(record: Record) -> frozenset[str]:
    """Return the URLs of all uploads that the run created."""
    attempts = (each for scenario in record.scenarios for each in scenario.attempts)
    exchanges = [each for attempt in attempts for each in attempt.exchanges]
    discovery = record.discovery.exchanges if record.discovery is not None else ()
    return frozenset(created_url(each) for each in [*exchanges, *discovery]) - {""}


def _other_scenarios(found: Finding, shown: Occurrence) -> Iterator[str]:
    names = dict.fromkeys(
        each.scenario.title
        for each in found.occurrences
        if each.verdict == found.verdict and each.scenario.id != shown.scenario.id
    )
    if not names:
        return
    yield from ("## The same elsewhere", "")
    yield from (f"- {escape_markdown(name)}" for name in list(names)[:_MAX_OTHERS])
    if len(names) > _MAX_OTHERS:
        yield f"- and {pluralize(len(names) - _MAX_OTHERS, 'other scenario')}"
    yield ""


def _versions(header: Header, found: Finding, occurrence: Occurrence) -> Iterator[str]:
    yield from ("## Versions", "")
    yield f"- server: {escape_markdown(server_title(header))}"
    yield f"- tus-conformance {header.suite_version}, {escape_markdown(header.started_at)}"
    ids = f"{code_span(found.requirement.id)}, scenario {code_span(occurrence.scenario.id)}"
    yield f"- requirement {ids}, seed {header.seed}"


def _fenced(language: str, text: str) -> str:
    return code_block(text).replace("```text", f"```{language}", 1)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
