"""Steps and expectations as plain English, for `explain` and for reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tus_scenarios.expectation import Condition, Expectation, HeaderMatches, Matcher
from tus_scenarios.fault import Cut, told
from tus_scenarios.fault import shown as place
from tus_scenarios.requirement import ledger
from tus_scenarios.step import Given, Request, Step

_KNOWN = {"{max-size+1}": "Tus-Max-Size + 1", "{max-size}": "Tus-Max-Size"}
_PLACES = {
    "{unknown}": "an upload that never existed",
    "{creation}": "the creation URL",
    "{upload}": "the upload",
    "*": "the server as a whole (*)",
}

Fill = Callable[[str], str]
"""Replaces the references in a text; `str` leaves them as they stand."""

_FORMS = {
    "integer": "a non-negative integer",
    "versions": "a comma-separated list of versions",
    "extensions": "a comma-separated list of extension names",
    "algorithms": "a comma-separated list of lower-case algorithm names",
    "list": "a comma-separated list with no member empty or twice",
    "compact-list": "a list without space around its commas",
    "metadata": "well-formed pairs",
    "metadata-pairs": "comma-separated pairs of a key and a value",
    "metadata-keys": "keys that are not empty and hold no space or comma",
    "metadata-ascii": "keys of ASCII",
    "metadata-base64": "Base64 values",
    "metadata-unique": "no key twice",
    "concat": '"partial", or "final;" and a list of URLs',
    "date": "a date in the form of RFC 9110",
    "obsolete-date": "a date in one of the obsolete forms",
    "url": "a URL",
    "same-origin": "a URL on the scheme, host and port of the request",
}
_GRADES = {"pass": "held", "warn": "a warning", "note": "a note", "fail": "a fail"}


def prose(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the sentences of a scenario: each step, and below it what is expected, indented."""

    def fill(text: str) -> str:
        for reference, words in _KNOWN.items():
            text = text.replace(reference, words)
        return text

    sentences = []
    for step in steps:
        sentences.append(acted(step, fill) + ".")
        sentences += [f"  expects {judged(each, fill)}." for each in step.expect]
    return tuple(sentences)


def acted(step: Step, fill: Fill = str) -> str:
    """Return what a step does."""
    if step.given is not None:
        return _given(step.given, fill)
    if step.finish is not None:
        text = f"Resume {_named(step.finish.of)} where HEAD says, complete it, compare every byte"
    else:
        assert step.message is not None
        text = _sent(fill(step.message.method or step.act.upper()), step.message, fill)
    if step.within:
        text += f", again and again for up to {step.within} seconds"
    return f"{text} (a precondition)" if step.setup else text


def judged(expectation: Expectation, fill: Fill = str) -> str:
    """Return what an expectation asks for, what else may come and how that counts, and its rows.

    Behind each that is no pass stands what it means.
    """
    text = expected(expectation, fill)
    for name, condition in expectation.after.items():
        text += f", if the answer to {name!r} had {conditioned(condition, fill)}"
    if expectation.when is not None:
        text += f", where the answer has {conditioned(expectation.when, fill)}"
    for grade, condition in expectation.alternatives[1:]:
        text += f"; {_GRADES[grade]} for {conditioned(condition, fill)}"
        text += f" ({condition.says})" if condition.says else ""
    rows = [ledger()[row] for row in expectation.requirements if row in ledger()]
    grades = {expectation.otherwise or row.grade for row in rows}
    rest = " or ".join(_GRADES[grade] for grade in sorted(grades)) or "undefined"
    rest += f" ({expectation.says})" if expectation.says else ""
    return f"{text}; else {rest} [{', '.join(expectation.requirements)}]"


def expected(expectation: Expectation, fill: Fill = str) -> str:
    """Return the condition under which an expectation passes."""
    return conditioned(expectation, fill)


def conditioned(condition: Condition, fill: Fill = str) -> str:
    """Return what a condition asks of an answer."""
    parts = []
    if condition.status is not None:
        wanted = condition.status if isinstance(condition.status, tuple) else (condition.status,)
        parts.append("status " + _either(str(status) for status in wanted))
    if condition.closed is not None:
        parts.append("a connection closed unanswered" if condition.closed else "an answer")
    if condition.interim is not None:
        parts.append(f"an interim {condition.interim}")
    parts += [_header(name, match, fill) for name, match in condition.header.items()]
    if condition.content is not None:
        parts.append("bytes {} to {} of the upload's content".format(*condition.content))
    if condition.intact is not None:
        parts.append("every byte in place" if condition.intact else "a byte missing or wrong")
    return ", ".join(parts)


def _header(name: str, match: HeaderMatches, fill: Fill) -> str:
    if isinstance(match, tuple):
        return _either(_header(name, each, fill) for each in match)
    if isinstance(match, bool):
        return name if match else f"no {name}"
    if isinstance(match, Matcher):
        return f"{name} {' and '.join(_matched(match, fill))}"
    return f"{name}: {shown(fill(str(match)))}"


def _matched(matcher: Matcher, fill: Fill) -> list[str]:
    asked = [
        f"{word} {shown(fill(str(value)))}"
        for word, value in (
            ("of", matcher.equals),
            ("other than", matcher.differs),
            ("with", matcher.includes),
            ("without", matcher.excludes),
            ("of nothing but", matcher.among),
            ("of the same members as", matcher.members),
            ("with the pairs", matcher.metadata),
            ("meaning", matcher.concat),
        )
        if value is not None
    ]
    if matcher.form is not None:
        verb = "made of" if matcher.form.startswith("metadata-") else "that is"
        asked.append(f"{verb} {_FORMS[matcher.form]}")
    return asked + _bounds(matcher, fill)


def _bounds(matcher: Matcher, fill: Fill) -> list[str]:
    least, most = (
        None if bound is None else fill(str(bound)) for bound in (matcher.least, matcher.most)
    )
    if least == most:
        return [] if least is None else [f"worth {least}"]
    bounds = [f"of {least} at least"] if least is not None else []
    return bounds + ([f"of {most} at most"] if most is not None else [])


def _given(given: Given, fill: Fill) -> str:
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
        text += ", created with " + _lines(headers, fill)
    return text


def _sent(method: str, request: Request, fill: Fill) -> str:
    text = method + _target(method, request, fill)
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
    parts = []
    if headers:
        parts.append(f"with {_lines(headers, fill)}")
    if request.parts:
        parts.append(f"with Upload-Concat: final over {_either(request.parts, 'and')}")
    if request.omit:
        parts.append(f"without {_either(request.omit, 'and')}")
    parts += _body(request, fill)
    return ", ".join([text, *parts]) if parts else text


def _target(method: str, request: Request, fill: Fill) -> str:
    if request.to is not None:
        place = fill(request.to)
        upload, _, suffix = place.partition("}")
        if suffix and upload in {"{upload", "{unknown"}:
            whose = "the upload" if upload == "{upload" else "an upload that never existed"
            return f" the URL of {whose} with {suffix} behind it"
        return f" {_PLACES.get(place, place)}"
    if method == "POST":
        return " a new upload" if request.of == "upload" else f" a new upload {request.of}"
    return " the creation URL" if method == "OPTIONS" else f" {_named(request.of)}"


def _body(request: Request, fill: Fill) -> list[str]:
    parts = []
    if request.send is not None:
        size = fill(str(request.send))
        many = "the rest of the content" if size == "rest" else f"{size} bytes"
        start = f" of the content from byte {request.at}" if request.at is not None else ""
        parts.append(f"sending {many}{start}")
    elif request.body is not None:
        parts.append(f"sending {shown(fill(request.body))!r}")
    if request.framing == "chunked":
        parts.append("in chunked coding")
    if request.framing == "raw":
        parts.append("written byte for byte as it stands")
    if request.declare is not None:
        parts.append(f"claiming Content-Length {fill(str(request.declare))}")
    if request.trailer:
        parts.append(f"with the trailer {_lines(request.trailer, fill)}")
    if request.cut is not None:
        parts.append(_cut(request.cut))
    parts += [fill(told(fault)) for fault in request.faults]
    if request.connection == "kept":
        parts.append("over the connection that is kept")
    return parts


def _cut(cut: Cut) -> str:
    how = "closed" if cut.by == "fin" else "reset"
    return f"the connection {how} after {place(cut.after)} of it"


def _named(name: str) -> str:
    return "the upload" if name == "upload" else f"the upload {name}"


def _lines(headers: Mapping[str, str | tuple[str, ...]], fill: Fill) -> str:
    lines = [
        f"{name}: {shown(fill(value))}"
        for name, values in headers.items()
        for value in ((values,) if isinstance(values, str) else values)
    ]
    return _either(lines, "and")


def shown(value: str) -> str:
    """Return a value so that one sees where it begins and ends."""
    if not value or value != value.strip() or not value.isprintable():
        return '"' + value.encode("unicode_escape").decode("ascii") + '"'
    return value


def _either(items: Iterable[str], word: str = "or") -> str:
    *some, last = items
    return f"{', '.join(some)} {word} {last}" if some else last
