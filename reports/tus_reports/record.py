"""The run record: the types of its lines.

A record is NDJSON. Its first line is a `Header`, its last a `Footer`; between them stand one
`Discovery`, a `ScenarioResult` for each scenario run (flushed as it ends) and a
`RequirementResult` for each requirement evaluated. The record of a load has a `LoadResult` instead.
A record carries all that its views need, so that any report can be rebuilt from it later, without
the network, the ledger or the scenarios. A record without a footer was cut short.

Times are seconds. Text from the wire is Latin-1, byte for byte, with secrets already replaced.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tus_reports.load_result import LoadResult

FORMAT = 2

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
"""The verdict on a scenario or a requirement."""

Side = Literal["server", "client"]
"""Whether servers or clients were tested."""

ClientOutcome = Literal[
    "whole", "reported", "silent", "lied", "damaged", "endless", "hangs", "crashed", "incomplete"
]
"""What came of a client in a situation: what it said against what was stored."""

Grade = Literal["pass", "warn", "note", "fail"]
"""How good one outcome of a check is."""

DecidingRule = Literal[
    "expectation",
    "level",
    "otherwise",
    "data-loss",
    "completion",
    "server-error",
    "unanswered",
    "invariant",
    "server-exit",
    "another-case",
    "earlier-response",
    "no-response",
    "unresolved",
    "stopped",
]
"""What decided a check.

- `expectation`: the response met a condition of the step, which states the grade.
- `level`: it met none, so the level of the requirement decides.
- `otherwise`: it met none, and the step states what that weighs.
- `data-loss`: bytes were lost, mixed or doubled; a failure at any level.
- `completion`: an upload counts as complete, and the request that sent its last byte got an error;
  likewise.
- `server-error`: a 5xx other than 501 that the step does not foresee; a failure at any level.
- `unanswered`: the connection closed without a response to a valid request; likewise.
- `invariant`: what must hold in every exchange of the run.
- `server-exit`: the process of the server ended.

A check that was not reached has no grade, and one of these:

- `another-case`: the response is not of the case that the expectation is about.
- `earlier-response`: nor is an earlier response that it depends on.
- `no-response`: there is no response to evaluate.
- `unresolved`: a reference has no value.
- `stopped`: the scenario ended before.
- `server-exit`: the process of the server ended.
"""

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
    """A message body: its `size` in bytes, and either its first bytes or what generated it."""

    size: int
    text: str | None = None
    generator: str | None = None
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

    `size` is in bytes. An `action` is the harness's own ("cut after 40960 body bytes by RST").
    """

    at: float
    event: Literal["connect", "sent", "received", "action", "closed", "failed"]
    size: int = 0
    text: str = ""


class Exchange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request and everything that came back; it began `at` seconds after the run did.

    `request_head` is the head as sent and `body` the body of the request; `interim_responses` are
    the 1xx responses, in order. `failure` says why there is no complete response.
    """

    method: str
    url: str
    at: float
    request_head: str
    body: RecordedBody | None = None
    interim_responses: tuple[RecordedResponse, ...] = ()
    response: RecordedResponse | None = None
    events: tuple[ConnectionEvent, ...] = ()
    failure: str | None = None
    transport: Literal["h11", "raw", "httpx"] = "h11"


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One requirement looked at once: held, violated or not reached, with the decisive bytes.

    `step` counts from 1 and `exchange` from 0 within the attempt. `explanation` is what the
    scenario says of the outcome, or why the check was not reached. `rule` is what decided; a check
    decided by `data-loss` stands whatever a second attempt says.
    """

    requirement: str
    outcome: Literal["held", "violated", "not-reached"]
    grade: Grade | None = None
    expected: str = ""
    actual: str = ""
    evidence: str = ""
    explanation: str = ""
    step: int | None = None
    exchange: int | None = None
    rule: DecidingRule = "expectation"


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One execution of a scenario on uploads of its own; `duration` is in seconds."""

    verdict: Verdict
    reason: str = ""
    checks: tuple[Check, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    duration: float = 0.0


class Header(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="header"
):
    """What was run, by what, against what; `started_at` is an RFC 3339 time.

    `server_name` and `server_version` are what the user calls the server. In a `strict` run,
    warnings count as failures. `side` says whether a server or a client
    was tested; `target` is the server's URL or the client's command.
    """

    format: int
    suite_version: str
    target: str
    seed: int
    arguments: tuple[str, ...]
    spec_edition: str
    started_at: str
    server_name: str = ""
    server_version: str = ""
    strict: bool = False
    side: Side = "server"


class Capability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a server may or may not do: what it says of itself against what a probe saw."""

    name: str
    advertised: bool
    observed: Literal["accepted", "refused", "unknown"]
    reason: str = ""


class Discovery(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="discovery"
):
    """What OPTIONS and the probes showed of the server before the first scenario.

    `max_size` is in bytes. `refusal_baseline` has a sentence each for a header, a version and a
    method that no server can know: how the server responded to them.
    """

    versions: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    max_size: int | None = None
    capabilities: tuple[Capability, ...] = ()
    refusal_baseline: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


class ScenarioResult(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="scenario"
):
    """The verdict of a scenario, and every attempt with its checks and its exchanges.

    `steps` has a sentence each; an indented one is an expectation of the step above it. `command`
    is the command line that repeats the scenario. `is_selected` is False for a scenario that the
    user left out of the run. `known_failures` are the requirements whose failure here is listed in
    the baseline, each with the reason given there. `outcome` is what came of a client; a record of
    a server has none.
    """

    id: str
    title: str
    verdict: Verdict
    section: str
    extension: str
    reason: str = ""
    steps: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    command: str = ""
    is_selected: bool = True
    known_failures: dict[str, str] = {}
    outcome: ClientOutcome | None = None


class RequirementResult(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="kind",
    tag="requirement",
):
    """A requirement of the ledger with the verdict over all of its checks.

    An aggregate has the worst verdict of others, and is not counted besides them. A failure
    `is_known` if the baseline lists it for every scenario that fails because of it.
    """

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
    is_aggregate: bool = False
    is_known: bool = False


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The number of each verdict; verdicts that did not occur are left out."""

    scenarios: dict[Verdict, int]
    requirements: dict[Verdict, int]


class Footer(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="footer"
):
    """The sums, and the exit code they led to.

    `duration` is in seconds. `error` is the sentence of an aborted run. `remaining_uploads` are the
    URLs of uploads that were created and not removed. `unnamed_creations` has an entry for each
    creation that no response named an upload for: the id of its scenario, or "discovery".
    `fixed_failures` are entries of the baseline that pass now, as "SCENARIO REQUIREMENT".
    `complete_uploads` counts the uploads that were completed and then looked at, `compared_uploads`
    those of them whose bytes were read back and compared.
    """

    counts: Counts
    exit_code: int
    duration: float = 0.0
    exchange_count: int = 0
    error: str = ""
    remaining_uploads: tuple[str, ...] = ()
    unnamed_creations: tuple[str, ...] = ()
    fixed_failures: tuple[str, ...] = ()
    complete_uploads: int = 0
    compared_uploads: int = 0


RecordLine = Header | Discovery | ScenarioResult | RequirementResult | LoadResult | Footer
