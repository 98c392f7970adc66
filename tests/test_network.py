"""Laws of networks and of which arrays a penalty touches."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from ridgewalk.layers import Dense, ReLU, start_glorot, start_he, start_normal
from ridgewalk.network import Network, evadable, layer_penalties, multilayer_perceptron
from ridgewalk.penalties import L1, L2, MCP, NO_PENALTY, GroupMCP, Sum


def test_arrays_have_names_and_shapes_in_order() -> None:
    network = multilayer_perceptron(5, [4, 3], 2)
    assert network.names == ("weight 1", "bias 1", "weight 2", "bias 2", "weight 3", "bias 3")
    assert network.shapes == ((5, 4), (1, 4), (4, 3), (1, 3), (3, 2), (1, 2))
    assert multilayer_perceptron(5, [], 2).shapes == ((5, 2), (1, 2))


def test_a_start_follows_its_seed() -> None:
    network = multilayer_perceptron(5, [4], 2)
    for a, b in zip(network.start("he", 3), network.start("he", 3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (network.start("he", 3)[0] != network.start("he", 4)[0]).all()
    assert (network.start("glorot", 3)[1] == 0).all()


@pytest.mark.parametrize(("rule", "start"), [("he", start_he), ("glorot", start_glorot), ("normal", start_normal)])
def test_a_start_is_the_one_it_is_named_after(rule: Any, start: Any) -> None:
    layer = Dense(5, 4)
    expected = start(layer, np.random.default_rng(3))
    np.testing.assert_array_equal(Network((layer,)).start(rule, 3)[0], expected)


def test_forward_by_hand() -> None:
    network = multilayer_perceptron(2, [2], 1)
    w1, b1, w2, b2 = (np.array(v, dtype=float) for v in ([[1, -1], [0, 2]], [[0, 1]], [[3], [4]], [[0.5]]))
    output, _ = network.forward(np.array([[2.0, 1.0]]), (w1, b1, w2, b2))
    assert output.item() == 3 * 2 + 4 * 1 + 0.5


def test_penalties_per_layer() -> None:
    network = multilayer_perceptron(2, [3], 1)
    penalties = layer_penalties(network, weight_l1=[0.1, 0], weight_l2=0.2, bias_l2=[0, 0.3])
    ones = [np.ones(shape) for shape in network.shapes]
    values = [float(penalty.value(w)) for penalty, w in zip(penalties, ones, strict=True)]
    assert values == pytest.approx([0.1 * 6 + 0.2 * 6, 0, 0.2 * 3, 0.3 * 1])
    as_array = layer_penalties(network, weight_l2=np.array([0.1, 0.0]))
    assert [float(penalty.value(w)) for penalty, w in zip(as_array, ones, strict=True)] == pytest.approx([0.6, 0, 0, 0])
    with pytest.raises(ValueError, match="one strength per layer"):
        layer_penalties(network, weight_l1=[0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("hidden", "activation", "weight_l2", "warns"),
    [
        ([4], "relu", [0.1, 0.0], True),
        ([4], "leaky_relu", [0.0, 0.1], True),
        ([4], "identity", [0.1, 0.0], True),
        ([4], "relu", [0.1, 0.1], False),
        ([4], "relu", [0.0, 0.0], False),
        ([4], "tanh", [0.1, 0.0], False),
        ([4, 4], "relu", [0.1, 0.1, 0.0], True),
        ([], "relu", [0.1], False),
    ],
)
def test_a_penalty_that_rescaling_escapes_is_named(hidden: Any, activation: Any, weight_l2: Any, warns: Any) -> None:
    network = multilayer_perceptron(3, hidden, 2, activation=activation)
    escape = evadable(network, layer_penalties(network, weight_l2=weight_l2))
    assert bool(escape) == warns
    if escape:
        assert "no minimizer" in escape
        assert "Penalize every weight array" in escape


def escapes(weights: Any, biases: Any) -> Any:
    """Whether some rescaling of a chain shrinks a penalized array and grows none, as a linear program."""
    depth = len(weights)
    # Variables t_0 ... t_depth, the ends 0; an array's growth is a row times t.
    growth = [np.eye(depth + 1)[k + 1] - np.eye(depth + 1)[k] for k in range(depth) if weights[k]]
    growth += [np.eye(depth + 1)[k + 1] for k in range(depth) if biases[k]]
    if not growth:
        return False
    bounds = [(0, 0), *[(-1, 1)] * (depth - 1), (0, 0)]
    found = linprog(np.sum(growth, axis=0), A_ub=np.array(growth), b_ub=np.zeros(len(growth)), bounds=bounds)
    assert found.fun is not None
    return found.fun < -1e-9


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_what_escapes_is_what_a_linear_program_finds(depth: Any) -> None:
    network = multilayer_perceptron(2, [3] * (depth - 1), 1)
    for weights in product([0.0, 0.1], repeat=depth):
        for biases in product([0.0, 0.1], repeat=depth):
            escape = evadable(network, layer_penalties(network, weight_l2=list(weights), bias_l2=list(biases)))
            assert bool(escape) == escapes(weights, biases), (weights, biases)
            if escape and not any(weights):
                assert "The biases of layer" in escape


KINDS = (NO_PENALTY, L2(0.1), MCP(0.1))


def growths(depth: Any) -> Any:
    """How much the weights, then the biases, grow under rescalings of a chain in whole numbers: their order decides."""
    steps = np.array(list(product(range(1 - depth, depth), repeat=depth - 1)))
    t = np.pad(steps, ((0, 0), (1, 1)))
    return np.concatenate([np.diff(t), t[:, 1:]], axis=1)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_what_escapes_a_bounded_penalty_is_what_a_search_finds(depth: Any) -> None:
    network = multilayer_perceptron(2, [3] * (depth - 1), 1)
    grown = growths(depth)
    for kinds in product(range(3), repeat=2 * depth):  # weights, then biases
        penalties = [KINDS[kinds[k + half]] for k in range(depth) for half in (0, depth)]
        acts, bounded = np.array(kinds) > 0, np.array(kinds) == 2
        shrinks = (grown[:, acts] < 0).any(axis=1)
        free = shrinks & (grown[:, acts] <= 0).all(axis=1)
        flat = shrinks & (grown[:, acts & ~bounded] <= 0).all(axis=1)
        escape = evadable(network, penalties)
        assert bool(escape) == flat.any(), kinds
        assert ("MCP is flat" in (escape or "")) == (flat.any() and not free.any()), kinds


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (MCP(0.1), MCP(0.1), "weights of layer 1 and 2 carry no penalty that holds large ones"),
        (MCP(0.1), L2(0.1), "Add an L2 to the weights of layer 1."),
        (GroupMCP(0.1), L1(0.1), "the weights of layer 2 carry one"),
        (Sum((MCP(0.1), L2(0.0))), L2(0.1), "Add an L2 to the weights of layer 1."),
        (MCP(0.1), NO_PENALTY, "The weights of layer 1 carry a penalty and those of layer 2 none"),
        (Sum((MCP(0.1), L2(0.1))), L2(0.1), None),
        (Sum((GroupMCP(0.1), L2(0.1))), Sum((MCP(0.1), L2(0.1))), None),
    ],
)
def test_a_bounded_penalty_holds_no_large_weights(first: Any, second: Any, words: Any) -> None:
    network = multilayer_perceptron(3, [4], 2)
    escape = evadable(network, (first, NO_PENALTY, second, NO_PENALTY))
    assert (escape is None) == (words is None)
    if escape is not None:
        assert words in escape
    assert (
        evadable(multilayer_perceptron(3, [4], 2, activation="tanh"), (first, NO_PENALTY, second, NO_PENALTY)) is None
    )


def test_where_a_bounded_penalty_is_flat_rescaling_lowers_the_other_for_nothing() -> None:
    network = multilayer_perceptron(3, [4], 2)
    w1, _, w2, _ = (50 * w for w in network.start("he", 0))
    mcp, ridge = MCP(0.1), L2(0.1)
    values = [float(mcp.value(c * w1) + ridge.value(w2 / c)) for c in (1.0, 10.0, 100.0)]
    assert values[0] > values[1] > values[2] > float(mcp.value(w1)) == pytest.approx(12 * 3 * 0.1**2 / 2)


def test_rescaling_changes_nothing_the_network_computes() -> None:
    network = multilayer_perceptron(3, [4], 2)
    w1, b1, w2, b2 = network.start("he", 0)
    x = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(
        network.forward(x, (w1, b1, w2, b2))[0], network.forward(x, (w1 / 9, b1 / 9, w2 * 9, b2))[0], rtol=1e-12
    )


UNKNOWN: Any = ("softplus", "zeros")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Network((ReLU(),)), "at least one Dense"),
        (lambda: Network((Dense(2, 3), Dense(4, 1))), "make them equal"),
        (lambda: multilayer_perceptron(2, [3], 1, activation=UNKNOWN[0]), "activation is one of relu"),
        (lambda: multilayer_perceptron(2, [3], 1).start(UNKNOWN[1], 0), "A start is one of he"),
    ],
)
def test_mistakes_are_named(make: Any, words: Any) -> None:
    with pytest.raises(ValueError, match=words):
        make()
