"""Telling a scenario: its uploads, its requests and what is found, on one target.

A `Telling` is the `Story` that function scenarios are given; the replay of data scenarios walks
over the same methods. Nothing here decides what is right: answers go to `judgement`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager

import trio

from tus_conformance.dialogue.composing import Composer
from tus_conformance.dialogue.content import Comparison
from tus_conformance.dialogue.faulting import doubled, place
from tus_conformance.dialogue.headers import is_integer, resolved, value_of
from tus_conformance.dialogue.probing import GONE
from tus_conformance.dialogue.references import References
from tus_conformance.dialogue.reply import Reply
from tus_conformance.dialogue.session import Session
from tus_conformance.dialogue.stopping import Stopped, Unbound
from tus_conformance.dialogue.uploads import Upload
from tus_conformance.judging.judgement import judge, unreached
from tus_conformance.target import program
from tus_conformance.target.rate import patience
from tus_conformance.target.route import ImpassableError
from tus_conformance.target.server import ServerError
from tus_conformance.telling.finishing import finished
from tus_conformance.telling.preparing import ensure_room, prepared
from tus_conformance.wire import Answer, Held, Outgoing
from tus_reports import Check, Exchange
from tus_scenarios import Expectation, Fault, Finish, Given, Request, Scenario
from tus_scenarios import Reply as Seen

OF_COMPLETE_UPLOADS = {
    "core.head.upload-offset": "core.head.upload-offset",
    "concatenation.final.head-offset-equals-length": "concatenation.final",
}
"""The rows that say that HEAD goes on answering for complete uploads, each with the scenario in
which a server that forgets them is charged with it; no other is broken where it does not."""

_FORGOTTEN = (
    "A complete upload is not found any more (core.head.upload-offset), and nothing else can be"
    " asked of it."
)
_PERHAPS_FORGOTTEN = (
    "The server forgets complete uploads (core.head.upload-offset), and whether this one was"
    " complete is chance: its last bytes were sent, and no answer came."
)
_TOO_FAST = "The server asks for fewer requests (429); set `rate` in the profile to what it allows."


class Pace:
    """A request on its way, whose body is sent as the story wants."""

    def __init__(self, held: Held, received: Callable[[Answer], Awaitable[Reply]]) -> None:
        self._held = held
        self._received = received

    async def feed(self, size: int) -> None:
        """Send so many more bytes of the body."""
        await self._held.feed(size)

    async def hear(self, seconds: float) -> int | None:
        """Return the status of the next interim or final answer, or None if none comes in time."""
        return await self._held.hear(seconds)

    async def reply(self) -> Reply:
        """Send what is left of the body, and return the answer."""
        return await self._received(await self._held.reply())

    async def answer(self, seconds: float | None = None) -> Reply:
        """Return the answer without sending more of the body, waiting so many seconds for it."""
        return await self._received(await self._held.answer(seconds))

    async def cut(self, by: str = "rst") -> None:
        """Break the connection, by "fin" or "rst"."""
        await self._received(await self._held.cut("fin" if by == "fin" else "rst"))


class Telling:
    """One telling of a scenario; `attempt`, from 1, keeps the contents of its uploads apart."""

    def __init__(self, session: Session, scenario: Scenario, attempt: int = 1) -> None:
        self.session = session
        self.scenario = scenario
        self.step: int | None = None
        self.checks: list[Check] = []
        self.exchanges: list[Exchange] = []
        self.uploads: dict[str, Upload] = {}
        self.replies: dict[str, Reply] = {}
        self.references = References(session, scenario.parameters, self.uploads, self.replies)
        self._composer = Composer(self.references, f"{session.seed}:{scenario.id}:{attempt}")
        self._created: list[str] = []
        self._held = AsyncExitStack()

    async def __aenter__(self) -> Telling:
        return self

    async def __aexit__(self, *details: object) -> None:
        with trio.CancelScope(shield=True):
            await self._held.aclose()
            await self._composer.line.aclose()
            for url in self._created:
                await self.session.remove(url)

    # Requests

    async def given(self, given: Given) -> Upload:
        """Put a precondition in place; raise Stopped where the server does not let us."""
        return await prepared(self, given)

    def adopt(self, given: Given, url: str) -> Upload:
        """Take in an upload that was made by other means than a request."""
        body = self._composer.content(Request(of=given.name))
        upload = Upload(name=given.name, url=url, body=body, declared=True)
        self.uploads[given.name] = upload
        self._created.append(url)
        return upload

    async def send(self, method: str, request: Request) -> Reply:
        """Send a request and return its answer; of one that is sent twice the better one."""
        upload = self.uploads.get(request.of)
        if method == "POST" and request.send is not None and isinstance(request.length, int):
            ensure_room(self.session, request.length)
        outgoing, at = self._composer.compose(method, request)
        with _passable():
            answers = [await self.session.wire.send(outgoing)] if not doubled(request) else []
        if not answers:
            answers = await self._twice(outgoing)
        replies = [self._received(outgoing, request, upload, at, each) for each in answers]
        return next((reply for reply in replies if reply.succeeded), replies[0])

    async def _twice(self, outgoing: Outgoing) -> list[Answer]:
        """Send a message over two connections at once; return the answers as they came."""
        answers: list[Answer] = []

        async def once() -> None:
            with _passable():
                answers.append(await self.session.wire.send(outgoing))

        await self.together(once, once)
        return answers

    async def fetch(self, upload: Upload, comparison: Comparison) -> Reply:
        """Download an upload, comparing its bytes as they arrive."""
        request = Request(of=upload.name)
        outgoing, at = self._composer.compose("GET", request)
        answer = await self.session.wire.send(outgoing, sink=comparison.feed)
        return self._received(outgoing, request, upload, at, answer)

    async def hold(self, method: str, request: Request) -> Pace:
        """Send the head of a request, and leave the pace of its body to the story."""
        upload = self.uploads.get(request.of)
        outgoing, at = self._composer.compose(method, request)
        with _passable():
            held = await self._held.enter_async_context(self.session.wire.hold(outgoing))

        async def received(answer: Answer) -> Reply:
            return self._received(outgoing, request, upload, at, answer)

        return Pace(held, received)

    def place(self, fault: Fault, method: str, request: Request) -> int:
        """Return where a fault has its place in the body of a request, in bytes."""
        outgoing, _ = self._composer.compose(method, request)
        return place(fault.at, self.references, outgoing.payload)

    def _received(
        self,
        outgoing: Outgoing,
        request: Request,
        upload: Upload | None,
        at: int,
        answer: Answer,
    ) -> Reply:
        self.exchanges.append(answer.exchange)
        place = len(self.exchanges) - 1
        before = {name: known.offset for name, known in self.uploads.items()}
        reply = Reply(answer, outgoing.method, outgoing.url, place, upload, at, before)
        if upload is not None and outgoing.payload is not None:
            upload.sent = max(upload.sent, at + answer.sent)
            upload.unanswered |= answer.status is None and upload.may_be_complete
        self._created += _unseen(answer, outgoing)
        self.session.observe(self.scenario, outgoing, reply)
        if reply.succeeded and outgoing.method == "POST" and request.to is None:
            self._bind(request, reply, outgoing)
        elif reply.succeeded and upload is not None and outgoing.url == upload.url:
            _follow(upload, request, reply)
        if reply.status == 429:
            raise Stopped("inconclusive", _TOO_FAST)
        return reply

    def _bind(self, request: Request, reply: Reply, outgoing: Outgoing) -> None:
        url = resolved(reply.header("Location") or "", reply.url)
        if url is None:
            return
        upload = Upload(
            name=request.of,
            url=url,
            body=self._composer.content(request),
            length=self._length(request),
            declared=request.defer is None,
            metadata=value_of(outgoing.headers, "Upload-Metadata"),
            parts=tuple(self.references.upload(name) for name in request.parts),
            sent=reply.answer.sent,
        )
        self.uploads[request.of] = upload
        self._created.append(upload.url)
        _follow(upload, request, reply)

    def _length(self, request: Request) -> int | None:
        if request.parts:
            return sum(self.references.upload(name).length or 0 for name in request.parts)
        sent = "" if request.length is None else self.references.text(str(request.length))
        return int(sent) if is_integer(sent) else None

    # Judging

    def expect(self, reply: Seen, *expected: Expectation, patiently: bool = False) -> bool:
        """Judge an answer of this telling; return whether every expectation came out as a pass.

        What was asked for `patiently` had its time, and silence counts.
        """
        assert isinstance(reply, Reply)
        found = [
            check
            for each in expected
            for check in judge(
                each, reply, self.references.before(reply), self.step, patiently=patiently
            )
        ]
        if self._forgotten(reply):
            told = [check for check in found if self._counts_of_complete(check)]
            if told != found:
                self.checks += told
                raise Stopped("blocked", _FORGOTTEN)
        self.checks += found
        return all(check.grade == "pass" for check in found)

    def _forgotten(self, reply: Reply) -> bool:
        """Tell whether a server that forgets complete uploads, as a probe saw, forgot one.

        Raises Stopped where that is chance, so that a run comes out as the one before.
        """
        of = reply.upload
        if not self.session.discovery.forgets_complete_uploads or of is None:
            return False
        if of.unanswered and reply.status is not None:
            raise Stopped("blocked", _PERHAPS_FORGOTTEN)
        return reply.status in GONE and of.may_be_complete

    def _counts_of_complete(self, check: Check) -> bool:
        charged = OF_COMPLETE_UPLOADS.get(check.requirement)
        return check.outcome == "held" or charged == self.scenario.id.partition("/")[0]

    def skip(self, expected: tuple[Expectation, ...], reason: str) -> None:
        """Count expectations as not reached, for a stated reason."""
        self.checks += [check for each in expected for check in unreached(each, reason, self.step)]

    async def finish(self, finish: Finish, *expected: Expectation) -> None:
        """Resume an upload by what HEAD says, complete it, compare its bytes, and judge that."""
        self.expect(await self.completed(finish), *expected)

    async def completed(self, finish: Finish) -> Reply:
        """Complete an upload from where HEAD says; the reply tells whether it is intact."""
        return await finished(self, self.references.upload(finish.of))

    def knows(self, name: str) -> float:
        """Return a number of seconds from the profile; a scenario names it in `needs`."""
        return self.session.target.profile.seconds(name)

    async def restart(self) -> None:
        """Restart the server as the profile says; raise Stopped where it does not come back."""
        command = self.session.target.profile.commands.restart
        try:
            if isinstance(command, str):
                await program.output(command)
            elif self.session.server is not None:
                await self.session.server.restart()
        except (program.ProgramError, ServerError) as failed:
            raise Stopped("error", str(failed)) from None
        if not await self.session.answers():
            raise Stopped("error", "The server does not answer after it was restarted.")

    # Time

    async def until(self, ready: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
        """Ask again, less and less often, until ready or the deadline is over."""
        pause = 0.05
        became = False
        with patience(seconds):
            while not (became := await ready()):
                await trio.sleep(pause)
                pause = min(pause * 1.5, 1.0)
        return became

    async def together(self, *branches: Callable[[], Awaitable[None]]) -> None:
        """Tell several branches at once, and go on when all have ended."""
        ended: list[Exception] = []

        async def tell(branch: Callable[[], Awaitable[None]]) -> None:
            try:
                await branch()
            except (Stopped, Unbound) as early:
                ended.append(early)

        async with trio.open_nursery() as nursery:
            for branch in branches:
                nursery.start_soon(tell, branch)
        if ended:
            raise ended[0]


def _follow(upload: Upload, request: Request, reply: Reply) -> None:
    """Keep the upload as the server describes it: its offset, and whether its bytes are ours."""
    offset = reply.header("Upload-Offset")
    if offset is None or not is_integer(offset):
        return
    if request.body and int(offset) > upload.offset:
        upload.foreign = True
    upload.offset = int(offset)
    if reply.method == "HEAD" and reply.header("Upload-Length") is not None:
        # After a request that broke off, HEAD alone tells whether its length has arrived.
        upload.declared = True
    if request.length is not None and is_integer(str(request.length)):
        upload.declared = True
        if upload.length is None:
            upload.length = int(request.length)


def _unseen(answer: Answer, outgoing: Outgoing) -> list[str]:
    """Return the URL of an upload whose creation was answered, but not to the story."""
    response = answer.exchange.response
    if not answer.cut or outgoing.method != "POST" or response is None or response.status != 201:
        return []
    location = next((v for name, v in response.headers if name.lower() == "location"), "")
    url = resolved(location, outgoing.url)
    return [] if url is None else [url]


@contextmanager
def _passable() -> Iterator[None]:
    """Stop the scenario where a request cannot go the way to the target."""
    try:
        yield
    except ImpassableError as impassable:
        raise Stopped("not-applicable", str(impassable)) from None
