"""A server under test: where it is, what is known of it, how it is reached."""
