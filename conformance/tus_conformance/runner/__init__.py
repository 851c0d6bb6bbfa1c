"""A whole run: its plan, what is told and when, the lines of its record."""
