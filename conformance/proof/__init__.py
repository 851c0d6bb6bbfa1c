"""The proof: every check of the suite can fail, and no conforming server fails any.

The engine that evaluates real servers evaluates the defects and quirks of `tus_defects` in memory.
What it measures has to pass the gates, and to be what `matrix.json` says.
"""
