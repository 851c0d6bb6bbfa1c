"""Records of format 1: their lines as lines of format 2.

No other module knows the names of format 1, or how to find out what decided a check of such a
record: format 1 had no field for it, and the text of the check says it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Object = dict[str, Any]

_UNANSWERED = "a valid request whose connection closes unanswered is a fail in any row"


def upgrade_line(line: object) -> object:
    """Return a decoded line of a record of format 1 as one of format 2.

    Fields that format 1 did not have pass through. What is not a line of a record is returned as it
    is, for the reader to report.
    """
    if not isinstance(line, dict):
        return line
    upgrade = _LINES.get(str(line.get("kind")))
    return line if upgrade is None else upgrade(line)


def _upgrade_header(line: Object) -> Object:
    return _renamed(line, started="started_at") | {"format": 2}


def _upgrade_discovery(line: Object) -> Object:
    line = _renamed(line, manners="refusal_baseline")
    _upgrade_each(line, "capabilities", lambda capability: _renamed(capability, because="reason"))
    _upgrade_each(line, "exchanges", _upgrade_exchange)
    return line


def _upgrade_scenario(line: Object) -> Object:
    line = _renamed(line, reproduce="command")
    _upgrade_each(line, "attempts", _upgrade_attempt)
    return line


def _upgrade_footer(line: Object) -> Object:
    return _renamed(
        line,
        seconds="duration",
        exchanges="exchange_count",
        problem="error",
        left_behind="remaining_uploads",
        possibly_left_behind="unnamed_creations",
    )


_LINES: dict[str, Callable[[Object], Object]] = {
    "header": _upgrade_header,
    "discovery": _upgrade_discovery,
    "scenario": _upgrade_scenario,
    "footer": _upgrade_footer,
}


def _upgrade_attempt(attempt: Object) -> Object:
    attempt = _renamed(attempt, seconds="duration")
    _upgrade_each(attempt, "exchanges", _upgrade_exchange)
    exchanges = attempt.get("exchanges")
    kept = exchanges if isinstance(exchanges, list) else []
    _upgrade_each(attempt, "checks", lambda check: _upgrade_check(check, kept))
    return attempt


def _upgrade_check(check: Object, exchanges: list[Any]) -> Object:
    rule = _find_rule(check, exchanges)
    check = _renamed(check, says="explanation")
    check.pop("damage", None)
    if rule == "unanswered":
        del check["explanation"]
    return check | {"rule": rule} if rule else check


def _find_rule(check: Object, exchanges: list[Any]) -> str:
    """Return what made a check a failure at any level; "" where nothing did."""
    if check.get("grade") != "fail":
        return ""
    if check.get("damage"):
        return "data-loss"
    if check.get("says"):
        return "unanswered" if check["says"] == _UNANSWERED else ""
    status = _status_of(check.get("exchange"), exchanges)
    # A check that does not name the status is about something else in the response.
    named = re.search(rf"\b(status|got) {status}\b", str(check.get("actual", "")))
    return "server-error" if status >= 500 and status != 501 and named else ""


def _status_of(number: object, exchanges: list[Any]) -> int:
    """Return the status of the exchange that a check points at; 0 where there is none."""
    if not isinstance(number, int) or not 0 <= number < len(exchanges):
        return 0
    response = exchanges[number].get("response") if isinstance(exchanges[number], dict) else None
    status = response.get("status") if isinstance(response, dict) else 0
    return status if isinstance(status, int) else 0


def _upgrade_exchange(exchange: Object) -> Object:
    exchange = _renamed(
        exchange,
        request="request_head",
        started="at",
        interim="interim_responses",
        tier="transport",
    )
    _upgrade_each(exchange, "interim_responses", _upgrade_response)
    for name, upgrade in (("body", _upgrade_body), ("response", _upgrade_response)):
        if isinstance(exchange.get(name), dict):
            exchange[name] = upgrade(exchange[name])
    _upgrade_each(exchange, "events", _upgrade_event)
    return exchange


def _upgrade_response(response: Object) -> Object:
    body = response.get("body")
    return response | {"body": _upgrade_body(body)} if isinstance(body, dict) else response


def _upgrade_body(body: Object) -> Object:
    return _renamed(body, length="size", generated="generator")


def _upgrade_event(event: Object) -> Object:
    event = _renamed(event, kind="event")
    return event | {"event": "action"} if event.get("event") == "act" else event


def _renamed(fields: Object, **names: str) -> Object:
    """Return the fields of an object, in their order, those of `names` under their new name."""
    return {names.get(name, name): value for name, value in fields.items()}


def _upgrade_each(fields: Object, name: str, upgrade: Callable[[Object], Object]) -> None:
    """Upgrade every object of the list in a field, where there is one."""
    if isinstance(fields.get(name), list):
        fields[name] = [upgrade(each) if isinstance(each, dict) else each for each in fields[name]]
