"""Telling a scenario once, with its uploads, its waits and its finish."""
