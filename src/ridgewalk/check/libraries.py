"""Measure the penalty of a PyTorch module, its optimizer, or a Keras model, on copies and without data.

penalty      its own gradient
optimizer    (w - w after one step) / rate, where the loss has no gradient
Keras        the same, with weight zero for every row, so that only the regularizers act
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.check.penalty import ExpectedStrength, check_penalty
from ridgewalk.check.result import SAME, Check, PenaltyCheck, Wrong


def check_torch(
    module: Any,
    penalty: Callable[[Any], Any] | None = None,
    optimizer: Any = None,
    *,
    l1: ExpectedStrength = None,
    l2: ExpectedStrength = None,
    biases: bool | None = None,
    seed: int = 0,
) -> PenaltyCheck:
    """Measure a penalty, or an optimizer's weight decay, on the parameters of a PyTorch module.

    The check runs in double precision on copies of the module and the optimizer. Momentum is set to zero: it changes
    the length of steps, not their fixed points. With both arguments, the penalty is measured through the optimizer's
    step.

    Parameters
    ----------
    module : torch.nn.Module
    penalty : callable or None
        ``penalty(module)`` returns a scalar tensor, computed from the module that it receives.
    optimizer : torch.optim.Optimizer or None
        Optimizer of this module; its ``step()`` must not need a closure.
    l1, l2, biases, seed
        As in :func:`check_penalty`; the arrays are the parameters with a gradient.

    Returns
    -------
    PenaltyCheck
        ``rows`` is 1, because no data are used. SGD's ``weight_decay`` is twice its l2. An optimizer that rescales each
        weight's gradient (Adam) has no strength: if its decay is rescaled, too, l1 and l2 are NaN; if not (AdamW), l2
        is valid for this learning rate only.

    Raises
    ------
    ValueError
        If there is neither a penalty nor an optimizer, or the penalty uses another module.
    """
    if penalty is None and optimizer is None:
        raise ValueError("check_torch reads a penalty(module), an optimizer, or both: pass one.")
    import torch

    twin, updater = copy.deepcopy((module, optimizer))
    twin.double()
    parameters = {name: tensor for name, tensor in twin.named_parameters() if tensor.requires_grad}

    def place(arrays: Sequence[Array]) -> Any:
        for tensor, w in zip(parameters.values(), arrays, strict=True):
            tensor.data.copy_(tensor.data.new_tensor(w))
        return None if penalty is None else penalty(twin)

    def value(arrays: list[Array]) -> float:
        with torch.no_grad():
            return float(place(arrays))

    def gradient(arrays: list[Array], _rows: int, on: bool) -> list[Array]:
        term = place(arrays)
        slopes: list[Array] = [np.zeros_like(w) for w in arrays]
        if on and isinstance(term, torch.Tensor) and term.requires_grad:
            found = torch.autograd.grad(term, list(parameters.values()), allow_unused=True)
            if all(each is None for each in found):
                raise ValueError(
                    "penalty(module) reads another module than the one that it is handed: use its argument."
                )
            slopes = [zero if each is None else _numbers(each) for zero, each in zip(slopes, found, strict=True)]
        return slopes if updater is None or not on else _moves(updater, parameters, slopes)

    start = {name: _numbers(tensor) for name, tensor in parameters.items()}
    if updater is None or _linear(updater, parameters):
        return check_penalty(
            gradient, start, l1=l1, l2=l2, biases=biases, batch_sizes=(1,), seed=seed,
            value=None if penalty is None or updater is not None else value,
        )  # fmt: skip
    read = check_penalty(gradient, start, batch_sizes=(1,), seed=seed)
    return _scaled(read, promised=l1 is not None or l2 is not None)


def _numbers(tensor: Any) -> Array:
    return np.array(tensor.detach().cpu().numpy())


def _moves(updater: Any, parameters: dict[str, Any], slopes: Sequence[Array]) -> list[Array]:
    """Make one step from zero momentum along these slopes; return the moves in units of the learning rate."""
    updater.state.clear()
    rates: dict[int, float] = {}
    for group in updater.param_groups:
        group.update({key: type(group[key])(0) for key in ("momentum", "nesterov") if key in group})
        rates |= {id(tensor): float(group["lr"]) for tensor in group["params"]}
    before = [_numbers(tensor) for tensor in parameters.values()]
    for tensor, slope in zip(parameters.values(), slopes, strict=True):
        tensor.grad = tensor.data.new_tensor(slope)
    updater.step()
    pairs = zip(before, parameters.values(), strict=True)
    return [(w - _numbers(tensor)) / rates.get(id(tensor), 1.0) for w, tensor in pairs]


def _linear(updater: Any, parameters: dict[str, Any]) -> bool:
    """Whether twice the gradient is twice the move: only then has the optimizer's decay a strength."""
    start = [tensor.data.clone() for tensor in parameters.values()]
    moves = []
    for slope in (0.0, 1.0, 2.0):
        for tensor, w in zip(parameters.values(), start, strict=True):
            tensor.data.copy_(w)
        moves.append(_moves(updater, parameters, [np.full(tuple(w.shape), slope) for w in start]))
    return all(np.allclose(b - a, c - b, rtol=SAME, atol=SAME**2) for a, b, c in zip(*moves, strict=True))


def _scaled(read: PenaltyCheck, promised: bool) -> PenaltyCheck:
    """Describe the penalty that a decay amounts to where the optimizer scales each weight's gradient."""
    if not any(row.l1 or row.l2 or row.unexplained for row in read.arrays):
        return read
    if any(row.l1 or row.unexplained for row in read.arrays):
        rows = tuple(replace(row, l1=np.nan, l2=np.nan, unexplained=1.0) for row in read.arrays)
        words = (
            "The optimizer scales the gradient of each weight, and the penalty's with it: the move is not in proportion"
        )
        return Check(rows, (Wrong(f"{words} to the weight, so there is no strength to read off."),))
    words = (
        "The decay passes by the optimizer's scaling of gradients (AdamW): l2 holds at this learning rate only, and is"
    )
    words += " no penalty of any objective."
    return Check(read.arrays, (Wrong(words),) if promised else (), read.notes if promised else (words, *read.notes))


def check_keras(model: Any, x: Any, y: Any, *, seed: int = 0) -> PenaltyCheck:
    """Measure the regularizers of a Keras model, and compare them with their parameters.

    A clone makes one SGD step with weight zero for every row, so that only the regularizers act; with a quarter of the
    rows and with all rows. The expected strengths are those of Keras's own L1, L2 and L1L2. Single precision is
    sufficient. Custom regularizers must be registered with Keras so that they can be cloned.

    Parameters
    ----------
    model : keras.Model
        A model that ``keras.models.clone_model`` can clone, with any backend. It is not changed.
    x, y : arrays
        Rows for its loss.
    seed : int
        Seed of the random weights.

    Returns
    -------
    PenaltyCheck
    """
    import keras

    twin = keras.models.clone_model(model)
    rate = 2.0**20  # a long step, so that what single precision rounds is the move and not the weight
    twin.compile(optimizer=keras.optimizers.SGD(rate), loss="mse" if model.loss is None else model.loss)
    variables = twin.trainable_variables
    start = {each.path: np.array(keras.ops.convert_to_numpy(each)) for each in model.trainable_variables}

    def gradient(arrays: list[Array], rows: int, on: bool) -> list[Array]:
        if not on:
            return [np.zeros_like(w) for w in arrays]
        for variable, w in zip(variables, arrays, strict=True):
            variable.assign(w)
        before = [np.array(keras.ops.convert_to_numpy(each), dtype=np.float64) for each in variables]
        twin.train_on_batch(x[:rows], y[:rows], sample_weight=np.zeros(rows))
        after = [np.array(keras.ops.convert_to_numpy(each), dtype=np.float64) for each in variables]
        return [(w - moved) / rate for w, moved in zip(before, after, strict=True)]

    own = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)
    configs = [each.regularizer.get_config() if isinstance(each.regularizer, own) else {} for each in variables]
    l1, l2 = ([each.get(kind, 0.0) if each else None for each in configs] for kind in ("l1", "l2"))
    sizes = (max(1, len(x) // 4), len(x))
    check = check_penalty(gradient, start, l1=l1, l2=l2, batch_sizes=sizes, seed=seed)
    idle = tuple(name for name, each in zip(start, configs, strict=True) if each and not any(each.values()))
    words = 'a regularizer of strength 0 (so is Keras\'s "l1l2", where no strengths are given).'
    return replace(check, wrong=(*check.wrong, Wrong(words, idle))) if idle else check
