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

from tus_conformance.dialogue.headers import is_integer, members, value_of
from tus_conformance.dialogue.manners import Manners
from tus_conformance.dialogue.probing import Probe, Seen, Unreachable
from tus_conformance.target.route import ImpassableError, Route
from tus_conformance.target.target import Target
from tus_conformance.wire import Answer
from tus_reports import Capability, Discovery, Exchange

EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "checksum-trailer",
    "termination",
    "concatenation",
    "concatenation-unfinished",
)


@dataclass(frozen=True)
class Discovered:
    """What is known of a server before the first scenario.

    `expires_in` is after how many seconds a fresh upload is said to expire.
    """

    max_size: int | None = None
    versions: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    capabilities: dict[str, Capability] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    unknown_url: str = ""
    manners: Manners = field(default_factory=Manners)
    expires_in: float | None = None

    def advertised(self, name: str) -> bool:
        """Tell whether the server lists an extension."""
        return name in self.extensions

    def observed(self, name: str) -> bool:
        """Tell whether a probe saw that the server does it."""
        found = self.capabilities.get(name)
        return found is not None and found.observed == "accepted"

    @property
    def forgets_complete_uploads(self) -> bool:
        """Tell whether a probe saw that HEAD no longer finds an upload that is complete."""
        found = self.capabilities.get("complete-uploads")
        return found is not None and found.observed == "refused"

    def record(self) -> Discovery:
        """Return the line of the run record."""
        return Discovery(
            versions=self.versions,
            extensions=self.extensions,
            algorithms=self.algorithms,
            max_size=self.max_size,
            capabilities=tuple(self.capabilities.values()),
            manners=self.manners.sentences,
            exchanges=self.exchanges,
        )


async def discover(
    target: Target, route: Route, left_behind: list[str] | None = None
) -> Discovered:
    """Ask a server what it can do and try it; what cannot be removed is added to `left_behind`.

    Raises Unreachable if the server does not answer at all, or lets nobody in.
    """
    probe = Probe(target, route)
    try:
        return await _discover(target, probe)
    finally:
        with trio.CancelScope(shield=True):
            left = await probe.clean_up()
            if left_behind is not None:
                left_behind += left


async def _discover(target: Target, probe: Probe) -> Discovered:
    options = await probe.send("OPTIONS", target.url)
    if options.failure is not None and options.status is None:
        raise Unreachable(options.failure.sentence)
    extensions = _listed(options, "Tus-Extension")
    manners = await probe.learn_manners()
    capabilities = {}
    for name, attempt in probe.all.items():
        try:
            seen = await attempt()
        except ImpassableError as impassable:
            seen = Seen("unknown", str(impassable))
        probe.seen[name] = seen
        capabilities[name] = Capability(
            name=name,
            advertised=name in extensions,
            observed=seen.outcome,
            because=seen.because,
        )
    size = value_of(options.headers, "Tus-Max-Size")
    return Discovered(
        max_size=int(size) if size is not None and is_integer(size) else None,
        versions=_listed(options, "Tus-Version"),
        extensions=extensions,
        algorithms=_listed(options, "Tus-Checksum-Algorithm"),
        capabilities=capabilities,
        exchanges=tuple(probe.exchanges),
        unknown_url=unknown(probe.first or target.url, created=probe.first is not None),
        manners=manners,
        expires_in=probe.expires_in,
    )


def unknown(url: str, *, created: bool) -> str:
    """Return a URL shaped like an upload's, but of one that never existed."""
    parts = urlsplit(url)
    if not created:
        path = parts.path.rstrip("/") + "/" + "7" * 32
        return urlunsplit(parts._replace(path=path, query=""))
    stem, _, last = parts.path.rpartition("/")
    return urlunsplit(parts._replace(path=f"{stem}/{_mutated(last)}"))


def _mutated(name: str) -> str:
    """Change the letters and digits of a name for others of their kind; its shape stays."""
    if name.isdecimal() and len(name) < _COUNTED:
        return "7" * _COUNTED + name
    digits, letters = "0123456789", "abcdef" if _HEXADECIMAL.fullmatch(name) else ascii_lowercase
    every = digits, letters, letters.upper()
    turned = "".join(kind[3:] + kind[:3] for kind in every)
    other = name.translate(str.maketrans("".join(every), turned))
    return other if other != name else f"{name}7"


_HEXADECIMAL = re.compile(r"[0-9a-fA-F.+_-]*")
_COUNTED = 15
"""A number with so many digits is no counter, and no counter will come so far."""


def _listed(answer: Answer, name: str) -> tuple[str, ...]:
    value = value_of(answer.headers, name)
    return tuple(member for member in members(value) if member) if value else ()
