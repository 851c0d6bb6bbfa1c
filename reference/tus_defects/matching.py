"""Deciding whether a rule applies: to a request, to the uploads that it is about, to a response."""

import re
from collections.abc import Iterable
from dataclasses import replace

from tus_defects.call import Call
from tus_defects.connection_facts import read_facts
from tus_defects.kinds import REQUESTS, UPLOADS
from tus_defects.message_edits import find_header, method_of
from tus_defects.rule import ConnectionMatch, Match, UploadKind
from tus_defects.server import Server
from tus_reference.model import FileInfo, Request, Response


def match_request(match: Match, request: Request, server: Server) -> bool:
    """Return whether the request alone is what a rule is about."""
    return (
        _matches(match.method, method_of(request))
        and _matches(match.sent, request.method)
        and _matches(match.target, request.target)
        and (match.name is None or _matches(f"(?:{match.name})", request.path.rpartition("/")[2]))
        and (not match.path or match.path == _place(request, server))
        and all(REQUESTS[kind](request) for kind in match.request)
        and _has_headers(match, request)
        and (not match.body or match.body == _framing(request))
        and _fits_connection(match.connection, request)
    )


def _fits_connection(match: ConnectionMatch, request: Request) -> bool:
    if match == ConnectionMatch():
        return True
    facts = read_facts(request)
    return facts is not None and facts.fit(match)


def _matches(pattern: str, text: str) -> bool:
    return not pattern or re.fullmatch(pattern, text) is not None


def _place(request: Request, server: Server) -> str:
    if request.path == "*":
        return "server"
    return "endpoint" if server.urls.is_endpoint(request.path) else "upload"


def _framing(request: Request) -> str:
    length = request.body.length
    return "chunked" if length is None else "sized" if length else "empty"


def _has_headers(match: Match, request: Request) -> bool:
    joined = request.headers.joined
    return (
        all(_is_as(joined(name), wanted) for name, wanted in match.header.items())
        and not any(_is_as(joined(name), pattern) for name, pattern in match.lacks.items())
        and all(_is_above(joined(name), bound) for name, bound in match.above.items())
    )


def _is_as(text: str | None, wanted: str | bool) -> bool:  # noqa: FBT001 - as TOML has it
    if isinstance(wanted, bool):
        return (text is not None) is wanted
    return text is not None and re.fullmatch(wanted, text) is not None


def _is_above(text: str | None, bound: int) -> bool:
    return text is not None and text.isdecimal() and int(text) > bound


async def match_uploads(match: Match, call: Call) -> Call | None:
    """Return the call with its upload, or None if the uploads are not what a rule is about."""
    if match.remembers and not call.memory.history.fits(match, call.upload_id, call.ordinal):
        return None
    if match.upload or match.longer_than >= 0 or match.beyond >= 0:
        call = replace(call, matched=await call.upload())
        if not _is_kind(call.matched, match.upload) or not _is_size(match, call.info):
            return None
    if match.partials:
        listed = await call.server.find_listed(call.request)
        if not any(_is_kind(each, match.partials) for each in listed):
            return None
    return call


def _is_size(match: Match, info: FileInfo) -> bool:
    return (info.size or 0) > match.longer_than and info.offset > match.beyond


def _is_kind(info: FileInfo | None, kinds: Iterable[UploadKind]) -> bool:
    return info is not None and all(UPLOADS[kind](info) for kind in kinds)


async def match_response(match: Match, call: Call, response: Response) -> bool:
    """Return whether the response, and the upload after it, are what a rule is about."""
    return (
        _has_status(match.status, response.status)
        and (not match.reason or match.reason == response.reason)
        and all(
            _is_as(find_header(response, name), wanted) for name, wanted in match.response.items()
        )
        and (not match.after or _is_kind(await call.upload(), match.after))
        and (not match.created or _is_kind(await call.find_created(response), match.created))
    )


def _has_status(wanted: int | str, status: int) -> bool:
    text = str(wanted)
    pattern = text.removeprefix("!").replace("x", ".")
    return not text or (re.fullmatch(pattern, str(status)) is not None) is not text.startswith("!")
