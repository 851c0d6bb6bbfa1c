"""A gallery of small faulty servers: the reference in memory, with one thing wrong in each.

Each is a function with one sentence that says what is wrong. It is given the right server and a
request, and returns the answer. `fails`, `warns` and `blocked` name the requirements that must come
out so, and `only` the scenarios, by glob, that it is shown to: those that look at what it does, and
some that do not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import cast
from unittest.mock import patch

import trio
from scripted_server import URL, Serve
from trio.testing import MockClock

from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import memory_network
from tus_reference import Config, Handler, MemoryLocker, MemoryStore, StoreComposer, serve_stream
from tus_reference.model import ClientDisconnected, Download, Headers, Request, Response
from tus_reports import RecordLine
from tus_scenarios import scenarios

ALWAYS_RUN = ("core.patch.success", "core.head.repeated", "creation.post")
"""Scenarios that every miniature is shown to, whatever it does wrong."""


class ReferenceInMemory:
    """The reference in memory, as it should be."""

    def __init__(self) -> None:
        composer = StoreComposer()
        self.store = MemoryStore()
        self.store.use_in(composer)
        MemoryLocker().use_in(composer)
        self.config = Config(
            store_composer=composer, max_size=64 * 1024 * 1024, expire_after=3600.0
        )
        self.handler = Handler(self.config)

    async def handle(self, request: Request) -> Response:
        """Answer a request rightly."""
        return await self.handler.handle(request)

    async def head_offset(self, request: Request) -> str | None:
        """Return the offset of the upload that a request is about."""
        head = Request("HEAD", request.target, Headers((("Tus-Resumable", "1.0.0"),)), _NONE)
        return header_value_of(await self.handler.handle(head), "Upload-Offset")

    def bytes_of(self, request: Request) -> bytearray:
        """Return the stored bytes of the upload that a request is about."""
        return self.store._data[request.path.rpartition("/")[2]]


AnswerRequest = Callable[[ReferenceInMemory, Request], Awaitable[Response]]


@dataclass(frozen=True)
class DefectServer:
    """A faulty server, and what must come out of it."""

    name: str
    act: AnswerRequest
    fails: set[str]
    warns: set[str]
    blocked: set[str]
    only: tuple[str, ...]

    @property
    def serve(self) -> Serve:
        """Return a server of one connection; its uploads are those of all its connections."""
        right = ReferenceInMemory()

        class Wrong:
            config = right.config

            async def handle(self, request: Request) -> Response:
                return await act(right, request)

        act, wrong = self.act, cast("Handler", Wrong())

        async def serve(stream: trio.abc.Stream) -> None:
            await serve_stream(wrong, stream)

        return serve


async def answer_correctly(right: ReferenceInMemory, request: Request) -> Response:
    """Everything is as it should be."""
    return await right.handle(request)


DEFECT_SERVERS: list[DefectServer] = []


def defect_server(
    *, fails: str = "", warns: str = "", blocked: str = "", only: str
) -> Callable[[AnswerRequest], AnswerRequest]:
    """Hang a faulty server in the gallery."""

    def register(act: AnswerRequest) -> AnswerRequest:
        assert act.__doc__, "a miniature says in a sentence what is wrong with it"
        name = act.__name__.replace("_", "-")
        found, warned, hidden = ({*rows.split()} for rows in (fails, warns, blocked))
        DEFECT_SERVERS.append(DefectServer(name, act, found, warned, hidden, tuple(only.split())))
        return act

    return register


def run_in_memory(serve: Serve, *only: str, jobs: int = 1) -> list[RecordLine]:
    """Run the suite, interruptions apart, against a server in memory; return the record's lines.

    The clock moves on by itself where everybody waits, so that no patience costs any time; what
    the server would do in a thread it does at once, since a thread keeps the time of the machine.
    """
    with patch("anyio.to_thread.run_sync", _run_inline):
        return trio.run(_run_in_memory, serve, only, jobs, clock=MockClock(autojump_threshold=0))


async def _run_in_memory(serve: Serve, only: tuple[str, ...], jobs: int) -> list[RecordLine]:
    lines: list[RecordLine] = []
    selection = Selection(only, skip=("interruption.*",))
    plan = RunPlan(
        target=Target(URL), scenarios=scenarios(), selection=selection, seed=7, jobs=jobs
    )
    async with memory_network(serve) as backend:
        await Run(plan, Http1Transport(backend=backend), lines.append)()
    return lines


async def _run_inline(work: Callable[..., object], *arguments: object, **_: object) -> object:
    await trio.lowlevel.checkpoint()
    return work(*arguments)


_NONE = type("Nothing", (), {"length": 0, "trailers": Headers()})()


def header_value_of(response: Response, name: str) -> str | None:
    """Return a header of an answer."""
    return next((text for key, text in response.headers if key.lower() == name.lower()), None)


def without_header(response: Response, name: str) -> Response:
    """Return an answer that lacks a header."""
    kept = tuple(item for item in response.headers if item[0].lower() != name.lower())
    return replace(response, headers=kept)


def with_header(response: Response, name: str, text: str) -> Response:
    """Return an answer in which a header reads otherwise."""
    bare = without_header(response, name)
    return replace(bare, headers=(*bare.headers, (name, text)))


def with_request_headers(request: Request, **headers: str) -> Request:
    """Return a request in which headers, "_" for "-" in their names, read otherwise."""
    new = {name.replace("_", "-"): text for name, text in headers.items()}
    gone = {name.lower() for name in new}
    lines = request.headers._values.items()
    kept = [(name, text) for name, texts in lines if name not in gone for text in texts]
    return replace(request, headers=Headers((*kept, *new.items())))


def request_header_value(request: Request, name: str) -> str | None:
    """Return a header of a request."""
    return request.headers.joined(name)


@defect_server(
    fails="core.head.upload-offset core.patch.upload-offset-value",
    warns="core.patch.apply-at-offset creation.initial-offset",
    blocked="core.head.offset-accurate",
    only="core.head.upload-offset* core.head.offset-accurate",
)
async def head_without_an_offset(right: ReferenceInMemory, request: Request) -> Response:
    """HEAD does not say how much is there."""
    answer = await right.handle(request)
    return without_header(answer, "Upload-Offset") if request.method == "HEAD" else answer


@defect_server(
    fails="core.head.offset-accurate core.patch.upload-offset-value core.patch.exceeds-length",
    warns="creation.initial-offset",
    blocked="core.patch.apply-at-offset",
    only="core.head.upload-offset* core.patch.chunks core.patch.exceeds-length/none",
)
async def head_one_byte_ahead(right: ReferenceInMemory, request: Request) -> Response:
    """HEAD says that one byte more is there."""
    answer = await right.handle(request)
    offset = header_value_of(answer, "Upload-Offset")
    if request.method != "HEAD" or offset is None:
        return answer
    return with_header(answer, "Upload-Offset", str(int(offset) + 1))


@defect_server(fails="core.head.cache-control", only="core.head.cache-control* core.head.not-found")
async def head_that_may_be_cached(right: ReferenceInMemory, request: Request) -> Response:
    """HEAD says nothing of caches."""
    return without_header(await right.handle(request), "Cache-Control")


@defect_server(
    fails="core.patch.success-204",
    only="core.patch.completing core.patch.zero-length* core.patch.no-content-length",
)
async def patch_answered_with_200(right: ReferenceInMemory, request: Request) -> Response:
    """A PATCH that was stored is answered with 200."""
    answer = await right.handle(request)
    stored = request.method == "PATCH" and answer.status == 204
    return replace(answer, status=200) if stored else answer


@defect_server(
    fails="core.patch.offset-mismatch-409 core.patch.offset-mismatch-no-change",
    only="core.patch.offset-mismatch/start core.patch.repeated",
)
async def patch_at_any_offset(right: ReferenceInMemory, request: Request) -> Response:
    """A PATCH is stored wherever the upload stands, whatever its offset says."""
    here = await right.head_offset(request) if request.method == "PATCH" else None
    return await right.handle(
        request if here is None else with_request_headers(request, Upload_Offset=here)
    )


@defect_server(
    fails="core.patch.offset-mismatch-409",
    only="core.patch.offset-mismatch/start core.patch.repeated",
)
async def mismatch_without_an_answer(right: ReferenceInMemory, request: Request) -> Response:
    """A PATCH at the wrong offset is refused by closing the connection."""
    answer = await right.handle(request)
    if request.method == "PATCH" and answer.status == 409:
        raise ClientDisconnected
    return answer


@defect_server(
    fails="core.upload-offset.reject-invalid",
    only="core.upload-offset.invalid* core.upload-offset.format",
)
async def bad_offset_that_breaks_it(right: ReferenceInMemory, request: Request) -> Response:
    """An Upload-Offset that is no number is an internal error."""
    offset = request_header_value(request, "Upload-Offset")
    if request.method == "PATCH" and offset is not None and not offset.isdigit():
        return Response(500, (("Tus-Resumable", "1.0.0"),))
    return await right.handle(request)


@defect_server(fails="core.patch.exceeds-length", only="core.patch.exceeds-length/*")
async def bytes_beyond_the_length(right: ReferenceInMemory, request: Request) -> Response:
    """A PATCH that goes beyond the length is refused, but the upload has grown."""
    answer = await right.handle(request)
    if request.method == "PATCH" and answer.status == 413:
        right.bytes_of(request).extend(b"-" * 20)
    return answer


@defect_server(
    warns="core.patch.content-type-415 core.patch.content-type-not-applied",
    only="core.patch.content-type/text core.patch.media-type-spelling*",
)
async def any_content_type(right: ReferenceInMemory, request: Request) -> Response:
    """A PATCH of any type is stored."""
    right_type = with_request_headers(request, Content_Type="application/offset+octet-stream")
    return await right.handle(right_type if request.method == "PATCH" else request)


@defect_server(
    fails="core.head.offset-accurate core.patch.upload-offset-value",
    blocked="core.patch.apply-at-offset",
    only="core.patch.chunks core.head.upload-offset/some",
)
async def last_byte_of_a_patch_lost(right: ReferenceInMemory, request: Request) -> Response:
    """The last byte of each PATCH is acknowledged, and dropped."""
    answer = await right.handle(request)
    if request.method == "PATCH" and answer.status == 204:
        del right.bytes_of(request)[-1:]
    return answer


@defect_server(
    fails="core.patch.apply-at-offset", only="core.patch.chunks core.head.upload-offset/some"
)
async def first_byte_of_a_patch_flipped(right: ReferenceInMemory, request: Request) -> Response:
    """The first byte of each upload is stored wrongly."""
    answer = await right.handle(request)
    data = right.bytes_of(request) if request.method == "PATCH" and answer.status == 204 else None
    if data:
        data[0] ^= 1
    return answer


@defect_server(
    fails="core.patch.apply-at-offset", only="core.patch.chunks core.head.upload-offset/some"
)
async def download_without_its_last_byte(right: ReferenceInMemory, request: Request) -> Response:
    """A download ends a byte too early."""
    answer = await right.handle(request)
    if not isinstance(answer.body, Download):
        return answer
    return replace(answer, body=b"".join([piece async for piece in answer.body.chunks])[:-1])


@defect_server(
    fails="core.tus-resumable.response-present",
    only="core.tus-resumable.response* core.patch.offset-mismatch/start",
)
async def errors_without_a_version(right: ReferenceInMemory, request: Request) -> Response:
    """Errors do not say which version they are of."""
    answer = await right.handle(request)
    return without_header(answer, "Tus-Resumable") if answer.status >= 400 else answer


@defect_server(
    fails="core.tus-resumable.unsupported-412 core.tus-resumable.unsupported-not-processed",
    blocked="core.tus-resumable.unsupported-tus-version",
    only="core.tus-resumable.unsupported.post* core.tus-resumable.unsupported.patch*",
)
async def any_version(right: ReferenceInMemory, request: Request) -> Response:
    """Every version is taken for 1.0.0."""
    stated = request_header_value(request, "Tus-Resumable") is not None
    return await right.handle(
        with_request_headers(request, Tus_Resumable="1.0.0") if stated else request
    )


@defect_server(
    fails="termination.gone",
    blocked="core.head.not-found-no-offset",
    only="termination.unfinished* termination.completed",
)
async def deletion_that_deletes_nothing(right: ReferenceInMemory, request: Request) -> Response:
    """DELETE is acknowledged, and the upload stays."""
    if request.method == "DELETE" and await right.head_offset(request) is not None:
        return Response(204, (("Tus-Resumable", "1.0.0"),))
    return await right.handle(request)


@defect_server(
    warns="creation.metadata.head-echo",
    only="creation.metadata.echo* creation.metadata.empty-value/only",
)
async def metadata_kept_for_itself(right: ReferenceInMemory, request: Request) -> Response:
    """HEAD does not tell the metadata."""
    return without_header(await right.handle(request), "Upload-Metadata")


@defect_server(
    fails="creation.advertise termination.advertise",
    warns="ext.discovery.tus-extension creation.supported",
    only="creation.advertise creation.supported termination.advertise ext.*",
)
async def extensions_kept_for_itself(right: ReferenceInMemory, request: Request) -> Response:
    """OPTIONS lists no extension."""
    return without_header(await right.handle(request), "Tus-Extension")


@defect_server(
    warns="creation.post.location-form", only="creation.post.location-form creation.zero-length"
)
async def location_of_an_inner_host(right: ReferenceInMemory, request: Request) -> Response:
    """Location names the host behind a proxy."""
    answer = await right.handle(request)
    there = header_value_of(answer, "Location")
    inner = f"http://inner.test/files/{(there or '').rpartition('/')[2]}"
    return answer if there is None else with_header(answer, "Location", inner)


@defect_server(
    fails="creation.post.location",
    warns="creation.zero-length.accept",
    blocked=(
        "core.head.upload-length core.head.offset-accurate core.patch.accept "
        "core.patch.apply-at-offset core.patch.success-204 core.patch.upload-offset-present "
        "core.patch.upload-offset-value creation.initial-offset"
    ),
    only="creation.post.* creation.zero-length",
)
async def creation_that_leads_nowhere(right: ReferenceInMemory, request: Request) -> Response:
    """A creation is acknowledged without a Location."""
    return without_header(await right.handle(request), "Location")


@defect_server(fails="creation.max-size.413", only="creation.max-size.*")
async def no_maximum_in_truth(right: ReferenceInMemory, request: Request) -> Response:
    """Tus-Max-Size is stated, and nobody looks."""
    length = request_header_value(request, "Upload-Length")
    if (
        request.method == "POST"
        and length
        and length.isdigit()
        and int(length) > right.config.max_size
    ):
        return await right.handle(with_request_headers(request, Upload_Length="1"))
    return await right.handle(request)
