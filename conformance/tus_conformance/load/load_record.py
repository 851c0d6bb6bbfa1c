"""The record of a load: what Locust measured and what the users counted, and the exit code."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tus_conformance.load.settings import LoadSettings
from tus_conformance.load.tally import Tally
from tus_reports.load_result import LoadError, LoadResult, RequestTimes
from tus_reports.record import FORMAT, Counts, Footer, Header
from tus_reports.record_writer import RecordWriter

VERIFIED, WRONG, UNDETERMINED = 0, 1, 3
"""Exit codes: every byte verified; bytes lost or mixed, or too many errors; undetermined."""


def exit_code_of(result: LoadResult, missing: int = 0) -> int:
    """Return the exit code of a load of which `missing` workers ended without a last report."""
    counts = result.counts
    if counts.uploads_lost or counts.uploads_mixed or result.error_share > result.max_error_share:
        return WRONG
    wants_verification = '"verify":0.0' not in result.mix.replace(" ", "")
    nothing_verified = wants_verification and not counts.uploads_verified
    if missing or counts.uploads_unverified or nothing_verified:
        return UNDETERMINED
    return VERIFIED


def explain_missing(missing: int) -> str:
    """Return what it means that workers ended without a last report, or ""."""
    if not missing:
        return ""
    who = "1 worker" if missing == 1 else f"{missing} workers"
    return f"{who} ended without a last report; what they did since the one before is not counted."


def write_record(
    path: Path | None,
    *,
    environment: Any,
    tally: Tally,
    workers: int,
    missing: int,
    settings: LoadSettings | None,
) -> int:
    """Write the record of a run, if it has a path; return the exit code."""
    result = collect_result(environment, tally, workers)
    code = exit_code_of(result, missing)
    if path is None:
        return code
    options, began = environment.parsed_options, environment.stats.total.start_time
    header = Header(
        format=FORMAT,
        suite_version=version("tus-conformance"),
        target=settings.shown_target if settings else _target_of(environment),
        seed=options.tus_seed,
        arguments=(
            "load",
            f"--users={result.users}",
            f"--spawn-rate={result.spawn_rate:g}",
            f"--time={options.run_time or round(result.duration)}s",
        ),
        spec_edition="1.0.0",
        started_at=datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds"),
        server_name=settings.name if settings else "",
        server_version=settings.version if settings else "",
    )
    footer = Footer(
        counts=Counts(scenarios={}, requirements={}),
        exit_code=code,
        duration=result.duration,
        exchange_count=result.total.count,
        error=explain_missing(missing),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with RecordWriter(path) as writer:
        for line in (header, result, footer):
            writer.write(line)
    return code


def collect_result(environment: Any, tally: Tally, workers: int) -> LoadResult:
    """Return the line of the record that has the result of a run."""
    stats, options = environment.stats, environment.parsed_options
    entries = sorted(stats.entries.values(), key=lambda entry: (entry.name, entry.method))
    total = stats.total
    last = total.last_request_timestamp or total.start_time
    return LoadResult(
        users=options.num_users or environment.runner.target_user_count or 0,
        spawn_rate=float(options.spawn_rate or 0),
        duration=round(max(last - total.start_time, 0.0), 3),
        workers=workers,
        engine=f"locust {version('locust')}",
        mix=options.tus_mix,
        max_error_share=options.tus_max_error_share,
        total=_request_times(total, "all requests"),
        requests=tuple(_request_times(each, f"{each.method} {each.name}") for each in entries),
        counts=tally.to_counts(),
        errors=tuple(
            LoadError(f"{each.method} {each.name}", _message(each.error), each.occurrences)
            for each in sorted(stats.errors.values(), key=lambda found: -found.occurrences)
        ),
        findings=tuple(tally.findings),
        unverified=dict(tally.unverified),
    )


def _target_of(environment: Any) -> str:
    """Return the target of a locustfile that the command line did not start."""
    hosts = [environment.host, *(each.host for each in environment.user_classes)]
    return strip_credentials(next((str(host) for host in hosts if host), ""))


def strip_credentials(url: str) -> str:
    """Return a URL without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=""))


def _request_times(entry: Any, name: str) -> RequestTimes:
    # The engine rounds what it takes percentiles of; none is beyond the longest.
    longest = entry.max_response_time / 1000
    percentiles = {
        f"p{share}": round(min(entry.get_response_time_percentile(share / 100) / 1000, longest), 4)
        for share in (50, 90, 95, 99)
    }
    return RequestTimes(
        name=name,
        count=entry.num_requests,
        failures=entry.num_failures,
        per_second=round(entry.total_rps, 2),
        mean=round(entry.avg_response_time / 1000, 4),
        longest=round(longest, 4),
        **percentiles,
    )


def _message(error: Any) -> str:
    """Return the text of a failure, which Locust may have as an exception or as its repr."""
    text = str(error)
    if text.startswith("CatchResponseError("):
        return text.removeprefix("CatchResponseError(").removesuffix(")").strip("'\"")
    return text
