"""One attempt at a scenario: its steps, its uploads, and the requests that it composes."""
