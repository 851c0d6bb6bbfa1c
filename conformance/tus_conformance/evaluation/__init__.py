"""What is right: expectations, headers by meaning, invariants, verdicts."""
