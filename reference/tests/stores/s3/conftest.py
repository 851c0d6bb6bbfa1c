"""The stage on which the S3 store is tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from s3_harness import S3Harness, new_s3_harness

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=[False, True], ids=["aws", "seaweedfs"])
def s3_harness(request: pytest.FixtureRequest, tmp_path: Path) -> S3Harness:
    """Return a stage with parts of 10 bytes, or of 5 if they must be short."""
    return new_s3_harness(lists_overwritten=request.param, temporary_directory=tmp_path)
