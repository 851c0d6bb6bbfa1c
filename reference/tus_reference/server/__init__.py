"""The trio shell: HTTP/1.1 over any trio stream, parsed by h11."""

from tus_reference.server.accept_loop import serve
from tus_reference.server.connection import serve_stream
from tus_reference.server.limits import Limits
from tus_reference.server.tls import Certificate, TLSListener

__all__ = ["Certificate", "Limits", "TLSListener", "serve", "serve_stream"]
