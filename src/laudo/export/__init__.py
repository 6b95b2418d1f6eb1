"""Models for other programs: ONNX graphs and MONAI bundles. Nothing of training is needed here."""
