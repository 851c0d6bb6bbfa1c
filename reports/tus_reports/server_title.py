"""What reports call the server: its name and version, or else the URL of the target."""

from __future__ import annotations

from tus_reports.record import Header


def server_title(header: Header) -> str:
    """Return the name of the server with its version, or the URL where it has no name."""
    return f"{header.server_name} {header.server_version}".strip() or header.target
