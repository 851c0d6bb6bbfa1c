"""GET, which tus leaves to HTTP: what a stored upload is given back as, and which bytes of it."""

from tus_reference.downloads.content import content_headers
from tus_reference.downloads.ranges import Selection, select

__all__ = ["Selection", "content_headers", "select"]
