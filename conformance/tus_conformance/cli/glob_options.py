"""Globs of ids: --only and --skip that match nothing are reported."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from tus_conformance.cli.command_parser import suggest


def unmatched_globs(options: argparse.Namespace, ids: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each --only and --skip that matches none of the ids."""
    for flag, globs in (("--only", options.only), ("--skip", options.skip)):
        for glob in globs:
            if not any(fnmatchcase(each, glob) for each in ids):
                names = dict.fromkeys([*ids, *(each.partition("/")[0] for each in ids)])
                yield f"{flag} {glob!r} matches nothing{suggest(glob, names, closing='.')}"
