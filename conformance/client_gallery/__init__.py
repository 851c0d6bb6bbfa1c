"""Small clients: right ones, and ones that are wrong on purpose, to prove the situations."""
