"""Carrying out the edits of a rule, on the request and on the response."""

import re
from collections.abc import Callable, Iterator
from functools import partial

import anyio

from tus_defects.call import Call
from tus_defects.matching import match_response, match_uploads
from tus_defects.message_edits import (
    answer,
    rewrite,
    set_header,
    set_status,
    strip,
    with_body,
    with_request_headers,
    without_checksum,
    without_trailers,
)
from tus_defects.rule import Edit, Match
from tus_defects.storing import change_content, change_stored
from tus_reference.model import BodyEndedEarly, EarlyEnd, Request, Response


async def apply_rule(match: Match, edit: Edit, call: Call) -> Response:
    """Respond to a request as a rule says, where it applies, and else as the server does."""
    matched = await match_uploads(match, call)
    if matched is None:
        return await call.respond()
    call = matched
    if edit.answer:
        return await _edit_response(edit, call, _own_answer(edit, edit.answer))
    request = await _edit_request(edit, call)
    response = await call.respond(request)
    if not await match_response(match, call, response):
        return response
    if edit.close:
        raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
    await _take_effect(edit, call, response)
    if edit.answer_after:
        kept = tuple(item for item in response.headers if item[0] in edit.keep)
        response = _own_answer(edit, edit.answer_after).with_headers(*kept)
    return await _edit_response(edit, call, response)


async def _take_effect(edit: Edit, call: Call, response: Response) -> None:
    if edit.stored:
        await change_stored(edit, call, response)
    await anyio.sleep(edit.wait)


def _own_answer(edit: Edit, status: int) -> Response:
    made = answer(status)
    return Response(status, made.headers, edit.text.encode() or made.body)


async def _edit_request(edit: Edit, call: Call) -> Request:
    """Return the request as the server is to see it; the same one where nothing is edited."""
    request = await _edit_body(edit, call)
    if edit.ignore_checksum:
        request = without_checksum(request)
    if not edit.request:
        return request
    headers = {
        name: None if text is False else await expand(text, call)
        for name, text in edit.request.items()
    }
    # Without the upload, what it would have to be compared with is missing: all stays as it is.
    missing = any(text is not False and headers[n] is None for n, text in edit.request.items())
    return request if missing else with_request_headers(request, headers)


async def _edit_body(edit: Edit, call: Call) -> Request:
    request = call.request
    match edit.body:
        case "":
            return request
        case "not-read":
            return with_body(request, b"")
        case "without-trailers":
            return without_trailers(request)
    data = await call.read_body()
    match edit.body:
        case "discarded":
            data = b""
        case "inverted":
            data = bytes(byte ^ 0xFF for byte in data)
        case "reversed":
            data = data[::-1]
        case "buffered":
            pass
    return with_body(request, data)


async def expand(template: str, call: Call) -> str | None:
    """Return a header value with its placeholders filled in, or None where one has no value.

    {offset} is the offset of the upload, {end} the offset that the request says it reaches, and
    {size} how many bytes the body has.
    """
    if "{" not in template:
        return template
    info, size, start = await call.upload(), call.request.body.length, call.number("Upload-Offset")
    end = None if size is None or start is None else start + size
    values = {"offset": None if info is None else info.offset, "end": end, "size": size}
    try:
        return template.format_map({name: v for name, v in values.items() if v is not None})
    except KeyError:
        return None


async def _edit_response(edit: Edit, call: Call, response: Response) -> Response:
    response = strip(set_status(response, edit.status or response.status), *edit.strip)
    for name, template in edit.set.items():
        text = await expand(template, call)
        response = response if text is None else set_header(response, name, text)
    response = response.with_headers(*edit.add.items())
    for name, change in _header_changes(edit):
        response = rewrite(response, name, change)
    return await change_content(edit, response)


def _header_changes(edit: Edit) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Yield the changes of headers that a response may have, in order."""
    for name, substitutions in edit.replace.items():
        yield from ((name, partial(re.sub, old, new)) for old, new in substitutions.items())
    yield from ((name, partial(_increase, amount)) for name, amount in edit.increase.items())
    yield from ((name, partial(_format, form)) for name, form in edit.format.items())
    yield from ((name, partial(_unlist, member)) for name, member in edit.unlist.items())


def _increase(amount: int, text: str) -> str:
    return str(int(text) + amount)


def _format(form: str, text: str) -> str:
    return form.format(int(text))


def _unlist(member: str, text: str) -> str:
    return ",".join(each for each in text.split(",") if each != member)
