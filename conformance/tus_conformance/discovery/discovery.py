"""Discovery: what a server says it can do, against what a probe saw it do.

Both count. What OPTIONS lists is taken to be meant; what is not listed is only called unsupported
after a probe saw it refused. A probe that could not be made says "unknown", never "refused".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from string import ascii_lowercase
from urllib.parse import urlsplit, urlunsplit

import trio

from tus_conformance.discovery.body_limit import BodyLimit
from tus_conformance.discovery.creation_needs import (
    CreationNeeds,
    find_creation_needs,
    may_need_more,
)
from tus_conformance.discovery.preflight import ensure_path, ensure_reachable, ensure_tus
from tus_conformance.discovery.prober import Prober, TargetUnreachable
from tus_conformance.discovery.probes import PROBES, run_probe
from tus_conformance.discovery.refusal_baseline import RefusalBaseline
from tus_conformance.discovery.response_origin import ServerMarks
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import (
    header_value,
    is_integer,
    parse_integer,
    split_list,
)
from tus_reports import Capability, Discovery, Exchange

MAX_STATED_SIZE = 2**63 - 1
"""The largest Tus-Max-Size that counts as a limit, in bytes: what a record can hold."""


@dataclass(frozen=True)
class DiscoveryResult:
    """What is known of a server before the first scenario.

    `expires_in` is after how many seconds a fresh upload is said to expire. `obstructed` are the
    extensions that a proxy keeps from being tested, `obstructed_requests` the methods, each with
    the reason; `charged` is what fails for every upload, so that one scenario is charged with it;
    `hidden` is what cannot be seen through a proxy.
    `proxied_marks` are those of the server's responses, where there is a proxy. `needs` is what
    creations need beyond what tus asks for; every creation of the run sends it.
    """

    max_size: int | None = None
    versions: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    capabilities: dict[str, Capability] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    unknown_url: str = ""
    refusal_baseline: RefusalBaseline = field(default_factory=RefusalBaseline)
    expires_in: float | None = None
    origin_obstacle: str = ""
    body_limit: BodyLimit = field(default_factory=BodyLimit)
    obstructed: dict[str, str] = field(default_factory=dict)
    needs: CreationNeeds | None = None
    obstructed_requests: dict[str, str] = field(default_factory=dict)
    charged: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    proxied_marks: ServerMarks | None = None

    def advertises(self, name: str) -> bool:
        """Return whether the server lists an extension."""
        return name in self.extensions

    def accepts(self, name: str) -> bool:
        """Return whether a probe saw that the server does it."""
        found = self.capabilities.get(name)
        return found is not None and found.observed == "accepted"

    @property
    def forgets_complete_uploads(self) -> bool:
        """Return whether a probe saw that HEAD no longer finds an upload that is complete."""
        found = self.capabilities.get("complete-uploads")
        return found is not None and found.observed == "refused"

    def to_record(self) -> Discovery:
        """Return the line of the run record."""
        return Discovery(
            versions=self.versions,
            extensions=self.extensions,
            algorithms=self.algorithms,
            max_size=self.max_size,
            capabilities=tuple(self.capabilities.values()),
            refusal_baseline=self.refusal_baseline.sentences,
            exchanges=self.exchanges,
        )


async def discover(
    target: Target, transport: Transport, left_behind: LeftBehind | None = None
) -> DiscoveryResult:
    """Ask a server what it can do and try it; what cannot be removed is noted in `left_behind`.

    Raises TargetUnreachable if the server does not answer, needs a login, or is no tus server.
    """
    prober = Prober(target, transport)
    try:
        return await _run_probes(target, prober)
    except TargetUnreachable as unreachable:
        unreachable.exchanges = tuple(prober.exchanges)
        raise
    finally:
        with trio.CancelScope(shield=True):
            await prober.clean_up(left_behind or LeftBehind())


async def _run_probes(target: Target, prober: Prober) -> DiscoveryResult:
    options = await prober.send("OPTIONS", target.url)
    await ensure_reachable(prober, options)
    await ensure_tus(prober, options)
    extensions = _parse_list_header(options, "Tus-Extension")
    refusal_baseline = await prober.measure_refusal_baseline()
    needs = None
    if may_need_more(refusal_baseline.header):
        needs = await find_creation_needs(prober)
    if needs is not None:
        prober.target = needs.apply(target)
        refusal_baseline = await prober.measure_refusal_baseline()
    await ensure_path(prober, options, refusal_baseline.header)
    capabilities = {}
    for probe in PROBES:
        seen = await run_probe(probe, prober)
        capabilities[probe.name] = Capability(
            name=probe.name,
            advertised=probe.name in extensions,
            observed=seen.outcome,
            reason=f"{seen.reason} {needs.sentence}"
            if needs is not None and probe.name == "creation"
            else seen.reason,
        )
    stated = _parse_size(header_value(options.headers, "Tus-Max-Size"))
    return DiscoveryResult(
        max_size=stated,
        versions=_parse_list_header(options, "Tus-Version"),
        extensions=extensions,
        algorithms=_parse_list_header(options, "Tus-Checksum-Algorithm"),
        capabilities=capabilities,
        exchanges=tuple(prober.exchanges),
        unknown_url=unknown_upload_url(
            prober.first_upload_url or target.url, created=prober.first_upload_url is not None
        ),
        refusal_baseline=refusal_baseline,
        expires_in=prober.expires_in,
        origin_obstacle=prober.origin_obstacle,
        needs=needs,
    )


def _parse_size(value: str | None) -> int | None:
    if value is None or not is_integer(value):
        return None
    return min(parse_integer(value), MAX_STATED_SIZE)


def unknown_upload_url(url: str, *, created: bool) -> str:
    """Return a URL shaped like an upload's, but of one that never existed."""
    parts = urlsplit(url)
    if not created:
        path = parts.path.rstrip("/") + "/" + "7" * 32
        return urlunsplit(parts._replace(path=path, query=""))
    stem, _, last = parts.path.rpartition("/")
    return urlunsplit(parts._replace(path=f"{stem}/{_mutate_name(last)}"))


def _mutate_name(name: str) -> str:
    """Change the letters and digits of a name for others of their kind; its shape stays."""
    if name.isdecimal() and len(name) < _COUNTER_DIGITS:
        return "7" * _COUNTER_DIGITS + name
    digits, letters = "0123456789", "abcdef" if _HEXADECIMAL.fullmatch(name) else ascii_lowercase
    alphabets = digits, letters, letters.upper()
    rotated = "".join(kind[3:] + kind[:3] for kind in alphabets)
    other = name.translate(str.maketrans("".join(alphabets), rotated))
    return other if other != name else f"{name}7"


_HEXADECIMAL = re.compile(r"[0-9a-fA-F.+_-]*")
_COUNTER_DIGITS = 15
"""A number with so many digits is no counter, and no counter will come so far."""


def _parse_list_header(http_response: HttpResponse, name: str) -> tuple[str, ...]:
    value = header_value(http_response.headers, name)
    return tuple(member for member in split_list(value) if member) if value else ()
