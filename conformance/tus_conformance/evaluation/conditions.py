"""Conditions: whether a response meets what a scenario states of it, headers by meaning."""

from __future__ import annotations

import msgspec

from tus_conformance.evaluation.finish_outcome import is_intact
from tus_conformance.evaluation.header_matching import matches
from tus_conformance.state.references import References
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport.header_values import is_integer, parse_integer, split_list
from tus_scenarios import Condition, HeaderCondition, HeaderConditions, HeaderMatcher

_NUMBERS = {"Upload-Offset", "Upload-Length", "Tus-Max-Size"}
"""Headers that are compared as the numbers they are."""


def meets(condition: Condition, reply: StepResponse, references: References) -> bool:
    """Return whether a response meets every part of a condition."""
    if condition.closed is not None and reply.http_response.closed is not condition.closed:
        return False
    if condition.status is not None and not _has_status(condition, reply.status):
        return False
    if condition.intact is not None and is_intact(reply) is not condition.intact:
        return False
    if condition.interim is not None and condition.interim not in reply.http_response.interim:
        return False
    if condition.content is not None and not _has_content(condition.content, reply):
        return False
    return all(
        any(_has_header(name, match, reply, references) for match in _as_tuple(matches))
        for name, matches in condition.header.items()
    )


def _as_tuple(matches: HeaderConditions) -> tuple[HeaderCondition, ...]:
    return matches if isinstance(matches, tuple) else (matches,)


def _has_status(condition: Condition, status: int | None) -> bool:
    wanted = condition.status if isinstance(condition.status, tuple) else (condition.status,)
    return status is not None and (status in wanted or f"{status // 100}xx" in wanted)


def _has_content(span: tuple[int, int], reply: StepResponse) -> bool:
    return reply.upload is not None and reply.http_response.body == reply.upload.content(*span)


def _has_header(
    name: str, match: HeaderCondition, reply: StepResponse, references: References
) -> bool:
    value = reply.header(name)
    if isinstance(match, bool):
        return (value is not None) is match
    if isinstance(match, HeaderMatcher) and match.same is not None:
        return same_members(value, references.response(match.same).header(name))
    if value is None:
        return False
    if isinstance(match, HeaderMatcher):
        return matches(_resolve_references(match, references), value, base=reply.url)
    wanted = references.resolve_text(str(match))
    return value == wanted or (name in _NUMBERS and _same_number(wanted, value))


def same_members(value: str | None, other: str | None) -> bool:
    """Return whether two lists have the same members in any order, or neither is there."""
    if value is None or other is None:
        return value is other
    return sorted(split_list(value.lower())) == sorted(split_list(other.lower()))


def _same_number(wanted: str, value: str) -> bool:
    """Return whether two numbers are the same; zeros before one do not change it."""
    return (
        is_integer(wanted) and is_integer(value) and parse_integer(wanted) == parse_integer(value)
    )


def _resolve_references(matcher: HeaderMatcher, references: References) -> HeaderMatcher:
    parts = {name: getattr(matcher, name) for name in matcher.__struct_fields__ if name != "form"}
    return msgspec.structs.replace(
        matcher,
        **{
            name: references.resolve_text(part)
            for name, part in parts.items()
            if isinstance(part, str)
        },
    )
