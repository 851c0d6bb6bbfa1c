"""From the flags to a handler, and to the layers around it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tus_reference.cli.changes import change_config, new_layers
from tus_reference.cli.flag_types import WITH_UPLOADS
from tus_reference.cli.hook_flags import new_hooks
from tus_reference.handler import Config, ConfigError, Handler
from tus_reference.lockers import FileLocker, MemoryLocker
from tus_reference.middleware import (
    AccessLog,
    Cors,
    Health,
    LayeredService,
    MonitoringService,
)
from tus_reference.model import StoreComposer
from tus_reference.stores import FileStore, MemoryStore

if TYPE_CHECKING:
    import argparse

    from tus_reference.middleware import Layer
    from tus_reference.middleware.metrics import Metrics


def new_handler(options: argparse.Namespace) -> Handler:
    """Return the handler that the flags describe; raise `ConfigError` or `OSError`."""
    composer = StoreComposer()
    _use_store(options, composer)
    _use_locker(options, composer)
    config = Config(
        store_composer=composer,
        base_path=options.base_path,
        max_size=options.max_size,
        respect_forwarded_headers=options.behind_proxy,
        relative_location=options.relative_location,
        disable_download=options.disable_download,
        disable_termination=options.disable_termination,
        disable_concatenation=options.disable_concatenation,
        trailers=not options.disable_checksum_trailer,
        expire_after=options.expire_after,
        expire_sliding=options.expire_from == "last-patch",
        network_timeout=options.network_timeout,
        acquire_lock_timeout=options.acquire_lock_timeout,
        shutdown_timeout=options.shutdown_timeout,
        spool_directory=_spool_directory(options),
    )
    hooks = new_hooks(options)
    if hooks is not None:
        interval = options.progress_hooks_interval
        config = replace(hooks.add_to(config), upload_progress_interval=interval)
    options.hooks = hooks
    return Handler(change_config(options, config))


def new_metrics(options: argparse.Namespace, handler: Handler) -> Metrics | None:
    """Return the metrics if --expose-metrics is given."""
    if not options.expose_metrics:
        return None
    from tus_reference.middleware.metrics import Metrics

    counts_only = options.monitoring_listen != WITH_UPLOADS
    return Metrics(handler, options.metrics_path, counts_only=counts_only)


def new_monitoring_service(
    options: argparse.Namespace, handler: Handler, metrics: Metrics | None
) -> MonitoringService:
    """Return what the listener for monitoring serves."""
    layers: list[Layer] = [] if metrics is None else [metrics.page]
    if options.health_path:
        layers.append(Health(options.health_path, handler.check_health))
    return MonitoringService(handler.config, layers)


def new_service(
    options: argparse.Namespace, handler: Handler, metrics: Metrics | None = None
) -> LayeredService:
    """Return the handler with the layers that the flags describe; raise `ConfigError`."""
    # Not by importing it: with several workers, its folder must be set before that.
    if options.expose_metrics and find_spec("prometheus_client") is None:
        raise ConfigError(
            "--expose-metrics needs prometheus_client: pip install prometheus-client."
        )
    layers: list[Layer] = []
    if options.access_log is not None:
        layers.append(AccessLog(options.access_log, behind_proxy=options.behind_proxy))
    if metrics is not None:
        layers.append(metrics)
    if options.health_path and options.monitoring_listen == WITH_UPLOADS:
        layers.append(Health(options.health_path, handler.check_health))
    cors = None if options.disable_cors else _new_cors(options)
    return LayeredService(handler, *layers, *new_layers(options, handler.config, cors))


def _new_cors(options: argparse.Namespace) -> Cors:
    return Cors(
        allow_origin=options.cors_allow_origin,
        allow_credentials=options.cors_allow_credentials,
        allow_private_network=options.cors_allow_private_network,
        allow_methods=options.cors_allow_methods,
        allow_headers=options.cors_allow_headers,
        expose_headers=options.cors_expose_headers,
        max_age=options.cors_max_age,
    )


def _use_store(options: argparse.Namespace, composer: StoreComposer) -> None:
    if options.store == "file":
        FileStore(
            options.upload_dir,
            dir_perms=options.dir_perms,
            file_perms=options.file_perms,
            sync=options.durability == "power",
            shared=options.locker == "redis",
        ).use_in(composer)
    elif options.store == "s3":
        _use_s3(options, composer)
    else:
        MemoryStore().use_in(composer)


def _use_locker(options: argparse.Namespace, composer: StoreComposer) -> None:
    has_workers = options.workers > 1
    if options.locker == "redis":
        _use_redis(options, composer)
        return
    if options.redis_url != os.environ.get("TUS_REDIS_URL", "") or options.redis_lease is not None:
        raise ConfigError("--redis-url and --redis-lease need --locker redis.")
    if has_workers and options.store == "memory":
        raise ConfigError("--workers needs --store file or s3: processes do not share memory.")
    if has_workers and options.locker == "memory":
        raise ConfigError("--workers needs --locker file: processes do not share memory.")
    if options.locker != "file" and not has_workers:
        MemoryLocker().use_in(composer)
    elif options.store == "file":
        FileLocker(options.upload_dir).use_in(composer)
    elif not composer.uses_locker:
        raise ConfigError("--locker file needs --store file: processes do not share memory.")


def _use_redis(options: argparse.Namespace, composer: StoreComposer) -> None:
    """Lock in Redis; what S3 may still store for a holder that died is known there, too."""
    if options.store == "memory":
        raise ConfigError("--locker redis needs --store file or s3: servers do not share memory.")
    if not options.redis_url:
        raise ConfigError("--locker redis needs --redis-url URL, such as redis://127.0.0.1:6379/0.")
    try:
        from tus_reference.lockers.redis_locker import LEASE_TIME, RedisLocker
    except ModuleNotFoundError as missing_module:
        raise ConfigError(
            f"--locker redis needs {missing_module.name}: pip install '.[redis]'."
        ) from None
    lease = LEASE_TIME if options.redis_lease is None else options.redis_lease
    store = composer.core
    settle: dict[str, Any] = {}
    if options.store == "s3":
        from tus_reference.stores.s3 import LATE_WRITE_DELAY, S3Store

        if isinstance(store, S3Store):
            settle = {"on_abandoned": store.note_abandoned, "settle_time": LATE_WRITE_DELAY}
    RedisLocker(options.redis_url, lease_time=lease, **settle).use_in(composer)


def _use_s3(options: argparse.Namespace, composer: StoreComposer) -> None:
    if not options.s3_bucket:
        raise ConfigError("--store s3 needs the name of a bucket: --s3-bucket NAME.")
    try:
        from tus_reference.stores.s3 import STALE_TIME, S3Store, connect, wants_equal_parts
    except ModuleNotFoundError as missing_module:
        raise ConfigError(f"--store s3 needs {missing_module.name}: pip install boto3.") from None
    concurrent_parts = options.s3_concurrent_part_uploads
    service = connect(options.s3_endpoint, concurrent_part_uploads=concurrent_parts)
    store = S3Store(
        options.s3_bucket,
        service,
        object_prefix=options.s3_object_prefix,
        preferred_part_size=options.s3_part_size,
        min_part_size=options.s3_min_part_size,
        concurrent_part_uploads=concurrent_parts,
        equal_parts=options.s3_equal_parts or wants_equal_parts(options.s3_endpoint),
        shared_directory=None if options.locker == "redis" else options.shared,
        stale_time=0.0 if options.locker == "redis" else STALE_TIME,
    )
    store.use_in(composer)
    if options.shared is not None and options.locker != "redis":
        # What a worker that died has sent may still be stored, and the next one has to wait.
        FileLocker(options.shared, on_abandoned=store.note_late_write).use_in(composer)


def _spool_directory(options: argparse.Namespace) -> Path:
    """Return where checksummed bodies wait: next to their uploads, not on a small /tmp."""
    return Path(options.upload_dir) if options.store == "file" else Path(tempfile.gettempdir())
