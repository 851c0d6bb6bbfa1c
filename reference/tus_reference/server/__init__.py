"""The trio shell: HTTP/1.1 over any trio stream, parsed by h11."""

from tus_reference.server.connection import Limits, serve_stream
from tus_reference.server.serving import serve

__all__ = ["Limits", "serve", "serve_stream"]
