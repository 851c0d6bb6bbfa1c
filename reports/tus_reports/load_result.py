"""The line of a record that has what came of a load: requests, counts, errors and findings.

Times are in seconds and sizes in bytes.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class RequestTimes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The requests of one kind, such as "PATCH upload", and how long their responses took.

    The engine rounds times to two digits before it takes percentiles.
    """

    name: str
    count: int
    failures: int = 0
    per_second: float = 0.0
    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0


class LoadCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was counted besides requests.

    An upload is completed, abandoned on purpose, failed (the client gave up), or interrupted by the
    end of the run. Bytes are lost if the server acknowledged them and returns fewer, and mixed if
    it returns others. `uploads_verified` and the three after it count comparisons: an upload is
    compared again when it is read again.
    """

    uploads_created: int = 0
    uploads_completed: int = 0
    uploads_abandoned: int = 0
    uploads_failed: int = 0
    uploads_interrupted: int = 0
    uploads_concatenated: int = 0
    uploads_removed: int = 0
    cuts: int = 0
    resumes: int = 0
    retries: int = 0
    downloads: int = 0
    bytes_acknowledged: int = 0
    uploads_verified: int = 0
    uploads_lost: int = 0
    uploads_mixed: int = 0
    uploads_unverified: int = 0
    bytes_verified: int = 0
    bytes_lost: int = 0
    bytes_mixed: int = 0
    bytes_unverified: int = 0


class LoadError(msgspec.Struct, frozen=True):
    """A failure of requests of one kind, and how often it occurred."""

    request: str
    message: str
    count: int


class LoadFinding(msgspec.Struct, frozen=True):
    """An upload with lost or mixed bytes."""

    kind: Literal["lost", "mixed"]
    upload: str
    url: str
    sentence: str


class LoadResult(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="load"
):
    """What came of a load of `users` over `duration` seconds, by `workers` processes.

    `mix` is the mix as JSON. `total` has the requests of all kinds. `max_error_share` is the share
    of failed requests, from 0 to 1, up to which the run succeeds. `unverified` has the reasons why
    uploads could not be compared, each with a count.
    """

    users: int
    spawn_rate: float
    duration: float
    workers: int
    engine: str
    mix: str
    max_error_share: float
    total: RequestTimes
    requests: tuple[RequestTimes, ...]
    counts: LoadCounts
    errors: tuple[LoadError, ...] = ()
    findings: tuple[LoadFinding, ...] = ()
    unverified: dict[str, int] = {}

    @property
    def error_share(self) -> float:
        """Return the share of requests that failed, from 0 to 1."""
        return self.total.failures / self.total.count if self.total.count else 0.0

    @property
    def acknowledged_per_second(self) -> float:
        """Return how many bytes per second the server acknowledged."""
        return self.counts.bytes_acknowledged / self.duration if self.duration else 0.0
