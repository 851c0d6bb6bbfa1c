"""The explorer: looks for stories that a server gets wrong, and tells each as short as it can be.

A story is a list of moves that hypothesis draws. A small model of the uploads turns it into the
steps of an ordinary scenario, with what every answer may be; the engine tells and judges it like
any other. So the explorer has no opinions of its own, and what it finds is a scenario file.
"""

from __future__ import annotations

from tus_conformance.explorer.disagreement import Disagreement, format_disagreement
from tus_conformance.explorer.move import Move
from tus_conformance.explorer.search import MissingError, Search
from tus_conformance.explorer.sequence import unfold_moves

__all__ = ["Disagreement", "MissingError", "Move", "Search", "format_disagreement", "unfold_moves"]
