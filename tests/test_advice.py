"""Laws of what to do now: each finding stands where its numbers say so, and nowhere else; all have sentences."""

from dataclasses import fields
from typing import Any, get_args

import pytest

from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.cli.options import PathOptions
from ridgewalk.report.advice import (
    Advice,
    BarelyBetterThanConstant,
    ChosenOnTheSameRows,
    EdgeOfGrid,
    FewerInputs,
    FitsLittle,
    LinearPredictsAsWell,
    MajorityAsRight,
    MoreRows,
    NearlyAllInputs,
    NotBetterThanConstant,
    RulesAgree,
    SimplerPredictsBetter,
    ToldApartOnly,
    advise,
)
from ridgewalk.report.advice_wording import sentence_of

OF_A_NETWORK = (EdgeOfGrid, FewerInputs, RulesAgree)  # alone, which the user asked for: not of a blend
OTHERS = ("linear", "early stopping", "no penalty", "constant")


def found(verdicts: Any = None, first: Any = "network", **changes: Any) -> Any:
    """Return what a good fit of classes reached; ``changes`` are of metrics, differences and the first competitor."""
    verdicts = dict.fromkeys(OTHERS, "better") | (verdicts or {})
    estimate = {"value": 0.2, "standard_error": 0.02}
    metrics = {"accuracy": estimate, "AUC": {"value": 0.9, "standard_error": 0.02}, "log loss": estimate}
    competitor: Any = {"rows": 200, "chosen_on": "other folds", "loss": estimate, "metrics": metrics}
    change: Any = {"loss": estimate, "low": 0, "high": 1, "metrics": metrics}
    needed, probable = changes.pop("needed", {}), changes.pop("probable", False)
    more = {name: changes.pop(name) for name in ("accuracy", "AUC") if name in changes}
    return {
        "task": "classes",
        "smallest_effect": 0.01,
        "competitors": [competitor | {"name": name} for name in (first, *OTHERS)],
        "differences": [
            change
            | {"than": name, "verdict": verdict, "probable": probable, "metrics": metrics | more}
            | dict(zip(("rows_needed", "outcome_then"), needed.get(name, (None, None)), strict=True))
            for name, verdict in verdicts.items()
        ],
    } | changes


def summary(best: int = 2, sparse: int = 3, kept: int = 10, inputs: int = 30, **changes: Any) -> Any:
    """Return a path of five strengths, the rules' at ``best`` and ``sparse``, that keeps some inputs."""
    path = [
        {
            "alpha": alpha,
            "train_loss": 0.01,
            "inputs_kept": 4 - s,
            "marks": [mark for mark, index in (("min", best), ("1se", sparse)) if index == s],
        }
        for s, alpha in enumerate([0, 0.1, 0.2, 0.3, 0.4])
    ]
    names = [{"name": f"x{k}", "kept": k < kept} for k in range(inputs)]
    return {"path": path, "dropped": [], "inputs": names, "null_loss": 0.7} | changes


def kinds(path: Any, given: Any) -> list[type]:
    return [type(each) for each in advise(path, given, selecting=False)]


def test_where_nothing_is_due_nothing_is_said() -> None:
    assert advise(summary(), found(), selecting=False) == []


@pytest.mark.parametrize("verdict", ["cannot tell", "worse", "no difference"])
def test_what_is_no_better_than_a_constant_is_said_first(verdict: str) -> None:
    nothing = {"value": 0.01, "standard_error": 0.02}
    none = found({"constant": verdict, "linear": "no difference"}, accuracy=nothing, AUC=nothing)
    assert kinds(summary(), none) == [NotBetterThanConstant]  # nor is a linear model, then
    for told in ({"accuracy": {"value": 0.05, "standard_error": 0.02}, "AUC": nothing}, {"accuracy": nothing}):
        assert advise(summary(), found({"constant": verdict}, **told), selecting=False) == [ToldApartOnly(0.9)]


@pytest.mark.parametrize(("null", "barely"), [(0.2 / 0.951, True), (0.2 / 0.949, False)])
def test_barely_better_is_less_than_a_twentieth_of_the_constants_loss(null: float, barely: bool) -> None:
    assert kinds(summary(null_loss=null), found()) == [BarelyBetterThanConstant] * barely


def test_accuracy_that_is_not_above_the_most_frequent_class_is_no_measure() -> None:
    for value, said in ((0.039, [MajorityAsRight]), (0.0393, [])):
        assert kinds(summary(), found(accuracy={"value": value, "standard_error": 0.02})) == said
    unknown = {"value": None, "standard_error": None}
    assert kinds(summary(), found(accuracy=unknown)) == [MajorityAsRight]


def test_what_is_simpler_and_as_good_is_to_be_taken() -> None:
    assert advise(summary(), found({"linear": "no difference"}), False) == [LinearPredictsAsWell(better=False)]
    assert advise(summary(), found({"linear": "worse"}), False) == [LinearPredictsAsWell(better=True)]
    (probably,) = advise(summary(), found({"linear": "worse"}, probable=True), False)
    assert sentence_of(probably).startswith("A linear model predicts probably better: take it")
    for name in ("no penalty", "early stopping"):
        assert advise(summary(), found({name: "worse"}), False) == [SimplerPredictsBetter(name)]
        (probably,) = advise(summary(), found({name: "worse"}, probable=True), False)
        assert "probably predicts better: " in sentence_of(probably)
        assert advise(summary(), found({name: "no difference"}), False) == []


def test_a_network_that_keeps_half_the_constants_loss_on_its_own_rows_fits_little() -> None:
    for loss, said in ((0.35, [FitsLittle]), (0.34, [])):
        path = summary()
        path["path"][0]["train_loss"] = loss
        assert kinds(path, found()) == said
        assert kinds(path, found(first="linear")) == []
        path["path"][0]["alpha"] = 0.01  # the path does not begin at 0
        assert kinds(path, found()) == []
    assert kinds(summary(null_loss=0.0), found({"constant": "cannot tell"})) == [ToldApartOnly]


def test_the_ends_of_the_grid_are_those_of_the_strengths_that_were_tried() -> None:
    assert advise(summary(1, 2), found(), False) == [EdgeOfGrid(0.1, strongest=False)]
    strongest = summary(4, 4)
    assert advise(strongest, found(), False) == []  # it keeps no input: a constant
    strongest["path"][4]["inputs_kept"] = 2
    assert advise(strongest, found(), False) == [EdgeOfGrid(0.4, strongest=True)]
    assert advise(strongest | {"dropped": [{"alpha": 0.5}]}, found(), False) == [RulesAgree(0.4, 0.4)]
    assert advise(summary(1, 2, dropped=[{"alpha": 0.05}]), found(), False) == []
    assert advise(summary(0, 1), found(), False) == []  # no penalty is no end of a grid
    assert advise(summary(2, 2), found(), False) == [RulesAgree(0.2, 0.2)]


def test_rules_that_agree_do_not_hide_sparser_strengths_that_may_be_as_good() -> None:
    good: Any = {"low": 0.2, "high": 0.3, "members": 2, "of": 5}
    (alone,) = advise(summary(2, 2), found(), False, good | {"high": 0.2})
    (more,) = advise(summary(2, 2), found(), False, good)
    assert (alone, more) == (RulesAgree(0.2, 0.2), RulesAgree(0.2, 0.3))
    assert "no sparser network of this path predicts as well" in sentence_of(alone)
    assert "but up to 0.3 others may be as good: --selection simplest" in sentence_of(more)


def test_a_blend_and_selected_inputs_have_no_grid_of_the_users() -> None:
    for index in (1, 2):
        assert advise(summary(index, index), found(first="blend"), False) == []
        assert advise(summary(index, index, kept=30), found(), selecting=True) == []


def test_fewer_inputs_than_the_selected_ones_may_be_as_good() -> None:
    good: Any = {"low": 0.1, "high": 0.3, "members": 3, "of": 5}
    refits = summary(2, 2)
    for row in refits["path"]:
        row["ridge"] = 0.1
    kept = refits["inputs"]
    assert [row["inputs_kept"] for row in refits["path"]] == [4, 3, 2, 1, 0]
    for count, said in ((3, [FewerInputs(3, 1)]), (1, [])):
        found_inputs = [{"name": each["name"], "kept": k < count} for k, each in enumerate(kept)]
        assert advise(refits | {"inputs": found_inputs}, found(), True, good) == said
        assert advise(refits | {"inputs": found_inputs}, found(), False, good) == [RulesAgree(0.2, 0.3)]
    assert advise(refits, found(), True, None) == []
    assert advise(refits, found(), True, good | {"high": 0.4}) == []  # a constant is no choice of inputs
    assert advise(summary(2, 2), found(), True, good) == []  # a path's strengths are not refits


@pytest.mark.parametrize(("kept", "inputs", "said"), [(27, 30, 1), (26, 30, 0), (30, 30, 1), (9, 9, 0), (9, 10, 1)])
def test_nearly_all_inputs(kept: int, inputs: int, said: int) -> None:
    assert advise(summary(kept=kept, inputs=inputs), found(), False) == [NearlyAllInputs(kept, inputs)] * said
    assert advise(summary(kept=kept, inputs=inputs), found(first="linear"), False) == []
    blended = advise(summary(kept=kept, inputs=inputs), found(first="blend"), False)
    assert blended == [NearlyAllInputs(kept, inputs, "MLPClassifierCV")] * said
    numbers = advise(summary(kept=kept, inputs=inputs), found(first="blend", task="number"), False)
    assert numbers == [NearlyAllInputs(kept, inputs, "MLPRegressorCV")] * said


def test_rows_that_would_settle_it() -> None:
    needed = {"linear": (1_234, "no difference"), "constant": (99_999, "better")}
    given = found({"linear": "cannot tell"}, needed=needed)
    (more,) = advise(summary(), given, False)
    assert more == MoreRows((("linear", 1_234, "no difference"), ("constant", 99_999, "better")), 200)
    said = sentence_of(more)
    assert "More rows than 200 may settle" in said
    assert said.endswith(
        "In all: as good as a linear model from about 1,200; better than a constant from over 100 times as many."
    )


def test_one_fold_flatters() -> None:
    alone = found(dict.fromkeys(OTHERS))
    alone["competitors"][0]["chosen_on"] = "the same rows"
    assert kinds(summary(), alone) == [ChosenOnTheSameRows]


EVERY = (
    ChosenOnTheSameRows(),
    NotBetterThanConstant(),
    ToldApartOnly(0.9),
    ToldApartOnly(None),
    BarelyBetterThanConstant(0.031),
    MajorityAsRight(0.91),
    LinearPredictsAsWell(better=True),
    LinearPredictsAsWell(better=False),
    LinearPredictsAsWell(better=True, probable=True),
    SimplerPredictsBetter("no penalty"),
    SimplerPredictsBetter("early stopping"),
    FitsLittle(0.5, 0.7),
    FewerInputs(18, 5),
    EdgeOfGrid(0.1, strongest=True),
    EdgeOfGrid(0.1, strongest=False),
    NearlyAllInputs(29, 30),
    NearlyAllInputs(30, 30),
    NearlyAllInputs(30, 30, "MLPClassifierCV"),
    RulesAgree(0.2, 0.2),
    RulesAgree(0.2, 0.3),
    MoreRows((("linear", 300, "better"),), 200),
)


def test_every_finding_has_a_name_and_a_sentence_of_its_own() -> None:
    assert {type(each) for each in EVERY} == set(get_args(Advice))
    sentences = [sentence_of(each) for each in EVERY]
    assert len(set(sentences)) == len(EVERY)
    assert all(each.endswith((".", "?")) for each in sentences)
    assert len({each.name for each in EVERY}) >= len(get_args(Advice))
    with pytest.raises(TypeError, match="There are no words for object"):
        sentence_of(object())  # type: ignore[arg-type]


def test_an_advice_names_an_option_that_there_is() -> None:
    options = {field.name.replace("_", "-") for field in fields(PathOptions)}
    for each in EVERY:
        words = sentence_of(each).replace("(", " ").replace(")", " ").replace(";", " ").split()
        assert {word[2:].rstrip(".,:") for word in words if word.startswith("--")} <= options
        named = {word.partition("=")[0].rstrip(".,:") for word in words if "=" in word}
        for estimator in (MLPClassifierCV, MLPRegressorCV):
            assert named <= estimator().get_params().keys()
        of_a_blend = not isinstance(each, OF_A_NETWORK)  # table models have none of these parameters
        assert not (named and of_a_blend) or hasattr(each, "estimator")


def test_an_advice_for_a_table_model_names_the_estimator_that_has_the_parameter() -> None:
    verdicts = {"linear": "no difference", "no penalty": "worse"}
    for task, name in (("classes", "MLPClassifierCV"), ("labels", "MLPClassifierCV"), ("number", "MLPRegressorCV")):
        said = [sentence_of(each) for each in advise(summary(kept=30), found(verdicts, "blend", task=task), False)]
        assert len(said) == 3
        for sentence, parameter in zip(
            said, ("hidden_layer_sizes=()", "alphas=[0]", "select_inputs=True"), strict=True
        ):
            assert f"in Python {parameter} of {name}" in sentence
    parameters = {"hidden_layer_sizes", "alphas", "select_inputs"}
    assert not parameters & (TableClassifier().get_params().keys() | TableRegressor().get_params().keys())
