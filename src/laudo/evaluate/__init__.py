"""Metrics, intervals, calibration, paired differences: scores anyone's predictions. Imports nothing but core."""
