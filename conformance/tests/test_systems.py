"""`tus_conformance`: nothing that only POSIX has is imported on the way of a run.

A child process hides what Windows lacks, and then runs the suite against a server. The packages
that it uses keep what they need: their own ways on Windows cannot be tried here.
"""

from __future__ import annotations

import subprocess
import sys

from loopback import serve_in_thread
from minimal_server import MinimalServer
from scripted_server import serve_answers

WITHOUT_POSIX = """
import os, signal, sys
import trio, h11, httpx, httpcore, anyio, tempfile, subprocess  # these know other systems
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {"fcntl", "resource", "termios", "pwd", "grp", "pty", "tty", "syslog"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for name in ("SIGHUP", "SIGKILL", "SIGCHLD", "SIGUSR1", "pthread_sigmask"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fork", "killpg", "setsid", "getuid", "geteuid", "getgid", "pwrite"):
    delattr(os, name)
"""


def run_without_posix(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX + code, *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_needs_nothing_of_posix() -> None:
    code = "from tus_conformance.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    with serve_in_thread(serve_answers(MinimalServer())) as url:
        words = ("run", url, "--no-profile", "--only", "core.options.*", "--skip", "*trailer*")
        ended = run_without_posix(code, *words)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "OPTIONS of an upload URL succeeds" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_every_package_can_be_imported() -> None:
    names = "tus_conformance, tus_reference, tus_reference.cli, tus_defects, tus_reports"
    ended = run_without_posix(f"import {names}, tus_scenarios, tus_conformance.pytest_plugin")
    assert ended.returncode == 0, ended.stderr


def test_the_server_names_what_the_system_lacks() -> None:
    code = "from tus_reference.cli import main\nsys.exit(main(sys.argv[1:]))"
    for flag, said in (
        (["--workers", "2"], "--workers needs a system with fork"),
        (["--store", "file"], "--store file needs Linux or macOS"),
    ):
        ended = run_without_posix(code, "--port", "0", "--upload-dir", "/nonexistent/x", *flag)
        assert ended.returncode == 2
        assert said in ended.stderr
