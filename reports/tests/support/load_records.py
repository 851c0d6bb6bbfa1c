"""Records of loads in few words."""

from __future__ import annotations

from tus_reports import (
    FORMAT,
    Counts,
    Footer,
    Header,
    LoadCounts,
    LoadResult,
    Record,
    RequestTimes,
)

MIX = '{"verify":1.0}'


def load_record(
    counts: LoadCounts | None = None,
    *,
    failures: int = 0,
    error: str = "",
    code: int = 0,
    p50: float = 0.02,
    mix: str = MIX,
    name: str = "",
) -> Record:
    """Return the record of a load of a thousand requests."""
    upload = RequestTimes(
        name="PATCH upload", count=900, failures=failures, per_second=90, p50=p50, p99=p50 * 4
    )
    return Record(
        header=Header(
            format=FORMAT,
            suite_version="0.1.0",
            target="http://127.0.0.1:1080/files/",
            seed=1,
            arguments=("load",),
            spec_edition="1.0.0",
            started_at="2026-11-28T10:00:00+00:00",
            server_name=name,
        ),
        load=LoadResult(
            users=10,
            spawn_rate=10,
            duration=10,
            workers=1,
            engine="locust 2.47.0",
            mix=mix,
            max_error_share=0.01,
            total=RequestTimes(name="all requests", count=1000, failures=failures, p50=p50),
            requests=(RequestTimes(name="POST create", count=100, p50=0.01), upload),
            counts=counts or LoadCounts(uploads_verified=1),
        ),
        footer=Footer(
            counts=Counts(scenarios={}, requirements={}), exit_code=code, duration=10, error=error
        ),
    )
