"""Clients that come to a bad end: they lie, hang, crash, never stop, or damage what is stored."""

from __future__ import annotations

import os
import signal
import time
from typing import NoReturn

import httpx

from client_gallery.right_client import RightClient, UploadError
from client_gallery.wrong_client import WrongClient


class Hangs(RightClient):
    """Waits for ever when a request breaks."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH; wait for ever if it breaks."""
        reached = super().patch(url, headers, body)
        while reached is None:
            time.sleep(1)
        return reached


class BelievesEverySuccess(RightClient):
    """Takes every 2xx for success."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH; believe that it worked."""
        try:
            response = self.send_patch(url, headers, body)
        except httpx.HTTPError:
            return None
        if response.is_success:
            return int(headers["Upload-Offset"]) + len(body)
        return None


class SaysNothing(RightClient):
    """Ends without a word when something goes wrong."""

    def run(self) -> str:
        """Upload the file."""
        try:
            return super().run()
        except UploadError:
            os._exit(0)


class Crashes(RightClient):
    """Dies when something goes wrong."""

    def run(self) -> str:
        """Upload the file."""
        try:
            return super().run()
        except UploadError:
            self.die()

    def die(self) -> NoReturn:
        """End this process by a signal."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit


class NeverGivesUp(RightClient):
    """Tries again for ever."""

    def send_rest(self, url: str, offset: int, data: bytes) -> str:
        """Send what is missing, for ever."""
        while True:
            try:
                return super().send_rest(url, offset, data)
            except UploadError:
                continue


class MixesBytes(RightClient):
    """Sends the beginning of the file where the rest belongs."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH with the wrong bytes."""
        return super().patch(url, headers, self.data[: len(body)])


FAILING_CLIENTS = (
    WrongClient(Hangs, "cut.patch/rst,part", "client.core.net.detect-errors"),
    WrongClient(BelievesEverySuccess, "patch.captive-portal", "client.core.unknown-2xx"),
    WrongClient(BelievesEverySuccess, "patch.200-nothing", "lied"),
    WrongClient(SaysNothing, "patch.status-always/403", "silent"),
    WrongClient(Crashes, "patch.status-always/403", "crashed"),
    WrongClient(NeverGivesUp, "store.nothing-always", "endless"),
    WrongClient(Hangs, "cut.patch/fin,part", "hangs"),
    WrongClient(MixesBytes, "plain.chunks", "damaged"),
    WrongClient(NeverGivesUp, "patch.status-always/413", "endless"),
)
