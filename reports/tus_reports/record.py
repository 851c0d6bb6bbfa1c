"""The run record: the types of its lines.

A record is NDJSON. Its first line is a `Header`, its last a `Footer`; between them stand one
`Discovery`, a `ScenarioResult` for each scenario run (flushed as it ends) and a
`RequirementResult` for each requirement evaluated. A record carries all that its views need, so
that any report can be rebuilt from it later, without the network, the ledger or the scenarios. A
record without a footer was cut short.

Times are seconds. Text from the wire is Latin-1, byte for byte, with secrets already replaced.
"""

from __future__ import annotations

from typing import Literal

import msgspec

FORMAT = 1

Verdict = Literal[
    "pass",
    "fail",
    "warn",
    "note",
    "not-applicable",
    "unsupported",
    "blocked",
    "inconclusive",
    "error",
    "excluded",
]
"""How a scenario or a requirement came out."""

Grade = Literal["pass", "warn", "note", "fail"]
"""How good one outcome of a check is."""

VERDICTS: tuple[Verdict, ...] = (
    "fail",
    "error",
    "inconclusive",
    "blocked",
    "warn",
    "note",
    "pass",
    "not-applicable",
    "unsupported",
    "excluded",
)
"""Every verdict, the worst first: of several, a requirement takes the one that stands first."""


class RecordedBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message body: its length in bytes, and either its first bytes or what generated it."""

    length: int
    text: str | None = None
    generated: str | None = None
    sha256: str | None = None
    truncated: bool = False


class RecordedResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A response: interim (1xx) or final."""

    status: int
    head: str
    headers: tuple[tuple[str, str], ...] = ()
    body: RecordedBody | None = None
    complete: bool = True


class ConnectionEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened on the connection, `at` seconds after the exchange began.

    `act` is the harness's own doing ("cut after 40960 body bytes by RST").
    """

    at: float
    kind: Literal["connect", "sent", "received", "act", "closed", "failed"]
    size: int = 0
    text: str = ""


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request and everything that came back; `started` is seconds since the run began."""

    method: str
    url: str
    started: float
    request: str
    body: RecordedBody | None = None
    interim: tuple[RecordedResponse, ...] = ()
    response: RecordedResponse | None = None
    events: tuple[ConnectionEvent, ...] = ()
    failure: str | None = None
    tier: Literal["h11", "raw", "httpx"] = "h11"


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One requirement looked at once: held, violated or not reached, with the decisive bytes.

    `step` counts from 1 and `exchange` from 0 within the attempt. `damage` marks bytes that were
    lost, mixed or doubled: such a check stands whatever a second attempt says.
    """

    requirement: str
    outcome: Literal["held", "violated", "not-reached"]
    grade: Grade | None = None
    expected: str = ""
    actual: str = ""
    evidence: str = ""
    says: str = ""
    step: int | None = None
    exchange: int | None = None
    damage: bool = False


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One telling of a scenario on uploads of its own."""

    verdict: Verdict
    reason: str = ""
    checks: tuple[Check, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    seconds: float = 0.0


class Header(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="header"):
    """What was run, by what, against what."""

    format: int
    suite_version: str
    target: str
    seed: int
    arguments: tuple[str, ...]
    spec_edition: str
    started: str


class Capability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a server may or may not do: what it says of itself against what a probe saw."""

    name: str
    advertised: bool
    observed: Literal["accepted", "refused", "unknown"]
    because: str = ""


class Discovery(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="discovery"
):
    """What OPTIONS and the probes told of the server before the first scenario.

    `manners` tells, a sentence each, how it answered what no server can know: a header, a version
    and a method that are made up.
    """

    versions: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    max_size: int | None = None
    capabilities: tuple[Capability, ...] = ()
    manners: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


class ScenarioResult(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="scenario"
):
    """How a scenario came out: every attempt, with its checks and its exchanges."""

    id: str
    title: str
    verdict: Verdict
    section: str
    extension: str
    reason: str = ""
    steps: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    reproduce: str = ""


class RequirementResult(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="kind",
    tag="requirement",
):
    """A row of the ledger with the verdict over all of its checks."""

    id: str
    level: str
    section: str
    extension: str
    statement: str
    verdict: Verdict
    scenarios: tuple[str, ...]
    link: str = ""
    ambiguity: str = ""
    reason: str = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many came out how; verdicts that none had are left out."""

    scenarios: dict[Verdict, int]
    requirements: dict[Verdict, int]


class Footer(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="footer"
):
    """The sums, and the exit code they led to; `problem` is the sentence of an aborted run.

    `left_behind` has the URLs of uploads that were created and not removed. `possibly_left_behind`
    has an entry for each creation that no response named an upload for: the id of its scenario, or
    "discovery".
    """

    counts: Counts
    exit_code: int
    seconds: float = 0.0
    exchanges: int = 0
    problem: str = ""
    left_behind: tuple[str, ...] = ()
    possibly_left_behind: tuple[str, ...] = ()


RecordLine = Header | Discovery | ScenarioResult | RequirementResult | Footer
