"""ridgewalk walks the whole L1/L2 regularization path of a neural network in one run."""

__version__ = "0.1.0"
