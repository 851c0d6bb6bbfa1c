"""Invariants of responses to HEAD: what each of them has, for every kind and state of upload."""

from __future__ import annotations

from tus_conformance.evaluation.invariant import InvariantResult, Observation, grade_rule
from tus_conformance.transport.header_values import (
    parse_concat,
    parse_metadata,
    read_integer,
    split_list,
)
from tus_scenarios import Grade

_NOT_FOUND = frozenset({403, 404, 410})


def _answers_upload(observation: Observation) -> bool:
    """Return whether this is a successful response to HEAD about an upload of the run."""
    return (
        observation.effective_method == "HEAD"
        and observation.is_about_upload
        and observation.reply.succeeded
    )


def check_no_store(observation: Observation) -> InvariantResult | None:
    """Check Cache-Control; on a response that the upload is not found it is only advisable."""
    about_upload = observation.effective_method == "HEAD" and observation.is_about_upload
    status = observation.reply.status
    if not about_upload or not (observation.reply.succeeded or status in _NOT_FOUND):
        return None
    value = observation.reply.header("Cache-Control")
    directives = [each.lower() for each in split_list(value or "")]
    actual = f"status {status}, " + (f"Cache-Control: {value}" if value else "no Cache-Control")
    grade: Grade = "fail" if observation.reply.succeeded else "warn"
    return grade_rule("no-store" in directives, grade, "Cache-Control: no-store", actual)


def check_offset_present(observation: Observation) -> InvariantResult | None:
    """Check Upload-Offset of uploads that are neither partial nor final."""
    facts = observation.facts
    if not _answers_upload(observation) or (facts is not None and facts.concat is not None):
        return None
    return _check_present(observation, "Upload-Offset")


def check_partial_offset_present(observation: Observation) -> InvariantResult | None:
    """Check Upload-Offset of partial uploads."""
    facts = observation.facts
    if not _answers_upload(observation) or facts is None or not facts.is_partial:
        return None
    return _check_present(observation, "Upload-Offset")


def _check_present(observation: Observation, name: str) -> InvariantResult:
    held = observation.reply.header(name) is not None
    return grade_rule(held, "fail", f"{name} in the response", f"no {name}")


def check_length(observation: Observation) -> InvariantResult | None:
    """Check Upload-Length of uploads that were created with one."""
    facts = observation.facts
    if not _answers_upload(observation) or facts is None or facts.length is None:
        return None
    value = observation.reply.header("Upload-Length")
    held = read_integer(value) == facts.length
    actual = "no Upload-Length" if value is None else f"Upload-Length: {value}"
    return grade_rule(held, "fail", f"Upload-Length: {facts.length}", actual)


def check_length_deferred(observation: Observation) -> InvariantResult | None:
    """Check Upload-Defer-Length of uploads whose length no client has stated yet."""
    facts = observation.facts
    if not _answers_upload(observation) or facts is None or not facts.deferred:
        return None
    if facts.length_sent or observation.reply.header("Upload-Length") is not None:
        return None
    value = observation.reply.header("Upload-Defer-Length")
    actual = "no Upload-Defer-Length" if value is None else f"Upload-Defer-Length: {value}"
    return grade_rule(value == "1", "fail", "Upload-Defer-Length: 1", actual)


def check_length_not_deferred(observation: Observation) -> InvariantResult | None:
    """Check that a response does not call a length deferred that was known from the beginning."""
    facts = observation.facts
    if not _answers_upload(observation) or facts is None or facts.length is None:
        return None
    value = observation.reply.header("Upload-Defer-Length")
    return grade_rule(
        value is None, "fail", "no Upload-Defer-Length", f"Upload-Defer-Length: {value}"
    )


def check_metadata(observation: Observation) -> InvariantResult | None:
    """Check Upload-Metadata of uploads that were created with some that is well-formed.

    A server may ignore metadata, so a response that has none is wrong only if an earlier one about
    the upload had some.
    """
    facts, value = observation.facts, observation.reply.header("Upload-Metadata")
    if not _answers_upload(observation) or facts is None:
        return None
    if value is None and not facts.returns_metadata:
        return None
    sent = None if facts.metadata is None else parse_metadata(facts.metadata)
    keys = [] if sent is None else [key.lower() for key in sent]
    if not keys or len(set(keys)) < len(keys) or not all(key.isascii() for key in keys):
        return None
    held = value is not None and parse_metadata(value) == sent
    actual = "no Upload-Metadata" if value is None else f"Upload-Metadata: {value}"
    return grade_rule(held, "fail", f"Upload-Metadata: {facts.metadata}", actual)


def check_metadata_not_transferred(observation: Observation) -> InvariantResult | None:
    """Check that no final upload has metadata that only its partial uploads were created with."""
    facts = observation.facts
    if not _answers_upload(observation) or facts is None or not facts.parts_metadata:
        return None
    value = observation.reply.header("Upload-Metadata") or ""
    own = parse_metadata(facts.metadata or "") or {}
    found = set((parse_metadata(value) or {}).items()) - set(own.items())
    held = not found & facts.parts_metadata
    expected = f"Upload-Metadata: {facts.metadata}" if own else "no Upload-Metadata"
    return grade_rule(held, "fail", expected, f"Upload-Metadata: {value}")


def check_concat(observation: Observation) -> InvariantResult | None:
    """Check Upload-Concat of partial and final uploads."""
    facts = observation.facts
    if not _answers_upload(observation) or facts is None or facts.concat is None:
        return None
    value, base = observation.reply.header("Upload-Concat"), observation.reply.url
    sent = parse_concat(facts.concat, base)
    if sent is None:
        return None
    held = value is not None and parse_concat(value, base) == sent
    actual = "no Upload-Concat" if value is None else f"Upload-Concat: {value}"
    return grade_rule(held, "fail", f"Upload-Concat: {facts.concat}", actual)


def check_success_status(observation: Observation) -> InvariantResult | None:
    """Check that a successful response to HEAD is a 200 or a 204."""
    if not _answers_upload(observation):
        return None
    status = observation.reply.status
    return grade_rule(status in {200, 204}, "warn", "status 200 or 204", f"status {status}")


def check_not_found_without_offset(observation: Observation) -> InvariantResult | None:
    """Check that a response that an upload is not found has no offset."""
    if observation.effective_method != "HEAD" or observation.reply.status not in _NOT_FOUND:
        return None
    value = observation.reply.header("Upload-Offset")
    return grade_rule(value is None, "warn", "no Upload-Offset", f"Upload-Offset: {value}")
