"""The stage on which the S3 store is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from s3.stage import Stage, new_stage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=[False, True], ids=["aws", "seaweedfs"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    """Return a stage with parts of 10 bytes, or of 5 if they must be short."""
    return new_stage(lists_overwritten=request.param, temporary_directory=tmp_path)
