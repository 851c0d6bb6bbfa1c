"""What every execution of a run shares: the target, the wire, what was discovered, the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from tus_conformance.discovery.body_limit import BodyLimit
from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.state.content_tally import ContentTally
from tus_conformance.state.kept_uploads import KeptUploads
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.removal import remove_upload
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest
from tus_reports import Exchange
from tus_scenarios import Expectation, Scenario

MAX_REMOVAL = 10.0
"""The longest time, in seconds, that the removal of the kept uploads may take."""

MAX_DOWNLOAD_TRIALS = 3
"""How many uploads are asked for with GET although the probe of one was refused."""

ExchangeObserver = Callable[[Scenario, HttpRequest, StepResponse], None]


CURE = (
    "With --server-command 'CMD {port}' the suite starts the server itself, and again when it ends."
)
"""What helps against a server that ends, as a sentence."""


class TextResolver(Protocol):
    """Fills in the references of a text."""

    def resolve_text(self, template: str) -> str:
        """Return the text; raise UnresolvedReference where one has no value."""
        ...


ExpectationObserver = Callable[[Scenario, tuple[Expectation, ...], TextResolver], None]


class RestartableServer(Protocol):
    """A server that the suite started, and can start again."""

    @property
    def has_exited(self) -> bool:
        """Return whether its process has ended."""
        ...

    async def restart(self) -> str:
        """Start it again, and return how it ended or that it had to be stopped."""
        ...


@dataclass
class Session:
    """The shared part of a run.

    `on_exchange` is called with every exchange of every scenario, `on_removal` with the URL of each
    upload that is removed after its scenario, and `on_expectations` with the expectations of each
    response before they are evaluated. `server` is known where the suite itself started it.
    `vain_waits` are the waits of repeated steps that this server let pass.
    `kept` are the uploads that stay until the end of the run; by default none. `on_server_error` is
    called with the response where a request that prepares a scenario got a server error.
    """

    target: Target
    transport: Transport
    discovery: DiscoveryResult
    seed: int = 0
    on_exchange: ExchangeObserver = lambda _scenario, _http_request, _reply: None
    on_removal: Callable[[str], None] = lambda _url: None
    on_expectations: ExpectationObserver = lambda _scenario, _expected, _references: None
    server: RestartableServer | None = None
    left_behind: LeftBehind = field(default_factory=LeftBehind)
    vain_waits: set[tuple[str, ...]] = field(default_factory=set)
    contents: ContentTally = field(default_factory=ContentTally)
    kept: KeptUploads | None = None
    on_body_limit: Callable[[BodyLimit], None] = lambda _limit: None
    on_server_error: Callable[[Scenario, StepResponse], None] = lambda _scenario, _reply: None

    def learn_body_limit(self, refused: int, exchange: Exchange) -> None:
        """Remember that a body of so many bytes was refused, for every request from now on."""
        limit = replace(self.discovery.body_limit, refused=refused, exchange=exchange)
        self.discovery = replace(self.discovery, body_limit=limit)
        self.on_body_limit(limit)

    @property
    def unknown_url(self) -> str:
        """Return the URL of an upload that never existed, shaped like those that do."""
        return self.discovery.unknown_url

    @property
    def offers_downloads(self) -> bool:
        """Return whether complete uploads can be read with GET: the profile knows, or a probe."""
        stated = self.target.profile.downloads
        probed = self.discovery.accepts("download") or self.contents.downloads_seen
        return probed if stated is None else stated

    @property
    def may_offer_downloads(self) -> bool:
        """Return whether a download is worth a trial: the probe may have met a lost upload."""
        found = self.discovery.capabilities.get("download")
        refused = found is not None and found.observed == "refused"
        is_open = self.target.profile.downloads is None and not self.offers_downloads
        return refused and is_open and self.contents.download_trials < MAX_DOWNLOAD_TRIALS

    @property
    def server_exited(self) -> bool:
        """Return whether a server that the suite started has ended."""
        return self.server is not None and self.server.has_exited

    async def accepts_connections(self) -> bool:
        """Return whether the server accepts connections, whether or not it responds."""
        http_response = await self.transport.send(
            HttpRequest(method="OPTIONS", url=self.target.url)
        )
        failure = http_response.failure
        return failure is None or failure.kind not in {"unreachable", "tls"}

    async def wait_until_responsive(self) -> bool:
        """Return whether the server answers within three times the patience."""
        pause = 0.05
        with trio.move_on_after(3 * self.target.timeout):
            while not self.server_exited:
                for method, url in (("OPTIONS", self.target.url), ("HEAD", self.unknown_url)):
                    # A server whose OPTIONS is broken is there, and is judged for the rest.
                    request = HttpRequest(
                        method=method, url=url, headers=(("Tus-Resumable", "1.0.0"),)
                    )
                    if (await self.transport.send(request)).status is not None:
                        return True
                await trio.sleep(pause)
                pause = min(2 * pause, 1.0)
        return False

    async def remove(self, url: str) -> bool | None:
        """Remove an upload where the server can; else remember that it is left behind."""
        gone: bool | None = False
        if self.can_remove:
            gone = await remove_upload(url, self.target, self.transport)
        if gone:
            self.on_removal(url)
        else:
            self.left_behind.urls.append(url)
        return gone

    def keep_uploads(self, scenario: Scenario, uploads: Iterable[UploadState]) -> set[str]:
        """Return the URLs of those uploads of a scenario that stay until the end of the run."""
        found = self.discovery
        if self.kept is None or (found.forgets_complete_uploads and not self.offers_downloads):
            return set()
        return self.kept.offer(scenario.id, uploads)

    async def remove_kept(self) -> None:
        """Remove the uploads that stayed until the end of the run, within a bound of time."""
        if self.kept is None:
            return
        urls, self.kept = self.kept.urls, None
        with trio.move_on_after(MAX_REMOVAL, shield=True):
            while urls:
                await self.remove(urls[0])
                del urls[0]
        self.left_behind.urls += urls

    async def remove_left_behind(self) -> None:
        """Try once more to remove what is left behind, now that nothing else is under way."""
        if not self.can_remove:
            return
        left, self.left_behind.urls[:] = self.left_behind.urls[:], []
        try:
            while left:
                gone = await self.remove(left[0])
                del left[0]
                if gone is None:
                    break
        finally:
            self.left_behind.urls += left

    @property
    def can_remove(self) -> bool:
        """Return whether uploads are to be removed, and the server can."""
        found = self.discovery
        can = found.accepts("termination") or found.advertises("termination")
        return can and self.target.profile.cleanup == "remove"
