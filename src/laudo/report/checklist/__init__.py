"""Reporting checklists, filled from what a run holds: what it shows, and what is left for the author to write."""
