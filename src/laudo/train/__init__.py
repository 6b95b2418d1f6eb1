"""Losses, the fit with Lightning, frozen-feature training, exact resume."""
