"""The pytest plugin: every scenario an item, with the verdicts of the engine.

    pytest --pyargs tus_conformance --tus-target URL

This module is loaded in every pytest session of an environment that has the suite. So it imports
nothing but pytest, adds only options that begin with --tus-, and does nothing without --tus-target.
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
        "--tus-thorough",
        action="store_true",
        help="include every combination of upload, request and value",
    )
    group.addoption("--tus-seed", type=int, metavar="N", help="seed of the contents of uploads")
    group.addoption(
        "--tus-timeout", metavar="SECONDS", help="how long to wait without progress (default: 10)"
    )
    group.addoption("--tus-strict", action="store_true", help="warnings fail too")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the run if a target is given, so that usage errors are reported first."""
    if config.getoption("--tus-target"):
        from tus_conformance.pytest_plugin.cleanup import Cleanup
        from tus_conformance.pytest_plugin.items import prepare
        from tus_conformance.pytest_plugin.xdist_workers import XdistWorkers

        prepare(config)
        config.pluginmanager.register(XdistWorkers(config, SCENARIO_FILE), "tus-workers")
        config.pluginmanager.register(Cleanup(config), "tus-cleanup")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the scenarios where the package itself is collected and a target is given."""
    if file_path != SCENARIO_FILE or not parent.config.getoption("--tus-target"):
        return None
    from tus_conformance.pytest_plugin.items import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)
