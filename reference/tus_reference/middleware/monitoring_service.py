"""`MonitoringService`: health and metrics alone, for a listener that clients do not reach."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tus_reference.model import Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tus_reference.handler import Config
    from tus_reference.middleware.layers import Layer, Respond
    from tus_reference.model import Request


class MonitoringService:
    """Answers what one of its layers answers, and 404 otherwise; it has no uploads."""

    def __init__(self, config: Config, layers: Sequence[Layer]) -> None:
        self.config = config
        respond: Respond = self._refuse
        for layer in reversed(layers):
            respond = partial(layer.answer, respond=respond)
        self.handle = respond

    async def _refuse(self, _request: Request) -> Response:
        return Response(404, (("Content-Type", "text/plain; charset=utf-8"),), b"not found\n")

    async def run_maintenance(self) -> None:
        """Do nothing: the uploads are looked after by their own service."""

    def interrupt_bodies(self) -> None:
        """Do nothing: no body is received here."""
