"""Exit codes of every command; they import nothing, so that a usage error is reported at once."""

from __future__ import annotations

CONFORMANT, FAILED, USAGE, UNDETERMINED, NOTHING_SELECTED = 0, 1, 2, 3, 4
"""Exit codes: conformant, a fail or regression, a usage error, undetermined, nothing selected."""

INTERRUPTED = 130
"""The exit code of a run that was interrupted, as shells count a Ctrl-C."""
