"""Laws of the loop's view: its lines run in Python as they stand, and give the numbers that the page shows."""

import warnings
from typing import Any

import numpy as np
import pytest

from in_node import PLAY, needs_node, run_in_node

pytestmark = needs_node
PAGE, REPORT = PLAY / "page", PLAY.parent / "report" / "page"
ROWS, STEPS = 60, 40
CASES: list[dict[str, Any]] = [
    {"penalty": "l2"},
    {"penalty": "l1"},
    {"penalty": "mix", "bias": 0.01},
    {"penalty": "mix", "optimizer": "sgd", "rate": 1.0},
    {"penalty": "l2", "optimizer": "sgd", "rate": 1.0, "momentum": 0.9, "bias": 0.001},
    {"penalty": "l1", "optimizer": "sgd", "rate": 0.5, "momentum": 0.5},
    {"penalty": "l2", "hidden": [6, 5], "factors": [2, 0, 1, 1]},
    {"penalty": "l1", "hidden": []},
    {"penalty": "l2", "data": "moons", "noise": 0.3},
    {"penalty": "mix", "strength": 0.0},
]
RUN = """
  const state = { ...structuredClone(STATE), hidden: [8], ...given, epochs: 1000 };
  const { reach, ...data } = { ...drawRows(state.data, state.rows, state.noise, 0), reach: null };
  const spec = loopOf(state, data, given.strength), run = new LoopRun(spec, (seed, count) => engine.normals(seed, count));
  while (run.steps < given.steps) run.next();
  const layer = (dense) => ({ weight: dense.weight.values, bias: dense.bias.values, dweight: dense.dweight.values, dbias: dense.dbias.values, output: dense.output.values, dinput: dense.dinput.values });
  return {
    x: data.x, y: data.classes, program: loopProgram(spec), book: loopLines(spec).map((line) => named(line.text, "book")), notes: spec.notes,
    layers: run.dense.slice(1).map(layer), probabilities: run.loss.output.values, dinput: run.loss.dinput.values, dataLoss: run.dataLoss, penalty: run.penalty,
    total: run.total, accuracy: run.accuracy, rate: run.optimizer.current, zeros: run.zeros(), outputs: run.outputs(data.x, data.rows), history: run.history, iterations: run.optimizer.iterations,
  };
"""  # noqa: E501


LOOK = """
  const state = { ...structuredClone(STATE), hidden: [8], ...given, epochs: 3 }, data = drawRows("spiral", given.rows, 0.2, 0);
  const run = new LoopRun(loopOf(state, data, given.strength), (seed, count) => engine.normals(seed, count)), found = [];
  while (run.next()) {
    const look = lookOf(run), said = ["en", "zh"].map((chosen) => { language = chosen; return [look.say, ...look.pieces.map(({ note }) => note).filter(Boolean)].map((key) => [key, key in WORDS[chosen], say(key, look.values)]); });
    found.push({ line: run.lines[run.last].text, said, formula: look.formula, sums: look.sums, pieces: look.pieces.map(({ sign, name, array }) => ({ sign, name, values: array.values, shape: [array.rows, array.columns] })) });
  }
  return found;
"""  # noqa: E501


def in_node(script: str, **changes: Any) -> Any:
    files = [REPORT / "draw.js"]
    files += [PAGE / f"{name}.js" for name in ("words", "loop_words", "datasets", "state", "loop", "loop_look")]
    given = {"rows": ROWS, "steps": STEPS, "strength": 0.002} | changes
    return run_in_node("".join(file.read_text(encoding="utf-8") for file in files) + script, given)


def looped(**changes: Any) -> Any:
    return in_node(RUN, **changes)


def executed(program: str, steps: int) -> dict[str, Any]:
    """Run a program's lines in Python, its loop cut short; return its variables."""
    assert program.count("range(1000)") == 1
    variables: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a penalty that can be escaped
        exec(program.replace("range(1000)", f"range({steps})"), variables)
    return variables


@pytest.mark.parametrize("case", CASES, ids=str)
def test_its_lines_run_in_python_and_give_the_pages_numbers(case: dict[str, Any], capsys: Any) -> None:
    found = looped(**case)
    python = executed(found["program"], STEPS)
    np.testing.assert_array_equal(python["X"].ravel(), found["x"])
    near: dict[str, Any] = {"rtol": 1e-7, "atol": 1e-10}
    for number, layer in enumerate(found["layers"], 1):
        for name, values in layer.items():
            there = getattr(python[f"dense{number}"], name).ravel()
            np.testing.assert_allclose(values, there, **near, err_msg=f"dense{number}.{name}")
    loss = python["loss_activation"]
    np.testing.assert_allclose(found["probabilities"], loss.output.ravel(), **near)
    np.testing.assert_allclose(found["dinput"], loss.dinput.ravel(), **near)
    assert found["dataLoss"] == pytest.approx(python["data_loss"])
    assert found["penalty"] == pytest.approx(python["reg_loss"])
    assert found["total"] == pytest.approx(python["loss"])
    assert found["accuracy"] == python["accuracy"]
    assert found["rate"] == python["optimizer"].current_learning_rate
    assert found["iterations"] == python["optimizer"].iterations == STEPS
    assert (found["penalty"] > 0) == (case.get("strength") != 0)
    assert capsys.readouterr().out.startswith("step 0: loss 1.") or case.get("data") == "moons"


def test_l1_leaves_the_same_exact_zeros_and_they_come_back_alike() -> None:
    case: dict[str, Any] = {"penalty": "l1", "rate": 0.05, "strength": 0.003, "steps": 900}
    found = looped(**case)
    python = executed(found["program"], case["steps"])
    zeros = [int((python[f"dense{k}"].weight == 0).sum()) for k in (1, 2)]
    assert [each["zeros"] for each in found["zeros"]] == zeros
    assert 0 < sum(zeros) < 40
    assert found["history"][-1]["step"] == case["steps"] - 1


def test_outputs_of_any_rows_are_those_of_the_last_layer() -> None:
    found = looped(penalty="l2", hidden=[7, 6], steps=1)
    python = executed(found["program"], 1)
    python["dense1"].forward(python["X"])
    a = python["dense1"].output
    for number in (2, 3):
        python[f"dense{number}"].forward(np.maximum(a, 0))
        a = python[f"dense{number}"].output
    np.testing.assert_allclose(found["outputs"], a.ravel(), rtol=1e-9, atol=1e-12)


def test_lines_follow_the_settings_and_the_names_that_are_chosen() -> None:
    found = looped(penalty="l1", optimizer="sgd", momentum=0.9, rate=0.5, bias=0.002)
    program = found["program"]
    assert "dense1 = Layer_Dense(2, 8, weight_L1=0.002, bias_L1=0.002, random_state=0)" in program
    assert "optimizer = Optimizer_SGD(learning_rate=0.5, momentum=0.9)" in program
    assert found["book"][0] == "dense1 = Layer_Dense(2, 8, weight_regularizer_l1=0.002, bias_regularizer_l1=0.002)"
    assert "optimizer.update_params(dense1)" in found["book"]
    assert "dense1.backward(activation1.dinputs)" in found["book"]
    assert found["notes"] == []


def test_what_the_tutorial_lacks_is_noted() -> None:
    notes = looped(penalty="mcp", activation="tanh", optimizer="rmsprop")["notes"]
    assert notes == ["loop-no-activation", "loop-no-optimizer", "loop-no-family"]


@pytest.mark.parametrize("case", [case for case in CASES if "data" not in case], ids=str)
def test_every_line_says_what_it_did_in_both_languages(case: dict[str, Any]) -> None:
    found = in_node(LOOK, **case)
    for look in found:
        for each in look["said"]:
            for key, known, sentence in each:
                assert known, key
                assert "{" not in sentence, (look["line"], sentence)
        assert "undefined" not in look["formula"]
        assert "NaN" not in look["formula"]
    backward = [look for look in found if ".backward(" in look["line"] and look["line"].startswith("dense")]
    moved = [look for look in found if "update_param(dense" in look["line"]]
    assert len(moved) == len(backward) == 3 * (len(case.get("hidden", [8])) + 1)
    for look in backward + moved:
        *parts, whole = [
            np.array(piece["values"]) * (-1 if piece.get("sign") == "\N{MINUS SIGN}" else 1) for piece in look["pieces"]
        ]
        np.testing.assert_allclose(sum(parts) if parts else whole, whole, rtol=1e-12, atol=1e-15)
        assert len({tuple(piece["shape"]) for piece in look["pieces"]}) == 1


def test_the_penaltys_parts_add_up_to_it() -> None:
    found = in_node(LOOK, penalty="mix", bias=0.01)
    (sums,) = [look["sums"] for look in found if look["line"].startswith("reg_loss")][:1]
    assert [name for name, _ in sums] == [
        f"dense{k}.{array}_{kind} \N{MULTIPLICATION SIGN} {sign}"
        for k in (1, 2)
        for array in ("weight", "bias")
        for kind, sign in (("L1", "Σ|w|"), ("L2", "Σw²"))
    ]
    assert sums[0][1].startswith("0.001 \N{MULTIPLICATION SIGN} ")
