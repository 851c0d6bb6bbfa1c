"""From a scenario's request to the message that goes out: URL, headers, body."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urljoin

from tus_conformance.execution.request_faults import body_position, drops_response, resolve_faults
from tus_conformance.state.content import ConcatenatedContent, Content, GeneratedContent
from tus_conformance.state.early_exit import UnresolvedReference
from tus_conformance.state.references import References
from tus_conformance.state.upload import UploadState
from tus_conformance.transport import BodyCut, HttpRequest, Payload, PersistentConnection
from tus_conformance.transport.header_values import (
    is_integer,
    parse_integer,
    read_integer,
    split_list,
)
from tus_scenarios import RequestSpec

OFFSET_TYPE = "application/offset+octet-stream"
VERSION = "1.0.0"


@dataclass(frozen=True)
class RequestComposer:
    """Composes the requests of one execution; `content_key` begins the keys of its contents.

    `connection` is the connection that the execution keeps.
    """

    references: References
    content_key: str
    connection: PersistentConnection = field(default_factory=PersistentConnection)

    def compose(self, method: str, request: RequestSpec) -> tuple[HttpRequest, int]:
        """Return the message, and where in the upload's content its body begins."""
        text = self.references.resolve_text
        at = self._position(request)
        payload = self._payload(request, at)
        template = request.to or _default_url(method, request.of)
        here = self.references.session.target.url
        http_request = HttpRequest(
            method="POST" if request.override else text(method),
            url=here if template == "*" else urljoin(here, text(template)),
            headers=self._headers(method, request, payload),
            payload=payload,
            framing=request.framing,
            declared_length=None if request.declare is None else text(str(request.declare)),
            trailers=tuple((name, text(value, payload)) for name, value in request.trailer.items()),
            cut=None
            if request.cut is None
            else BodyCut(
                body_position(request.cut.after, self.references, payload), request.cut.by
            ),
            faults=resolve_faults(request, self.references),
            drop_response=drops_response(request),
            connection=self.connection if request.connection == "kept" else None,
            asterisk_form=template == "*",
            http_version=request.http,
        )
        return http_request, at

    def content_for(self, request: RequestSpec) -> Content:
        """Return the content of the upload to be created; a final's is its parts', joined."""
        if not request.parts:
            return GeneratedContent(f"{self.content_key}:{request.of}")
        parts = [self.references.upload(name) for name in request.parts]
        return ConcatenatedContent(tuple((part.body, part.length or 0) for part in parts))

    def default_headers(self, method: str) -> dict[str, str]:
        """Return the headers that every request of a method has on this target."""
        version = {} if method == "OPTIONS" else {"Tus-Resumable": VERSION}
        own = dict(self.references.session.target.headers)
        named = {name.lower() for name in own}
        coding = {} if "accept-encoding" in named else {"Accept-Encoding": "identity"}
        return version | coding | own

    def _headers(
        self, method: str, request: RequestSpec, payload: Payload | None
    ) -> tuple[tuple[str, str], ...]:
        text = self.references.resolve_text
        headers = self.default_headers(method)
        if method == "POST" and request.to is None:
            headers |= self.references.session.target.profile.creation_headers
        if method == "PATCH":
            headers |= {"Content-Type": OFFSET_TYPE, "Upload-Offset": str(self._offset(request.of))}
        given = {
            "Upload-Offset": request.offset,
            "Upload-Length": request.length,
            "Upload-Defer-Length": request.defer,
            "Upload-Metadata": self._metadata(method, request),
        }
        headers |= {name: text(str(value)) for name, value in given.items() if value is not None}
        if request.parts:
            urls = " ".join(f"{{{name}.path}}" for name in request.parts)
            headers["Upload-Concat"] = text(f"final;{urls}")
        if request.override:
            headers["X-HTTP-Method-Override"] = method
        takes_body = request.override or method in {"POST", "PATCH"}
        if payload is None and takes_body and request.framing != "chunked":
            headers["Content-Length"] = "0"
        replaced = {name.lower() for name in (*request.omit, *request.header)}
        lines = [(name, value) for name, value in headers.items() if name.lower() not in replaced]
        for name, value in request.header.items():
            values = (value,) if isinstance(value, str) else value
            lines += [(name, text(one, payload)) for one in values]
        return tuple((_spell_name(name, request.names), value) for name, value in lines)

    def _metadata(self, method: str, request: RequestSpec) -> str | None:
        """Return the metadata of a request; a creation has what the target needs, too.

        What the target needs comes first, since at the end it could hide what is wrong with the
        rest. An empty header stays empty.
        """
        needed = self.references.session.target.profile.metadata
        if not needed or method != "POST" or request.to is not None or request.metadata == "":
            return request.metadata
        if request.metadata is None:
            return needed
        own = {
            _metadata_key(pair)
            for pair in split_list(self.references.resolve_text(request.metadata))
        }
        added = [pair for pair in split_list(needed) if _metadata_key(pair) not in own]
        return ",".join([*added, request.metadata])

    def position(self, request: RequestSpec) -> tuple[int | None, int]:
        """Return the offset that a request states, if it is a number, and where its body begins."""
        at = self._position(request)
        if request.offset is None:
            return self._offset(request.of), at
        sent = self.references.resolve_text(str(request.offset))
        return read_integer(sent), at

    def _position(self, request: RequestSpec) -> int:
        if request.at is not None:
            return request.at
        if request.offset is not None:
            sent = self.references.resolve_text(str(request.offset))
            if is_integer(sent):
                return parse_integer(sent)
        return self._offset(request.of)

    def _offset(self, name: str) -> int:
        upload = self.references.uploads.get(name)
        return upload.offset if upload else 0

    def _payload(self, request: RequestSpec, at: int) -> Payload | None:
        if request.body is not None:
            literal = self.references.resolve_text(request.body).encode()
            return Payload(length=len(literal), chunks=lambda: iter([literal]))
        if request.send is None:
            return None
        upload = self.references.uploads.get(request.of)
        body = upload.body if upload else self.content_for(request)
        rest = request.send == "rest"
        stop = (
            _required_length(upload) if rest else at + self.references.resolve_number(request.send)
        )
        if stop <= at:  # the offset that a server stated may lie beyond the length
            return Payload(length=0, chunks=lambda: iter(()))
        return Payload(
            length=stop - at,
            chunks=lambda: body.chunks(at, stop),
            generated=f"bytes {at} to {stop - 1} of the content {body.key!r}",
        )


def _spell_name(name: str, letter_case: str) -> str:
    """Return a header name as it is, in lower case as HTTP/2 has it, or with odd capitals."""
    match letter_case:
        case "lower":
            return name.lower()
        case "odd":
            return "".join(
                letter.upper() if index % 2 else letter.lower() for index, letter in enumerate(name)
            )
    return name


def _metadata_key(pair: str) -> str:
    return pair.partition(" ")[0]


def _default_url(method: str, upload: str) -> str:
    return "{creation}" if method in {"POST", "OPTIONS"} else f"{{{upload}}}"


def _required_length(upload: UploadState | None) -> int:
    if upload is None or upload.length is None:
        raise UnresolvedReference("the length of the upload is unknown")
    return upload.length
