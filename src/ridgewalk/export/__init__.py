"""Export fitted models, with equal predictions and without unused inputs and units.

to_onnx     the whole pipeline, from the user's columns to labels and probabilities, for onnxruntime and others
to_torch    the networks, as a ``state_dict`` of PyTorch
to_numpy    a readable Python file that needs only NumPy
"""

from __future__ import annotations

from ridgewalk.export.exporting import Exported, to_numpy, to_onnx, to_torch

__all__ = ["Exported", "to_numpy", "to_onnx", "to_torch"]
