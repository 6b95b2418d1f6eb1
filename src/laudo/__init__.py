"""laudo: from a folder of medical images to a trained, explained and honestly evaluated model and its report."""

__version__ = "0.1.0"
