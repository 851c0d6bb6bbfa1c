"""Finds what is between a client and a tus server, and what it breaks."""
