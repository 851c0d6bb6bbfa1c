"""Steps and expectations as plain English, for `explain` and for reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tus_scenarios.expectation import Condition, Expectation, HeaderConditions, HeaderMatcher
from tus_scenarios.network_fault import Cut, describe_fault
from tus_scenarios.network_fault import describe_position as place
from tus_scenarios.requirement import ledger
from tus_scenarios.step import GivenUpload, RequestSpec, Step

_REFERENCE_NAMES = {"{max-size+1}": "Tus-Max-Size + 1", "{max-size}": "Tus-Max-Size"}
_UPLOAD_NAMES = {
    "{unknown}": "an upload that never existed",
    "{creation}": "the creation URL",
    "{upload}": "the upload",
    "*": "the server as a whole (*)",
}

FillReferences = Callable[[str], str]
"""Replaces the references in a text; `str` leaves them as they stand."""

_FORMAT_NAMES = {
    "integer": "a non-negative integer",
    "versions": "a comma-separated list of versions",
    "extensions": "a comma-separated list of extension names",
    "algorithms": "a comma-separated list of lower-case algorithm names",
    "list": "a comma-separated list with no member empty or twice",
    "compact-list": "a list without space around its commas",
    "metadata": "well-formed pairs",
    "metadata-pairs": "comma-separated pairs of a key and a value",
    "metadata-keys": "keys that are not empty and contain no space or comma",
    "metadata-ascii": "keys of ASCII",
    "metadata-base64": "Base64 values",
    "metadata-unique": "no key twice",
    "concat": '"partial", or "final;" and a list of URLs',
    "date": "a date in the format of RFC 9110",
    "obsolete-date": "a date in one of the obsolete formats",
    "url": "a URL",
    "same-origin": "a URL on the scheme, host and port of the request",
    "other-host": "a URL on another host than that of the request",
}
_GRADE_NAMES = {"pass": "held", "warn": "a warning", "note": "a note", "fail": "a failure"}


def step_sentences(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the sentences of a scenario: each step, and below it what is expected, indented."""

    def fill(text: str) -> str:
        for reference, words in _REFERENCE_NAMES.items():
            text = text.replace(reference, words)
        return text

    sentences = []
    for step in steps:
        sentences.append(describe_step(step, fill) + ".")
        sentences += [f"  expects {describe_expectation(each, fill)}." for each in step.expect]
    return tuple(sentences)


def describe_step(step: Step, fill: FillReferences = str) -> str:
    """Return what a step does."""
    if step.given is not None:
        return _describe_given(step.given, fill)
    if step.finish is not None:
        name = _upload_name(step.finish.of)
        text = f"Resume {name} at the offset from HEAD, complete it, compare every byte"
    else:
        assert step.message is not None
        text = _describe_request(fill(step.message.method or step.act.upper()), step.message, fill)
    if step.within:
        text += f", repeated for up to {step.within} seconds"
    return f"{text} (a precondition)" if step.setup else text


def describe_expectation(expectation: Expectation, fill: FillReferences = str) -> str:
    """Return what an expectation asks for, what else may come and how that counts, and its rows.

    Behind each that is no pass stands what it means.
    """
    text = describe_pass_condition(expectation, fill)
    for name, condition in expectation.after.items():
        text += f", if the response to {name!r} had {describe_condition(condition, fill)}"
    if expectation.when is not None:
        text += f", where the response has {describe_condition(expectation.when, fill)}"
    for grade, condition in expectation.alternatives[1:]:
        text += f"; {_GRADE_NAMES[grade]} for {describe_condition(condition, fill)}"
        text += f" ({condition.says})" if condition.says else ""
    requirements = [
        ledger()[requirement] for requirement in expectation.requirements if requirement in ledger()
    ]
    grades = {expectation.otherwise or requirement.grade for requirement in requirements}
    rest = " or ".join(_GRADE_NAMES[grade] for grade in sorted(grades)) or "undefined"
    rest += f" ({expectation.says})" if expectation.says else ""
    return f"{text}; else {rest} [{', '.join(expectation.requirements)}]"


def describe_pass_condition(expectation: Expectation, fill: FillReferences = str) -> str:
    """Return the condition under which an expectation passes."""
    return describe_condition(expectation, fill)


def describe_condition(condition: Condition, fill: FillReferences = str) -> str:
    """Return what a condition asks of an answer."""
    parts = []
    if condition.status is not None:
        wanted = condition.status if isinstance(condition.status, tuple) else (condition.status,)
        parts.append("status " + _join_alternatives(str(status) for status in wanted))
    if condition.closed is not None:
        parts.append("a connection closed without a response" if condition.closed else "a response")
    if condition.interim is not None:
        parts.append(f"an interim {condition.interim}")
    parts += [_describe_header(name, match, fill) for name, match in condition.header.items()]
    if condition.content is not None:
        parts.append("bytes {} to {} of the upload's content".format(*condition.content))
    if condition.intact is not None:
        parts.append("every byte in place" if condition.intact else "a byte missing or wrong")
    return ", ".join(parts)


def _describe_header(name: str, match: HeaderConditions, fill: FillReferences) -> str:
    if isinstance(match, tuple):
        return _join_alternatives(_describe_header(name, each, fill) for each in match)
    if isinstance(match, bool):
        return name if match else f"no {name}"
    if isinstance(match, HeaderMatcher):
        return f"{name} {' and '.join(_describe_matcher(match, fill))}"
    return f"{name}: {quote_value(fill(str(match)))}"


def _describe_matcher(matcher: HeaderMatcher, fill: FillReferences) -> list[str]:
    asked = [
        f"{word} {quote_value(fill(str(value)))}"
        for word, value in (
            ("of", matcher.equals),
            ("other than", matcher.differs),
            ("listing", matcher.lists),
            ("with", matcher.includes),
            ("without", matcher.excludes),
            ("of nothing but", matcher.among),
            ("of the same members as", matcher.members),
            ("with the pairs", matcher.metadata),
            ("meaning", matcher.concat),
        )
        if value is not None
    ]
    if matcher.same is not None:
        asked.append(f"as in the response to {matcher.same!r}")
    if matcher.form is not None:
        verb = "made of" if matcher.form.startswith("metadata-") else "that is"
        asked.append(f"{verb} {_FORMAT_NAMES[matcher.form]}")
    return asked + _describe_bounds(matcher, fill)


def _describe_bounds(matcher: HeaderMatcher, fill: FillReferences) -> list[str]:
    least, most = (
        None if bound is None else fill(str(bound)) for bound in (matcher.least, matcher.most)
    )
    if least == most:
        return [] if least is None else [f"worth {least}"]
    if least is not None and most is not None and _is_above(least, most):
        # An acknowledged offset beyond the length: no value is right any more.
        return [f"of at most {most}, although a response said {least}"]
    bounds = [f"of at least {least}"] if least is not None else []
    return bounds + ([f"of at most {most}"] if most is not None else [])


def _is_above(number: str, other: str) -> bool:
    """Return whether two texts are numbers, the first the larger; references are not."""
    return number.isdecimal() and other.isdecimal() and int(number) > int(other)


def _describe_given(given: GivenUpload, fill: FillReferences) -> str:
    size = "of deferred length" if given.deferred else f"of {fill(str(given.length))} bytes"
    name = "an upload" if given.name == "upload" else f"an upload {given.name}"
    text = f"Given {name} {size}"
    stored = fill(str(given.stored))
    if stored != "0":
        text += f", {stored} bytes of it stored"
    headers = dict(given.header)
    if given.metadata is not None:
        headers["Upload-Metadata"] = given.metadata
    if headers:
        text += ", created with " + _header_lines(headers, fill)
    return text


def _describe_request(method: str, request: RequestSpec, fill: FillReferences) -> str:
    text = method + _describe_target(method, request, fill)
    headers: dict[str, str | tuple[str, ...]] = {}
    for name, value in (
        ("Upload-Offset", request.offset),
        ("Upload-Length", request.length),
        ("Upload-Defer-Length", request.defer),
        ("Upload-Metadata", request.metadata),
    ):
        if value is not None:
            headers[name] = str(value)
    headers |= request.header
    parts = [f"sent as POST with X-HTTP-Method-Override: {method}"] if request.override else []
    if headers:
        parts.append(f"with {_header_lines(headers, fill)}")
    if request.parts:
        parts.append(f"with Upload-Concat: final over {_join_alternatives(request.parts, 'and')}")
    if request.omit:
        parts.append(f"without {_join_alternatives(request.omit, 'and')}")
    parts += _describe_body(request, fill)
    return ", ".join([text, *parts]) if parts else text


def _describe_target(method: str, request: RequestSpec, fill: FillReferences) -> str:
    if request.to is not None:
        place = fill(request.to)
        upload, _, suffix = place.partition("}")
        if suffix and upload in {"{upload", "{unknown"}:
            whose = "the upload" if upload == "{upload" else "an upload that never existed"
            return f" the URL of {whose} followed by {suffix}"
        return f" {_UPLOAD_NAMES.get(place, place)}"
    if method == "POST":
        return " a new upload" if request.of == "upload" else f" a new upload {request.of}"
    return " the creation URL" if method == "OPTIONS" else f" {_upload_name(request.of)}"


def _describe_body(request: RequestSpec, fill: FillReferences) -> list[str]:
    parts = []
    if request.send is not None:
        size = fill(str(request.send))
        many = "the rest of the content" if size == "rest" else f"{size} bytes"
        start = f" of the content from byte {request.at}" if request.at is not None else ""
        parts.append(f"sending {many}{start}")
    elif request.body is not None:
        parts.append(f"sending {quote_value(fill(request.body))!r}")
    if request.framing == "chunked":
        parts.append("in chunked coding")
    if request.framing == "raw":
        parts.append("sent byte for byte")
    if request.declare is not None:
        parts.append(f"claiming Content-Length {fill(str(request.declare))}")
    if request.trailer:
        parts.append(f"with the trailer {_header_lines(request.trailer, fill)}")
    if request.cut is not None:
        parts.append(_describe_cut(request.cut))
    parts += [fill(describe_fault(fault)) for fault in request.faults]
    return parts + _describe_connection(request)


def _describe_connection(request: RequestSpec) -> list[str]:
    parts = ["over the persistent connection"] if request.connection == "kept" else []
    if request.http == "1.0":
        parts.append("as HTTP/1.0")
    if request.names != "usual":
        parts.append(f"with header names in {request.names} case")
    return parts


def _describe_cut(cut: Cut) -> str:
    how = "closed" if cut.by == "fin" else "reset"
    return f"the connection {how} after {place(cut.after)} of it"


def _upload_name(name: str) -> str:
    return "the upload" if name == "upload" else f"the upload {name}"


def _header_lines(headers: Mapping[str, str | tuple[str, ...]], fill: FillReferences) -> str:
    lines = [
        f"{name}: {quote_value(fill(value))}"
        for name, values in headers.items()
        for value in ((values,) if isinstance(values, str) else values)
    ]
    return _join_alternatives(lines, "and")


def quote_value(value: str) -> str:
    """Return a value so that one sees where it begins and ends."""
    if not value or value != value.strip() or not value.isprintable():
        return '"' + value.encode("unicode_escape").decode("ascii") + '"'
    return value


def _join_alternatives(items: Iterable[str], word: str = "or") -> str:
    *some, last = items
    return f"{', '.join(some)} {word} {last}" if some else last
