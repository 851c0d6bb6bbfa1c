"""The command line: flags under tusd's names, one line on standard output, the rest on error."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from tus_reference.handler import Config, ConfigError, Handler, StoreComposer
from tus_reference.lockers import FileLocker, MemoryLocker
from tus_reference.server import serve
from tus_reference.stores import FileStore, MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

DESCRIPTION: Final = """\
A server for tus 1.0.0, the protocol for resumable uploads, with all of its extensions.

When it accepts connections it prints one line on standard output,
  Listening on http://HOST:PORT/files/
and everything else on standard error. SIGTERM and SIGINT stop it: what has arrived is
stored, requests in progress are answered, and the exit code is 0. A second signal stops
it at once.
"""

EPILOG: Final = """\
SECONDS may be plain (90, 0.5) or carry units (90s, 1m30s, 500ms, 24h).

files of the file store:
  ID        the bytes of an upload, in the format of tusd
  ID.info   what is known about it, in the format of tusd

The S3 store keeps uploads as tusd does, too. Credentials, region and endpoint are found as by
every AWS tool: in AWS_ACCESS_KEY_ID and its like, in AWS_PROFILE and its files, or in the
role of the machine. Parts wait in the folder that TMPDIR names.

exit codes: 0 stopped by a signal, 1 cannot listen, 2 the settings cannot work
"""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Return a duration in seconds; raise `ArgumentTypeError` if `text` is none."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 90, 90s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _size(text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes")
    return int(text)


def _mode(text: str) -> int:
    if not re.fullmatch(r"[0-7]{3,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no octal mode such as 664")
    return int(text, 8)


def parser() -> argparse.ArgumentParser:
    """Return the flags and their help, which is the manual."""
    flags = argparse.ArgumentParser(
        prog="tus-reference",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_network(flags.add_argument_group("network"))
    _add_storage(flags.add_argument_group("storage"))
    _add_s3(flags.add_argument_group("storage in S3"))
    _add_protocol(flags.add_argument_group("protocol"))
    _add_timeouts(flags.add_argument_group("timeouts"))
    _add_behaviour(flags.add_argument_group("trying clients and suites"))
    return flags


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    group.add_argument(
        "--port", type=int, default=8080, help="port to listen on, 0 for a free one (%(default)s)"
    )
    group.add_argument(
        "--base-path",
        default="/files/",
        metavar="PATH",
        help="path of the endpoint, or its whole URL if clients see another one (%(default)s)",
    )
    group.add_argument(
        "--behind-proxy",
        action="store_true",
        help="build Location from Forwarded and X-Forwarded-Host and -Proto; only safe behind "
        "a proxy that sets them",
    )


def _add_storage(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--store",
        choices=("file", "memory", "s3"),
        help="where uploads are kept; memory forgets them when the server stops "
        "(file, or s3 if there is an --s3-bucket)",
    )
    group.add_argument(
        "--upload-dir",
        "--dir",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="folder of the file store, made if missing; tusd can use it too (./%(default)s)",
    )
    group.add_argument(
        "--locker",
        choices=("memory", "file"),
        default="memory",
        help="who may write an upload: decided in this process, or through files in the "
        "upload folder by all processes that share it (%(default)s)",
    )
    group.add_argument(
        "--durability",
        choices=("process", "power"),
        default="process",
        help="what an acknowledged byte survives: a crash of this process, or a power failure "
        "too, at the price of waiting for the disk (%(default)s)",
    )
    for name, default in (("--dir-perms", "775"), ("--file-perms", "664")):
        group.add_argument(
            name,
            type=_mode,
            default=_mode(default),
            metavar="OCTAL",
            help=f"mode of folders or files that are made ({default})",
        )


def _add_s3(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--s3-bucket", default="", metavar="NAME", help="bucket of the uploads")
    group.add_argument(
        "--s3-object-prefix",
        default="",
        metavar="PREFIX",
        help="folder within the bucket (none)",
    )
    group.add_argument(
        "--s3-endpoint", metavar="URL", help="URL of an S3 other than AWS's, such as MinIO's"
    )
    for name, default, text in (
        ("--s3-part-size", 50 * 1024 * 1024, "size of parts; longer uploads get larger ones"),
        ("--s3-min-part-size", 5 * 1024 * 1024, "smallest part that the S3 accepts"),
    ):
        group.add_argument(
            name, type=_size, default=default, metavar="BYTES", help=f"{text} (%(default)s)"
        )
    group.add_argument(
        "--s3-concurrent-part-uploads",
        type=_size,
        default=10,
        metavar="NUMBER",
        help="how many parts are sent at once, of all uploads together (%(default)s)",
    )


def _add_protocol(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--max-size",
        type=_size,
        default=0,
        metavar="BYTES",
        help="largest upload, 0 for no limit (%(default)s)",
    )
    group.add_argument(
        "--expire-after",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="remove unfinished uploads after this time; 0: never (0)",
    )
    group.add_argument(
        "--expire-from",
        choices=("last-patch", "creation"),
        default="last-patch",
        help="what the time of expiry counts from (%(default)s)",
    )
    for what in ("download", "termination", "concatenation"):
        group.add_argument(
            f"--disable-{what}", action="store_true", help=f"neither offer nor accept {what}"
        )


def _add_timeouts(group: argparse._ArgumentGroup) -> None:
    for name, default, text in (
        ("--network-timeout", 60.0, "longest wait for a client to send anything"),
        ("--acquire-lock-timeout", 20.0, "longest wait for another request to let go"),
        ("--shutdown-timeout", 10.0, "longest wait for requests when stopping"),
    ):
        group.add_argument(
            name, type=seconds, default=default, metavar="SECONDS", help=f"{text} ({default:g})"
        )


def _add_behaviour(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--misbehave",
        metavar="ID",
        help="break one requirement of the protocol; ID is the name of a fault, list shows them",
    )
    group.add_argument(
        "--eccentric",
        metavar="ID",
        help="be unusual, and yet right; ID is the name of an oddity, list shows them",
    )


def _listed(options: argparse.Namespace) -> str:
    """Return the faults or oddities, if that is what is asked for."""
    if "list" not in {options.misbehave, options.eccentric}:
        return ""
    from tus_reference.eccentrics import choosing, eccentrics
    from tus_reference.faults import faults

    return choosing.listing(faults() if options.misbehave == "list" else eccentrics())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    options = parser().parse_args(arguments)
    options.store = options.store or ("s3" if options.s3_bucket else "file")
    if listed := _listed(options):
        sys.stdout.write(listed)
        return 0
    try:
        handler = new_handler(options)
    except (ConfigError, OSError) as problem:
        _say(f"tus-reference: {problem}")
        return 2
    try:
        trio.run(partial(_run, handler, options.host, options.port))
    except OSError as problem:
        _say(f"tus-reference: cannot listen on {options.host} port {options.port}: {problem}")
        return 1
    return 0


def new_handler(options: argparse.Namespace) -> Handler:
    """Return the handler that the flags describe; raise `ConfigError` or `OSError`."""
    composer = StoreComposer()
    if options.store == "file":
        FileStore(
            options.upload_dir,
            dir_perms=options.dir_perms,
            file_perms=options.file_perms,
            sync=options.durability == "power",
        ).use_in(composer)
    elif options.store == "s3":
        _use_s3(options, composer)
    else:
        MemoryStore().use_in(composer)
    if options.locker == "memory":
        MemoryLocker().use_in(composer)
    elif options.store == "file":
        FileLocker(options.upload_dir).use_in(composer)
    else:
        raise ConfigError("--locker file needs --store file: other processes see no memory.")
    return _handler(
        options,
        Config(
            store_composer=composer,
            base_path=options.base_path,
            max_size=options.max_size,
            respect_forwarded_headers=options.behind_proxy,
            disable_download=options.disable_download,
            disable_termination=options.disable_termination,
            disable_concatenation=options.disable_concatenation,
            expire_after=options.expire_after,
            expire_sliding=options.expire_from == "last-patch",
            network_timeout=options.network_timeout,
            acquire_lock_timeout=options.acquire_lock_timeout,
            shutdown_timeout=options.shutdown_timeout,
            spool_directory=_spool_directory(options),
        ),
    )


def _handler(options: argparse.Namespace, config: Config) -> Handler:
    if options.misbehave is None and options.eccentric is None:
        return Handler(config)
    from tus_reference.eccentrics.choosing import behaving

    return behaving(config, misbehave=options.misbehave, eccentric=options.eccentric)


def _use_s3(options: argparse.Namespace, composer: StoreComposer) -> None:
    if not options.s3_bucket:
        raise ConfigError("--store s3 needs the name of a bucket: --s3-bucket NAME.")
    try:
        from tus_reference.stores.s3 import S3Store, connect
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"--store s3 needs {missing.name}: pip install 'tus-conformance[s3]'."
        ) from None
    parallel = options.s3_concurrent_part_uploads
    S3Store(
        options.s3_bucket,
        connect(options.s3_endpoint, concurrent_part_uploads=parallel),
        object_prefix=options.s3_object_prefix,
        preferred_part_size=options.s3_part_size,
        min_part_size=options.s3_min_part_size,
        concurrent_part_uploads=parallel,
    ).use_in(composer)


def _spool_directory(options: argparse.Namespace) -> Path:
    """Return where checksummed bodies wait: beside their uploads, not on a small /tmp."""
    return Path(options.upload_dir) if options.store == "file" else Path(tempfile.gettempdir())


def _banner(handler: Handler) -> str:
    config = handler.config
    limit = f"{config.max_size} bytes" if config.max_size else "none"
    expiry = f"{config.expire_after:g} s" if config.expire_after else "never"
    return (
        f"tus-reference: tus 1.0.0 with {', '.join(handler.extensions)}\n"
        f"tus-reference: store: {type(config.composer.core).__name__}, "
        f"locker: {type(config.composer.locker).__name__}, "
        f"maximum size: {limit}, uploads expire: {expiry}"
    )


async def _run(handler: Handler, host: str, port: int) -> None:
    listeners = await trio.open_tcp_listeners(port, host=host)
    stop = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on, signals, stop)
            _say(_banner(handler))
            bound = listeners[0].socket.getsockname()
            name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            sys.stdout.write(f"Listening on http://{name}:{bound[1]}{handler.locator.path}\n")
            sys.stdout.flush()
            await serve(handler, _carried(handler, listeners), stop=stop)
            nursery.cancel_scope.cancel()


def _carried(
    handler: Handler, listeners: Sequence[trio.SocketListener]
) -> Sequence[trio.abc.Listener[trio.abc.Stream]]:
    """Return the listeners, whose connections an odd handler changes."""
    if type(handler) is Handler:
        return listeners
    from tus_reference.eccentrics.choosing import Listening
    from tus_reference.faults import Behaving

    return [Listening(each, handler) for each in listeners if isinstance(handler, Behaving)]


async def _stop_on(signals: AsyncIterator[int], stop: trio.Event) -> None:
    async for number in signals:
        if stop.is_set():
            # Threads that wait for a disk would keep an orderly exit waiting as well.
            os._exit(1)
        _say(f"tus-reference: stopping on {signal.Signals(number).name}")
        stop.set()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
