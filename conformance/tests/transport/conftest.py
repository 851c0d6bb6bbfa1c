"""The wire's tests run on trio's own clock: some of them use real sockets."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "trio"
