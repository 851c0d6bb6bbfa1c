"""A whole run: its plan, what runs when, the lines of its record."""
