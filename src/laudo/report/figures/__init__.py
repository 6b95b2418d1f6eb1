"""Drawings of the report, one file a figure, on a canvas that :mod:`laudo.report.figures.sheet` gives them."""
