"""Integrity, duplicates, leakage: what is wrong with the data before a model hides it."""
