"""The flags of hooks, with tusd's names, and what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tus_reference.cli.flag_types import parse_names, parse_number, parse_seconds, parse_web_url
from tus_reference.handler import ConfigError
from tus_reference.hooks import HOOK_NAMES, Hooks, HttpHooks, ProgramHooks

if TYPE_CHECKING:
    import argparse

DEFAULT_EVENTS: Final = (
    "pre-create",
    "post-create",
    "post-receive",
    "post-terminate",
    "post-finish",
)


def add_hooks(group: argparse._ArgumentGroup) -> None:
    """Add what sends events to programs or a web service."""
    group.add_argument(
        "--hooks-http",
        type=parse_web_url,
        metavar="URL",
        help="send events to this web service by POST",
    )
    group.add_argument(
        "--hooks-dir", type=Path, metavar="DIR", help="run the programs of this folder for events"
    )
    group.add_argument(
        "--hooks-enabled-events",
        type=parse_names,
        default=DEFAULT_EVENTS,
        metavar="NAMES",
        help="hook events, separated by commas (see below)",
    )
    group.add_argument(
        "--hooks-http-forward-headers",
        type=parse_names,
        default=(),
        metavar="NAMES",
        help="headers of the client to send along, separated by commas",
    )
    group.add_argument(
        "--hooks-http-retry",
        type=parse_number,
        default=HttpHooks.retries,
        metavar="NUMBER",
        help="further attempts after a failure (%(default)s)",
    )
    group.add_argument(
        "--hooks-http-backoff",
        type=parse_seconds,
        default=HttpHooks.backoff,
        metavar="SECONDS",
        help="wait before the first of them, doubled each time (%(default)g)",
    )
    group.add_argument(
        "--hooks-timeout",
        type=parse_seconds,
        default=HttpHooks.timeout,
        metavar="SECONDS",
        help="how long a hook may take, all attempts included (%(default)g)",
    )
    group.add_argument(
        "--progress-hooks-interval",
        type=parse_seconds,
        default=1.0,
        metavar="SECONDS",
        help="shortest time between two post-receive of an upload (%(default)g)",
    )


def new_hooks(options: argparse.Namespace) -> Hooks | None:
    """Return the hooks that the flags describe, None without; raise `ConfigError`."""
    unknown = [name for name in options.hooks_enabled_events if name not in HOOK_NAMES]
    if unknown:
        raise ConfigError(
            f"--hooks-enabled-events: {unknown[0]!r} is not an event; they are"
            f" {', '.join(HOOK_NAMES)}."
        )
    if options.hooks_http is None and options.hooks_dir is None:
        return None
    if options.hooks_http is not None and options.hooks_dir is not None:
        raise ConfigError("Give --hooks-http or --hooks-dir, not both.")
    if options.hooks_dir is not None:
        if not options.hooks_dir.is_dir():
            raise ConfigError(f"--hooks-dir: {options.hooks_dir} is not a folder.")
        programs = ProgramHooks(options.hooks_dir.absolute(), options.hooks_timeout)
        return Hooks(programs, options.hooks_enabled_events)
    service = HttpHooks(
        options.hooks_http,
        options.hooks_http_forward_headers,
        options.hooks_http_retry,
        options.hooks_http_backoff,
        options.hooks_timeout,
    )
    return Hooks(service, options.hooks_enabled_events)
