"""Class-activation maps, and a check that they depend on the model at all."""
