"""The explorer: searches for the shortest sequences of requests that a server gets wrong.

A sequence is a list of moves that hypothesis draws. A small model of the uploads turns it into the
steps of an ordinary scenario, with every legal response; the engine runs and evaluates it like any
other. So the explorer grades nothing itself, and what it finds is a scenario file.
"""

from __future__ import annotations

from tus_conformance.explorer.disagreement import Disagreement, format_disagreement
from tus_conformance.explorer.move import Move
from tus_conformance.explorer.search import MissingError, Search
from tus_conformance.explorer.sequence import unfold_moves

__all__ = ["Disagreement", "MissingError", "Move", "Search", "format_disagreement", "unfold_moves"]
