"""The pytest plugin: every scenario an item, with the verdicts of the engine.

    pytest --pyargs tus_conformance --tus-target URL

This module is loaded in every pytest session of an environment that has the suite. So it imports
nothing but pytest, adds only options that begin with --tus-, and does nothing without --tus-target
or --tus-server-command.
"""

from __future__ import annotations

from pathlib import Path

import pytest

PACKAGE_FOLDER = Path(__file__).parent
"""The folder that `--pyargs tus_conformance` collects."""

SCENARIO_FILE = PACKAGE_FOLDER / "items.py"
"""The file in it that stands for the scenarios."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("tus", "tus conformance (with --pyargs tus_conformance)")
    group.addoption("--tus-target", metavar="URL", help="the creation URL of the server")
    group.addoption(
        "--tus-header",
        action="append",
        default=[],
        metavar="'Name: value'",
        help="send this header with every request",
    )
    group.addoption("--tus-profile", metavar="FILE", help="facts about the server, in TOML")
    group.addoption(
        "--tus-only", action="append", default=[], metavar="GLOB", help="run only these scenarios"
    )
    group.addoption(
        "--tus-skip", action="append", default=[], metavar="GLOB", help="do not run these scenarios"
    )
    group.addoption(
        "--tus-large", action="store_true", help="include scenarios that transfer gigabytes"
    )
    group.addoption(
        "--tus-slow",
        action="store_true",
        help="include scenarios that wait for 35 to 130 seconds",
    )
    group.addoption(
        "--tus-thorough",
        action="store_true",
        help="include every combination of upload, request and value",
    )
    group.addoption("--tus-seed", type=int, metavar="N", help="seed of the contents of uploads")
    group.addoption(
        "--tus-timeout", metavar="SECONDS", help="how long to wait without progress (default: 10)"
    )
    group.addoption(
        "--tus-baseline",
        metavar="FILE",
        help="failures listed in FILE are expected (xfail); entries that pass now fail",
    )
    group.addoption(
        "--tus-server-command",
        metavar="'CMD {port}'",
        help="start the server with this command and stop it at the end; the target is"
        " http://127.0.0.1:{port}/files/ unless --tus-target says otherwise",
    )
    group.addoption("--tus-strict", action="store_true", help="warnings fail too")


def is_wanted(config: pytest.Config) -> bool:
    """Return whether the options name a server to test."""
    return bool(config.getoption("--tus-target") or config.getoption("--tus-server-command"))


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the run if a target is given, so that usage errors are reported first."""
    if is_wanted(config):
        from tus_conformance.pytest_plugin.cleanup import Cleanup
        from tus_conformance.pytest_plugin.items import prepare
        from tus_conformance.pytest_plugin.xdist_workers import XdistWorkers

        prepare(config)
        config.pluginmanager.register(XdistWorkers(config, SCENARIO_FILE), "tus-workers")
        config.pluginmanager.register(Cleanup(config), "tus-cleanup")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Keep the modules of the package from being imported as tests, whatever the pattern is.

    Those of the load import gevent, which does not stand an import in a test.
    """
    is_module = collection_path.suffix == ".py" and collection_path != SCENARIO_FILE
    is_own = collection_path.is_relative_to(PACKAGE_FOLDER.parent)
    return True if is_module and is_own else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the scenarios where the package itself is collected and a target is given."""
    if file_path != SCENARIO_FILE or not is_wanted(parent.config):
        return None
    from tus_conformance.pytest_plugin.items import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)
