"""Figures, the report as one HTML file, and the model card: written from what the run folder holds, no more."""
