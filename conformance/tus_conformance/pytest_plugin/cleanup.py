"""The end of a pytest session: the uploads that remain are removed, or listed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tus_conformance.pytest_plugin.items import PLUGIN_RUN
from tus_conformance.targets.creation_tracker import LeftBehind

_KEY = "tus_left_behind"


class Cleanup:
    """A plugin of pytest that cleans up however the session ends: also by `-x` or Ctrl-C."""

    def __init__(self, config: pytest.Config) -> None:
        self._plugin_run = config.stash[PLUGIN_RUN]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Remove what remains; a worker of pytest-xdist sends what could not be removed."""
        self._plugin_run.remove_left_behind()
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_KEY] = msgspec.json.encode(self._plugin_run.left_behind).decode()

    def pytest_unconfigure(self) -> None:
        """Stop the server that --tus-server-command started."""
        self._plugin_run.stop_server()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker could not remove; one that crashed has sent nothing."""
        sent = getattr(node, "workeroutput", {}).get(_KEY, "{}")
        from_worker = msgspec.json.decode(sent, type=LeftBehind)
        self._plugin_run.left_behind.urls += from_worker.urls
        self._plugin_run.left_behind.unnamed += from_worker.unnamed

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """List the uploads that remain."""
        lines = self._plugin_run.format_left_behind()
        if lines:
            terminalreporter.section("uploads left behind")
            for line in lines:
                terminalreporter.line(line)
