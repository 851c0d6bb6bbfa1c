"""The exchanges of a run as HAR 1.2, for the tools that read it: a page for each attempt.

What HAR has no field for (interim responses, network faults, events of the connection) is in
`comment` and in `_events`; the format requires an underscore before unknown names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tus_reports.record import Exchange, RecordedBody, RecordedResponse
from tus_reports.record_reader import Record
from tus_reports.transcript import summarize_exchange

_CONTENT_TYPE = "content-type"
_UNKNOWN = -1  # HAR's value for a number that is not known


def har(record: Record) -> str:
    """Return every exchange of the run as HAR 1.2."""
    pages: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    for name, title, exchanges in _attempts(record):
        if not exchanges:
            continue
        began = _start_time(record, exchanges[0])
        known = {"startedDateTime": began, "id": name, "title": title, "pageTimings": {}}
        pages.append(known)
        entries += [_har_entry(record, exchange, name) for exchange in exchanges]
    creator = {"name": "tus-conformance", "version": record.header.suite_version}
    log = {"version": "1.2", "creator": creator, "pages": pages, "entries": entries}
    return msgspec.json.format(msgspec.json.encode({"log": log}), indent=1).decode() + "\n"


def _attempts(record: Record) -> Iterator[tuple[str, str, tuple[Exchange, ...]]]:
    if record.discovery is not None:
        yield "discovery", "Discovery", record.discovery.exchanges
    for scenario in record.scenarios:
        for number, attempt in enumerate(scenario.attempts, 1):
            name = scenario.id if number == 1 else f"{scenario.id} (attempt {number})"
            yield name, scenario.title, attempt.exchanges


def _har_entry(record: Record, exchange: Exchange, page: str) -> dict[str, Any]:
    sent, waited, received = _har_timings(exchange)
    return {
        "pageref": page,
        "startedDateTime": _start_time(record, exchange),
        "time": sent + waited + received,
        "request": _har_request(exchange),
        "response": _har_response(exchange),
        "cache": {},
        "timings": {"send": sent, "wait": waited, "receive": received},
        "comment": summarize_exchange(exchange),
        "_transport": exchange.transport,
        "_events": [msgspec.to_builtins(event) for event in exchange.events],
    }


def _har_request(exchange: Exchange) -> dict[str, Any]:
    first, headers = _parse_head(exchange.request_head)
    body = exchange.body
    made: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": first.rsplit(" ", 1)[-1] if " " in first else "",
        "cookies": [],
        "headers": headers,
        "queryString": _name_value_pairs(
            parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
        ),
        "headersSize": len(exchange.request_head),
        "bodySize": body.size if body else 0,
    }
    if body is not None and body.size:
        kind = next(
            (each["value"] for each in headers if each["name"].lower() == _CONTENT_TYPE), ""
        )
        made["postData"] = {"mimeType": kind, "params": [], "text": body.text or ""}
        if body.generator:
            made["postData"]["comment"] = body.generator
    return made


def _har_response(exchange: Exchange) -> dict[str, Any]:
    response = exchange.response or RecordedResponse(status=0, head="")
    first, _ = _parse_head(response.head)
    version, _, rest = first.partition(" ")
    _, _, reason = rest.partition(" ")
    headers = {name.lower(): value for name, value in response.headers}
    made: dict[str, Any] = {
        "status": response.status,
        "statusText": reason,
        "httpVersion": version,
        "cookies": [],
        "headers": _name_value_pairs(response.headers),
        "content": _har_content(response.body, headers.get(_CONTENT_TYPE, "")),
        "redirectURL": headers.get("location", "") if 300 <= response.status < 400 else "",
        "headersSize": len(response.head) if response.head else _UNKNOWN,
        "bodySize": response.body.size if response.body else 0,
    }
    if exchange.failure:
        made["_error"] = exchange.failure
    if exchange.interim_responses:
        made["_interim"] = [
            {"status": each.status, "headers": _name_value_pairs(each.headers)}
            for each in exchange.interim_responses
        ]
    return made


def _har_content(body: RecordedBody | None, kind: str) -> dict[str, Any]:
    if body is None:
        return {"size": 0, "mimeType": kind}
    made: dict[str, Any] = {"size": body.size, "mimeType": kind}
    if body.text is not None:
        made["text"] = body.text
    if body.truncated:
        made["comment"] = "Only the beginning was recorded."
    return made


def _har_timings(exchange: Exchange) -> tuple[float, float, float]:
    """Return the milliseconds of sending, of waiting for the first byte, and of receiving."""
    sent = [event.at for event in exchange.events if event.event == "sent"]
    heard = [event.at for event in exchange.events if event.event == "received"]
    last_sent = max(sent, default=0.0)
    first_heard = max(min(heard, default=last_sent), last_sent)
    last_heard = max(heard, default=first_heard)
    return (
        round(last_sent * 1000, 3),
        round((first_heard - last_sent) * 1000, 3),
        round(max(last_heard - first_heard, 0.0) * 1000, 3),
    )


def _start_time(record: Record, exchange: Exchange) -> str:
    began = datetime.fromisoformat(record.header.started_at) + timedelta(seconds=exchange.at)
    return began.isoformat(timespec="milliseconds")


def _parse_head(head: str) -> tuple[str, list[dict[str, str]]]:
    first, *lines = head.rstrip("\r\n").splitlines() or [""]
    split = [line.partition(":") for line in lines]
    return first, _name_value_pairs([(name.strip(), value.strip()) for name, _, value in split])


def _name_value_pairs(pairs: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]
