"""The flags about where uploads are stored."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tus_reference.cli.flag_types import (
    parse_mode,
    parse_number,
    parse_seconds,
    parse_size,
    parse_web_url,
)


def add_storage(group: argparse._ArgumentGroup) -> None:
    """Add the flags about the store on disk or in memory."""
    group.add_argument(
        "--store",
        choices=("file", "memory", "s3"),
        help="where uploads are stored (file, or s3 if --s3-bucket is given)",
    )
    group.add_argument(
        "--upload-dir",
        "--dir",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="folder of the file store, created if missing (./%(default)s)",
    )
    group.add_argument(
        "--locker",
        choices=("memory", "file", "redis"),
        help="locks in this process, files or Redis (memory; file with --workers)",
    )
    group.add_argument(
        "--redis-url",
        metavar="URL",
        default=os.environ.get("TUS_REDIS_URL", ""),
        help="Redis or Valkey of --locker redis (TUS_REDIS_URL)",
    )
    group.add_argument(
        "--redis-lease",
        type=parse_seconds,
        metavar="SECONDS",
        help="how long a dead server keeps its locks, at least 0.5 (5)",
    )
    group.add_argument(
        "--durability",
        choices=("process", "power"),
        default="process",
        help="what bytes survive: a crash, or also a power failure (%(default)s)",
    )
    for name, default in (("--dir-perms", "775"), ("--file-perms", "664")):
        group.add_argument(
            name,
            type=parse_mode,
            default=parse_mode(default),
            metavar="OCTAL",
            help=f"mode of created folders or files ({default})",
        )


def add_s3(group: argparse._ArgumentGroup) -> None:
    """Add what the S3 store needs to know."""
    group.add_argument("--s3-bucket", default="", metavar="NAME", help="bucket for uploads")
    group.add_argument(
        "--s3-object-prefix",
        default="",
        metavar="PREFIX",
        help="key prefix within the bucket (none)",
    )
    group.add_argument(
        "--s3-endpoint",
        type=parse_web_url,
        metavar="URL",
        help="URL of an S3-compatible service, such as MinIO",
    )
    for name, default, text in (
        ("--s3-part-size", 50 * 1024 * 1024, "size of parts; larger for very long uploads"),
        ("--s3-min-part-size", 5 * 1024 * 1024, "smallest part that the S3 accepts"),
    ):
        group.add_argument(
            name, type=parse_size, default=default, metavar="BYTES", help=f"{text} (%(default)s)"
        )
    group.add_argument(
        "--s3-equal-parts",
        action="store_true",
        help="make all parts but the last equally long (on for Cloudflare R2)",
    )
    group.add_argument(
        "--s3-concurrent-part-uploads",
        type=parse_number,
        default=10,
        metavar="NUMBER",
        help="parts sent concurrently, over all uploads (%(default)s)",
    )
