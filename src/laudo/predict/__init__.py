"""Inference with the model of a run. Nothing of training is needed here."""
