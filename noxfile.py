"""Everything the project does, as nox sessions; each installs what it needs.

nox -s conformance -- --target URL    the suite against a server
nox -s tests lint types               what CI runs
nox -s serve                          the reference server
nox -s peers                          the suite against servers that nobody here wrote
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "types"]
nox.options.reuse_existing_virtualenvs = True

PEERS = Path("conformance/peers")
REPORTS = Path("report")


def interpreters() -> list[str]:
    """Return the Pythons from 3.11 to 3.13 that the machine has; in CI the one that runs nox."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if os.environ.get("CI"):
        return [here]
    others = [v for v in ("3.11", "3.12", "3.13") if v != here and _runs(f"python{v}")]
    return [here, *others]


def _runs(interpreter: str) -> bool:
    """Tell whether an interpreter is more than a name, as the shims of version managers can be."""
    found = shutil.which(interpreter)
    if found is None:
        return False
    tried = subprocess.run([found, "-c", ""], capture_output=True, check=False)
    return tried.returncode == 0


@nox.session
def conformance(session: nox.Session) -> None:
    """Run the suite; the arguments and the exit codes are those of `tus-conformance run`."""
    session.install("-e", ".")
    sys.exit(_suite(session, *session.posargs))


@nox.session(python=interpreters())
def tests(session: nox.Session) -> None:
    """Run the tests, on every Python the machine has; arguments go to pytest."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the style, and which package imports which."""
    session.install("-e", ".", "ruff", "import-linter")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, strictly."""
    session.install("-e", ".[dev]", "mypy", "nox")
    # One room at a time: the tests of each have modules of the same names.
    for room in ("reference", "conformance", "scenarios", "reports", "noxfile.py"):
        session.run("mypy", room, env={"MYPYPATH": f"{room}/tests"})


@nox.session
def serve(session: nox.Session) -> None:
    """Start the reference server; arguments are those of `tus-reference`."""
    session.install("-e", ".")
    session.run("tus-reference", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Run the suite against @tus/server and tuspyserver; the records go to report/peers."""
    session.install("-e", ".")
    home = Path(session.create_tmp()).resolve()
    found = {
        name: _suite(
            session,
            *("--target", "http://127.0.0.1:{port}/files/"),
            *("--server-command", command),
            *("--profile", str(PEERS / name / "profile.toml")),
            *("--report-dir", str(REPORTS / "peers" / name)),
            *session.posargs,
        )
        for name, command in (
            ("tus-node-server", _tus_node_server(session, home)),
            ("tuspyserver", _tuspyserver(session, home)),
        )
    }
    session.log(", ".join(f"{name}: exit {code}" for name, code in found.items()))
    if not set(found.values()) <= {0, 1}:
        session.error("A run could not tell; see above.")


def _suite(session: nox.Session, *arguments: str) -> int:
    command = [str(Path(session.bin) / "tus-conformance"), "run", *arguments]
    return subprocess.run(command, check=False).returncode


def _tus_node_server(session: nox.Session, home: Path) -> str:
    folder = _fresh(PEERS / "tus-node-server", home)
    with session.chdir(folder):
        session.run("npm", "install", "--no-audit", "--no-fund", "--silent", external=True)
    return f"node {folder}/server.mjs {{port}} {_uploads(folder)}"


def _tuspyserver(session: nox.Session, home: Path) -> str:
    folder = _fresh(PEERS / "tuspyserver", home)
    session.run(sys.executable, "-m", "venv", f"{folder}/venv", external=True)
    python = f"{folder}/venv/bin/python"
    session.run(
        python, "-m", "pip", "install", "-q", "-r", f"{folder}/requirements.txt", external=True
    )
    return f"{python} {folder}/app.py {{port}} {_uploads(folder)}"


def _fresh(source: Path, home: Path) -> Path:
    """Copy a peer's files beside what it installs, without what an earlier run has uploaded."""
    folder = home / source.name
    shutil.rmtree(folder / "uploads", ignore_errors=True)
    shutil.copytree(source, folder, dirs_exist_ok=True)
    return folder


def _uploads(folder: Path) -> Path:
    uploads = folder / "uploads"
    uploads.mkdir(exist_ok=True)
    return uploads
