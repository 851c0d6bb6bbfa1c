"""Load on a tus server, on Locust: users that upload as clients do, and verify every byte.

    from tus_conformance.load import TusUser

    class Uploader(TusUser):
        host = "http://127.0.0.1:1080/files/"

Locust patches the standard library when it is imported, which trio does not survive. Nothing here
imports trio, and only `TusUser` imports Locust, on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tus_conformance.load.mix import Mix, MixError, read_mix

if TYPE_CHECKING:
    from tus_conformance.load.user import TusUser

__all__ = ["Mix", "MixError", "TusUser", "read_mix"]


def __getattr__(name: str) -> Any:
    if name != "TusUser":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return import_module(f"{__name__}.user").TusUser
    except ModuleNotFoundError as missing:
        if missing.name not in {"gevent", "geventhttpclient", "locust"}:
            raise
        raise ImportError(
            "TusUser needs Locust, which is not installed: pip install '.[load]'."
        ) from missing
