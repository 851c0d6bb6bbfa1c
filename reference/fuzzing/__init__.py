"""Fuzzing of the reference: hypothesis makes requests and records, and rules judge what follows."""
