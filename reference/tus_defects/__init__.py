"""Servers that are wrong or unusual on purpose: defects break one requirement, quirks none.

Each is a rule in TOML or a small function; either is a change of the reference server. Start one
with `tus-reference --defect ID` or `--quirk ID`, or serve a `ChangedService` in your own process.
"""

from tus_defects.gallery import changes, defects, quirks
from tus_defects.service import ChangedService
from tus_defects.variant import Change, Variant

__all__ = ["Change", "ChangedService", "Variant", "changes", "defects", "quirks"]
