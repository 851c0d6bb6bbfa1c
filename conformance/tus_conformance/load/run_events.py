"""What happens around a run: options of Locust, tallies of workers, the record and the exit code.

Locust calls the listeners here in every process. A worker sends its tally with its statistics, and
once more when its users have stopped; the master waits for that, adds everything up and writes the
record. Without workers one process does all of it.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import signal
from pathlib import Path
from typing import Any

import gevent
import msgspec
from locust import events
from locust.runners import MasterRunner, WorkerRunner

from tus_conformance.load.load_record import write_record
from tus_conformance.load.mix import Mix, read_mix
from tus_conformance.load.settings import MAX_ERROR_SHARE, read_settings
from tus_conformance.load.tally import Tally

tally = Tally()
"""What this process counts; on a master, what all workers have counted."""

_STOP, _STOPPED = "tus_load_stop", "tus_load_stopped"
_GRACE = 15.0
"""Seconds, beyond Locust's time for users to stop, that a worker has for its last report."""

_log = logging.getLogger(__name__)


class Workers:
    """The ids of the workers that take part, and of those that have reported for the last time."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.stopped: set[str] = set()

    def begin(self, ids: set[str]) -> None:
        """Note which workers take part in a run that begins."""
        self.known, self.stopped = ids, set()

    @property
    def missing(self) -> int:
        """Return how many workers ended without a last report."""
        return len(self.known - self.stopped)


workers = Workers()


def chosen_seed(options: argparse.Namespace) -> int:
    """Return the seed of the run, which a worker has from its master."""
    if getattr(options, "tus_seed", None) is None:
        options.tus_seed = secrets.randbelow(2**31)
    return int(options.tus_seed)


def chosen_mix(options: argparse.Namespace) -> Mix:
    """Return the mix of the run: JSON, which a worker has from its master, or a TOML file."""
    text = getattr(options, "tus_mix", None)
    if text is None:
        return Mix()
    return msgspec.json.decode(text, type=Mix) if text.startswith("{") else read_mix(text)


def worker_number(runner: Any) -> int:
    """Return the number of this process among the workers, from 1; 0 without workers."""
    return int(runner.worker_index) + 1 if isinstance(runner, WorkerRunner) else 0


def _add_options(parser: Any, **_: Any) -> None:
    parser.add_argument(
        "--tus-mix", metavar="FILE", help="what the users do, in TOML", include_in_web_ui=False
    )
    parser.add_argument(
        "--tus-seed", type=int, metavar="N", help="seed of contents", include_in_web_ui=False
    )
    parser.add_argument(
        "--tus-record",
        metavar="FILE",
        help="write the run record of tus-conformance",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--tus-max-error-share",
        type=float,
        default=MAX_ERROR_SHARE,
        metavar="SHARE",
        help="the share of failed requests that is tolerated, from 0 to 1",
        include_in_web_ui=False,
    )


def _prepare(environment: Any, runner: Any, web_ui: Any, **_: Any) -> None:
    # gevent's clock stands still while modules are imported; --run-time would be that much shorter.
    gevent.get_hub().loop.update_now()
    if read_settings() is not None:
        _serve_command_line(environment, runner, web_ui)
    if isinstance(runner, WorkerRunner):
        runner.register_message(_STOP, _stop_worker, concurrent=True)
        return
    # Before the workers have them: every process generates with one seed and one mix.
    options = environment.parsed_options
    chosen_seed(options)
    options.tus_mix = msgspec.json.encode(chosen_mix(options)).decode()
    if isinstance(runner, MasterRunner):
        runner.register_message(_STOPPED, _note_stopped)


def _serve_command_line(environment: Any, runner: Any, web_ui: Any) -> None:
    """Leave the summary to the command line, and end in order at its signal."""
    if environment.parsed_options.only_summary:
        logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)

    def end() -> None:
        runner.quit()
        if web_ui is not None:
            web_ui.stop()

    # Locust's own way for SIGINT prints a traceback, and the one for SIGTERM writes no HTML.
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, end)


def _begin(environment: Any, **_: Any) -> None:
    tally.clear()
    runner = environment.runner
    is_master = isinstance(runner, MasterRunner)
    workers.begin({client.id for client in runner.clients.all} if is_master else set())


def _report(data: dict[str, Any], **_: Any) -> None:
    data["tus"] = tally.take()


def _collect(client_id: str, data: dict[str, Any], **_: Any) -> None:
    workers.known.add(client_id)
    if "tus" in data:
        tally.add(data["tus"])


def _stop_worker(environment: Any, **_: Any) -> None:
    """Stop the users of a worker, and send what they have counted since its last report."""
    runner = environment.runner
    runner.stop()
    data: dict[str, Any] = {}
    environment.events.report_to_master.fire(client_id=runner.client_id, data=data)
    runner.send_message("stats", data)
    runner.send_message(_STOPPED)


def _note_stopped(msg: Any, **_: Any) -> None:
    workers.stopped.add(msg.node_id)


def _await_workers(environment: Any, **_: Any) -> None:
    """Wait for the last report of every worker: Locust itself leaves them half a second."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        return
    runner.send_message(_STOP)
    deadline = (environment.stop_timeout or 0.0) + _GRACE
    with gevent.Timeout(deadline, exception=False):
        while _are_expected(runner):
            gevent.sleep(0.05)


def _are_expected(runner: MasterRunner) -> bool:
    alive = {client.id for client in runner.clients.all if client.state != "missing"}
    return bool((alive & workers.known) - workers.stopped)


def _conclude(environment: Any, **_: Any) -> None:
    """Write the record and set the exit code, once nothing runs."""
    runner = environment.runner
    if runner is None or isinstance(runner, WorkerRunner):
        return
    if isinstance(runner, MasterRunner):
        runner.stop(send_stop_to_client=False)
    else:
        runner.stop()
    if not runner.stats.total.num_requests and not tally.counts:
        return  # the run never began
    options = environment.parsed_options
    path = Path(options.tus_record) if options.tus_record else None
    environment.process_exit_code = write_record(
        path,
        environment=environment,
        tally=tally,
        workers=max(len(workers.known), 1),
        missing=workers.missing,
        settings=read_settings(),
    )


_hooks: Any = events
for _hook, _listener in (
    (_hooks.init_command_line_parser, _add_options),
    (_hooks.init, _prepare),
    (_hooks.test_start, _begin),
    (_hooks.report_to_master, _report),
    (_hooks.worker_report, _collect),
    (_hooks.test_stop, _await_workers),
    (_hooks.quitting, _conclude),
):
    _hook.add_listener(_listener)
