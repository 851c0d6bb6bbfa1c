"""Run three reference servers behind nginx, and kill them while clients upload.

    python -m interop.cluster [--kills N] [--stores folder,moto] [--seed N] [--no-suite]
        [--balancing round-robin,least-conn] [-- FLAGS OF tus-conformance run]

(from the folder reference/). For each store and each way to balance, the suite passes through the
proxy first. Then clients upload while servers are killed and started again, stopped for longer than
their leases, and cut off from Redis: see `interop.cluster_kills`. nginx is found by NGINX or in
PATH and is configured as docs/running.md says; redis-server or valkey-server is found in PATH.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interop.cluster_kills import run_kills
from interop.deployments import (
    AROUND,
    OF_NGINX,
    read_code_block,
    replace_once,
    run_nginx,
    run_suite,
)
from interop.redis_process import RedisProcess
from interop.s3_servers import BUCKET, free_ports, run_moto
from interop.server_processes import wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INSTANCES = 3
LEASE = 1.0
FLAGS = (
    *("--max-size", str(64 * 1024 * 1024), "--expire-after", "3600", "--behind-proxy"),
    *("--disable-checksum-trailer", "--monitoring-listen", "uploads"),
    *("--locker", "redis", "--redis-lease", str(LEASE)),
)
BALANCING = {"round-robin": "", "least-conn": "    least_conn;\n"}
STORES = ("folder", "moto")


class Instance:
    """One server of the cluster, which listens on the same port after every start."""

    def __init__(self, flags: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        (self.port,) = free_ports(1)
        self._command = [sys.executable, "-m", "tus_reference", "--port", str(self.port), *flags]
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.DEVNULL, stderr=log, env=self._environment
            )
        wait_for_port(self._process, self.port)

    def signal(self, number: int) -> None:
        """Send a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop it in order; raise `AssertionError` if it does not end well."""
        if self._process is None:
            return
        self.signal(signal.SIGCONT)
        self._process.terminate()
        code = self._process.wait(30)
        self._process = None
        if code != 0:
            raise AssertionError(f"a server ended with {code}")


@contextlib.contextmanager
def run_store(name: str, home: Path) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Run what keeps the uploads; yield the flags and the environment of the servers."""
    if name == "folder":
        yield ["--upload-dir", str(home / "uploads")], {}
        return
    with run_moto() as s3:
        small = ["--s3-part-size", str(5 * 1024 * 1024)]
        yield ["--s3-bucket", BUCKET, "--s3-endpoint", s3.endpoint, *small], s3.environment


@contextlib.contextmanager
def run_instances(redis: RedisProcess, store: str, home: Path) -> Iterator[list[Instance]]:
    """Run the servers, on one store and one Redis."""
    with run_store(store, home) as (flags, environment):
        flags += [*FLAGS, "--redis-url", redis.url]
        instances = [
            Instance(flags, environment, home / f"server-{number}.log")
            for number in range(INSTANCES)
        ]
        try:
            for instance in instances:
                instance.start()
            yield instances
            for instance in instances:
                instance.stop()
        finally:
            for instance in instances:
                instance.kill()


@contextlib.contextmanager
def run_balancer(instances: Sequence[Instance], balancing: str, home: Path) -> Iterator[str]:
    """Run the documented nginx in front of the servers, without TLS; yield its origin."""
    nginx = os.environ.get("NGINX") or shutil.which("nginx")
    if nginx is None:
        raise SystemExit("nginx was not found: install it, or set NGINX to its path.")
    servers = "".join(f"    server 127.0.0.1:{each.port} max_fails=0;\n" for each in instances)
    page = replace_once(
        read_code_block("nginx"),
        {
            "    server 127.0.0.1:8080;\n": BALANCING[balancing] + servers,
            "listen 443 ssl;": "listen 127.0.0.1:PORT;",
            "    ssl_certificate /etc/ssl/tus.example.org.pem;\n": "",
            "    ssl_certificate_key /etc/ssl/tus.example.org.key;\n": "",
        },
    )
    with run_nginx(nginx, home, AROUND.format(folder=home, page=page)) as origin:
        yield origin.replace("https:", "http:")


def run_trial(
    store: str, balancing: str, options: argparse.Namespace, suite_flags: Sequence[str]
) -> int:
    """Run the suite and the kills for one store and one way to balance; return the exit code."""
    print(f"\n=== {store}, {balancing}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="tus-cluster-", ignore_cleanup_errors=True)
        home = Path(stack.enter_context(folder))
        redis = stack.enter_context(RedisProcess.run())
        instances = stack.enter_context(run_instances(redis, store, home))
        origin = stack.enter_context(run_balancer(instances, balancing, home))
        code = 0
        if not options.no_suite:
            code = run_suite(f"{origin}/files/", home, suite_flags, known=OF_NGINX)
        if options.kills:
            figures = run_kills(
                f"{origin}/files/",
                instances,
                redis,
                kills=options.kills,
                lease=LEASE,
                seed=f"{options.seed} {store} {balancing}",
            )
            print(figures.describe(), flush=True)
            code = max(code, 1 if figures.failures else 0)
            if figures.failures and options.keep_logs is not None:
                shutil.copytree(home, options.keep_logs, dirs_exist_ok=True)
        return code


def main() -> int:
    """Run every trial; return 0 if nothing was lost and the suite passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=300, help="over all trials (300)")
    parser.add_argument("--stores", default=",".join(STORES))
    parser.add_argument("--balancing", default=",".join(BALANCING))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-suite", action="store_true", help="only the kills")
    parser.add_argument("--keep-logs", type=Path, help="copy logs and uploads there on a failure")
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    options, suite_flags = parser.parse_args(words[:at]), words[at + 1 :]
    trials = [
        (store, balancing)
        for store in options.stores.split(",")
        for balancing in options.balancing.split(",")
    ]
    options.kills = -(-options.kills // len(trials))
    codes = {trial: run_trial(*trial, options, suite_flags) for trial in trials}
    print("\n" + ", ".join(f"{' '.join(trial)}: exit {code}" for trial, code in codes.items()))
    return max(codes.values())


if __name__ == "__main__":
    sys.exit(main())
