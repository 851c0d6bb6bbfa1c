"""The server of --tus-server-command: it runs in a thread for as long as the pytest session."""

from __future__ import annotations

import threading

import trio

from tus_conformance.targets.server_process import ServerError, run_server_command

DEFAULT_URL = "http://127.0.0.1:{port}/files/"


class BackgroundServer:
    """A server process that a trio loop of its own, in a thread, starts and stops.

    Each scenario of the plugin has a loop of its own, so none of them can hold the process.
    """

    def __init__(self, command: str, url: str | None) -> None:
        self.url = ""
        self._ready = threading.Event()
        self._error: ServerError | None = None
        self._scope = trio.CancelScope()
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = threading.Thread(
            target=trio.run, args=(self._serve, command, url or DEFAULT_URL), daemon=True
        )

    def start(self) -> str:
        """Start the server; return its URL once it accepts connections. Raises ServerError."""
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self.url

    def stop(self) -> None:
        """Stop the server and wait for it."""
        if self._token is not None and self._thread.is_alive():
            trio.from_thread.run_sync(self._scope.cancel, trio_token=self._token)
            self._thread.join()

    async def _serve(self, command: str, url: str) -> None:
        self._token = trio.lowlevel.current_trio_token()
        try:
            with self._scope:
                async with run_server_command(command, url) as server:
                    self.url = server.url
                    self._ready.set()
                    await trio.sleep_forever()
        except ServerError as error:
            self._error = error
        finally:
            self._ready.set()
