"""The suite spread over the workers of pytest-xdist: what each of them saw is put together.

An invariant speaks of every exchange of a run, and a worker sees those of its own scenarios. So
the workers leave the invariants out and send, when they end, what theirs saw; the main process
reports each invariant once, with the worst result. An upload belongs to one scenario, and so to
one worker: no invariant needs to see what two of them did to one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tus_conformance.evaluation import verdicts
from tus_conformance.pytest_plugin.items import PLUGIN_RUN, InvariantItem, SuiteFile
from tus_reports import ScenarioResult

_KEY = "tus_invariants"


class XdistWorkers:
    """A plugin of pytest that does nothing in a session without workers.

    `scenario_file` is the file that the items of the suite belong to.
    """

    def __init__(self, config: pytest.Config, scenario_file: Path) -> None:
        self._scenario_file = scenario_file
        self._plugin_run = config.stash[PLUGIN_RUN]
        self._left_out: list[str] = []
        self._seen: dict[str, list[ScenarioResult | None]] = {}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave the invariants that were selected to the end, if this is a worker."""
        own = [item for item in items if isinstance(item, InvariantItem)]
        if hasattr(config, "workeroutput") and len(own) < len(items):
            self._left_out = [item.name for item in own]
            items[:] = [item for item in items if not isinstance(item, InvariantItem)]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what the invariants of this worker saw."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            found = {name: self._plugin_run.invariant_result(name) for name in self._left_out}
            output[_KEY] = msgspec.json.encode(found).decode()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker sent; one that crashed has sent nothing."""
        sent = getattr(node, "workeroutput", {}).get(_KEY, "{}")
        for name, results in msgspec.json.decode(
            sent, type=dict[str, ScenarioResult | None]
        ).items():
            self._seen.setdefault(name, []).append(results)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Report the invariants once all workers have ended."""
        result = yield
        if self._seen:
            self._plugin_run.use_worker_results(
                {name: _worst_result(results) for name, results in self._seen.items()}
            )
            session.testscollected += len(self._seen)
            parent = SuiteFile.from_parent(session, path=self._scenario_file)
            for name in self._seen:
                item = InvariantItem.from_parent(parent, name=name, plugin_run=self._plugin_run)
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return result


def _worst_result(results: Sequence[ScenarioResult | None]) -> ScenarioResult | None:
    """Return what the worker says that saw the worst; None where the invariant was left out."""
    found = [each for each in results if each is not None]
    worst = verdicts.worst(each.verdict for each in found)
    return next((each for each in found if each.verdict == worst), None)
