"""Async tests run on trio, on a clock that moves on by itself once nobody has anything to do.

No server of these tests needs a thread or a socket, so the time-outs of a loaded machine are none.
"""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import MockClock


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}
