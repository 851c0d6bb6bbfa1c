"""The stage on which the locker in Redis is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis_server import MISSING, PROGRAM, run_redis
from redis_stage import RedisStage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["fake", "real"])
def redis_stage(request: pytest.FixtureRequest) -> Iterator[RedisStage]:
    """Return a stage, once with each Redis."""
    if request.param == "real" and PROGRAM is None:
        pytest.skip(MISSING)
    if request.param == "fake":
        stage = RedisStage(None)
        yield stage
        stage.close()
        return
    with run_redis() as process:
        stage = RedisStage(process)
        yield stage
        stage.close()
