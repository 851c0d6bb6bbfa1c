"""A run of situations with clients that come by themselves, until it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from tus_conformance.clients.client_run import make_footer, make_header
from tus_conformance.clients.listening_server import ListeningServer
from tus_conformance.evaluation import exit_codes
from tus_conformance.evaluation.requirement_results import evaluate_client_requirements
from tus_conformance.evaluation.run_exit_code import exit_code_of_run
from tus_reports import Discovery, Footer, RecordLine, ScenarioResult


class ListeningRun:
    """Serves on `port` until `stop`, and then emits the record of what clients did."""

    def __init__(
        self,
        server: ListeningServer,
        port: int,
        emit: Callable[[RecordLine], None],
        on_start: Callable[[str], None],
        *,
        target: str,
        seed: int,
        strict: bool = False,
        arguments: tuple[str, ...] = (),
    ) -> None:
        self._server = server
        self._port = port
        self._emit = emit
        self._on_start = on_start
        self._header = make_header(target, seed, arguments)
        self._strict = strict
        self._scope = trio.CancelScope()

    def stop(self) -> None:
        """End the run."""
        self._scope.cancel()

    async def __call__(self) -> Footer:
        """Serve, and return the last line of the record."""
        began = trio.current_time()
        with self._scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._server.serve, self._port)
                self._on_start(self._server.origin)
        await self._server.finish()
        results = [
            self._server.results[name]
            for name in self._server.situations
            if name in self._server.results
        ]
        requirements = evaluate_client_requirements(results)
        footer = make_footer(
            results, requirements, self._exit_code(results), trio.current_time() - began
        )
        lines: list[RecordLine] = [self._header, Discovery(), *results, *requirements, footer]
        for line in lines:
            self._emit(line)
        return footer

    def _exit_code(self, results: Sequence[ScenarioResult]) -> int:
        if not results:
            return exit_codes.NOTHING_SELECTED
        return exit_code_of_run(
            results,
            strict=self._strict,
            known=set(),
            fixed=False,
            error=False,
            interrupted=False,
        )
