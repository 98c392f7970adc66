"""The types of a summary and of a page as plain data: every key and its meaning.

    Answer     how good the model is, how sure, compared with what; what to do now
    Summary    the path by strength, the choice, and the inputs that are kept
    Page       a summary without its inputs, and the data for every strength, as lists parallel to its path

Numbers that are not finite are None. A comment states when a ``NotRequired`` key is present.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from ridgewalk.diagnostics.metrics import Metric
    from ridgewalk.diagnostics.statistics import Outcome
    from ridgewalk.diagnostics.verdict import DiagnosisData
    from ridgewalk.path.dependence import Kind

Nested = list[Any]
"""Numbers or None, in lists of as many levels as the array had axes."""


class NetworkAt(TypedDict):
    """The best network on all rows at one strength."""

    alpha: float
    heldout_score: float | None
    train_loss: float | None
    objective: float | None
    penalty: float | None
    zeros: float  # a share
    weights_kept: int
    inputs_kept: int
    units_kept: int
    diverged: int
    marks: list[str]  # "min", "1se"
    ridge: NotRequired[float]  # of refits: the strength of L2 on their first layer; each alpha is there under every one


class StrengthSummary(NetworkAt):
    """One strength of a path: means without any penalty, and their standard errors."""

    heldout_loss: float | None
    standard_error: float | None  # over rows
    train_standard_error: float | None  # over the folds' training sets


class Gain(TypedDict):
    """A difference of losses."""

    mean: float | None
    standard_error: float | None


class InputSummary(TypedDict):
    """One input at the chosen strength."""

    name: str
    kept: bool
    kept_in_folds: float  # a share


class CandidateSummary(TypedDict):
    """What the path before a selection, or a refit, reached."""

    name: str
    heldout_loss: float


class LinearSummary(TypedDict):
    """What linear models lose on rows that their folds held out, and the network on the same rows.

    Each fold is at the strength that the other folds choose, of either kind.
    """

    heldout_loss: float
    standard_error: float
    network_loss: float
    network_less_linear: float  # their paired difference
    difference_error: float
    rows: int  # that are compared: of very many, a random part


class Worth(TypedDict):
    """What a blend predicts better than something else does, on the same held-out rows."""

    than: str
    heldout_loss: float  # of that
    difference: float  # the blend's held-out loss less that, paired row by row; below 0 the blend is better
    standard_error: float  # of the difference
    low: float  # ends of its 95% interval
    high: float
    verdict: str  # "better", "worse", "no difference" that matters, or "cannot tell"


class MemberSummary(TypedDict):
    """A member of a blend: a strength of a view's path."""

    view: str
    alpha: float
    weight: float


class BlendSummary(TypedDict):
    """What a blend loses on rows that their folds held out, of what it is made, and what it gains."""

    heldout_loss: float | None  # with one fold there is none that was not chosen by
    standard_error: float | None
    networks: int
    members: list[MemberSummary]  # the heaviest first
    network: str  # the view of the single network
    worth: list[Worth]


CompetitorName = Literal["blend", "network", "linear", "early stopping", "no penalty", "constant"]
"""What predicts: "no penalty" is that blend, or network, at strength 0."""
Task = Literal["classes", "labels", "number", "numbers"]
ChosenOn = Literal["other folds", "the same rows", "nothing"]
"""The rows that chose a strength, or weights, for the rows that are scored: "the same rows" flatter."""


class Estimate(TypedDict):
    """A number that was estimated, and its standard error; None where it is not defined, or diverged."""

    value: float | None
    standard_error: float | None


class Competitor(TypedDict):
    """How well something predicts the rows that its folds hold out.

    ``metrics`` has, of classes and labels, accuracy, AUC (within folds; of more than two classes, or of labels, the
    mean over these, each against the rest) and log loss, of several labels their sum; of numbers R2, RMSE and MAE in
    the units of the target, of several targets the mean. ``loss`` is that without any penalty.
    """

    name: CompetitorName
    rows: int  # that are scored; of very many, a linear model has a random part
    chosen_on: ChosenOn
    loss: Estimate
    metrics: dict[Metric, Estimate]


class Difference(TypedDict):
    """What predicts, less something else, row by row on the same held-out rows; a loss below 0 is better."""

    than: CompetitorName
    loss: Estimate
    low: float | None  # ends of the 95% interval of the loss
    high: float | None
    verdict: Outcome | None  # what that says of what predicts; None where choices were made on the same rows
    probable: bool  # better or worse, but an interval that also allows for other training rows contains 0
    rows_needed: int | None  # where one cannot tell: with so many one could, if the difference stays as it is
    outcome_then: Outcome | None  # what one could tell, with so many
    metrics: dict[Metric, Estimate]


class HeldOut(TypedDict):
    """What a fit reaches on rows that it did not see, beside what is simpler.

    The first of the competitors is what the model predicts with. Where a strength, or weights, are chosen, each fold is
    scored with what the other folds chose.
    """

    task: Task
    loss: str  # in words
    folds: int
    weighted: bool  # whether rows count differently
    dependence: Kind  # what standard errors are over: rows, groups of them, or blocks of rows in time
    smallest_effect: float
    competitors: list[Competitor]
    differences: list[Difference]  # of the first less each other one
    corrected_minimum: NotRequired[Estimate]  # with one fold, the path's lowest held-out loss corrected for its choice


class AdviceSummary(TypedDict):
    """What to do now, and why."""

    name: str
    sentence: str


class InputsKept(TypedDict):
    """Inputs that the chosen network uses, by name, and those that it does not."""

    names: list[str]
    left_out: list[str]


class InputWeight(TypedDict):
    """How much what predicts weighs an input (:mod:`ridgewalk.importance`): shares of 1."""

    name: str
    share: float


class WeightedInputs(TypedDict):
    """The inputs that what predicts weighs most, the heaviest first, and how many it uses, of how many."""

    heaviest: list[InputWeight]  # at most as many as a sentence names
    used: int
    of: int


class AsGood(TypedDict):
    """Strengths of a path that may be as good as the best: its confidence set, by the held-out losses.

    ``scored`` is whether strengths were chosen by a score, which the set does not read.
    """

    level: float
    low: float
    high: float
    members: int
    of: int  # strengths of the path, those that a race dropped among them
    dropped: int  # by a race, for losing clearly
    scored: bool


class AnswerSummary(HeldOut):
    """How good, how sure, better than what; which inputs; which strength; what to do now."""

    inputs: InputsKept
    weighted_inputs: WeightedInputs
    as_good: AsGood | None  # None of a single strength, or where every one diverged
    alpha: float
    selection: str
    advice: list[AdviceSummary]


class DroppedStrength(TypedDict):
    """A strength that a race dropped."""

    alpha: float
    folds: int  # that were finished
    heldout_loss: float | None  # over them


class PathSummary(TypedDict):
    """A path without its inputs."""

    loss: str
    loss_description: str
    rows: int
    folds: int
    seeds: int
    fits: int
    null_loss: float
    linear: LinearSummary | None
    selection: str
    alpha: float
    index: int
    change_from_no_penalty: Gain
    path: list[StrengthSummary]
    dropped: list[DroppedStrength]
    blend: NotRequired[BlendSummary]  # of a table model, whose single network the rest describes
    answer: NotRequired[AnswerSummary]  # of a fitted estimator


class Summary(PathSummary):
    """A path, and its inputs; more where inputs were selected, and in the files of a fit."""

    inputs: list[InputSummary]
    arms: NotRequired[list[CandidateSummary]]  # with select_inputs or relax
    agreed: NotRequired[bool]  # the same; whether a refit was chosen for inputs that the folds agree on, not its loss
    gain_over_null: NotRequired[Gain]
    significant: NotRequired[bool]  # with select_inputs
    task: NotRequired[str]  # in files
    target: NotRequired[str | None]
    notes: NotRequired[list[str]]
    asked: NotRequired[dict[str, str | float | list[str] | None]]
    card: NotRequired[Card]  # in files


class PathAxes(TypedDict):
    """How a path is drawn.

    ``rising`` is whether strengths rise, and so have places by their logarithms, with 0 apart to the left; where they
    do not (refits under several ridges) their places are their numbers. ``places`` has one for each strength.
    ``losses`` is the lowest and the highest loss to show on a logarithmic axis, where losses differ so much that they
    need one; else None. A training loss far below all held-out ones leaves the picture. ``shown`` are the ends of the
    page's axis, and ``log`` is whether that is logarithmic: an unpenalized network that lost far more than a constant
    leaves it, and is marked at its edge.
    """

    rising: bool
    places: list[float]
    losses: list[float] | None
    log: bool
    shown: list[float]


class InputsAlong(TypedDict):
    """The inputs that matter most, along the path: importance, frequency, kept and effect are (strengths, inputs).

    ``effect`` is the partial dependence at an input's upper quantile less that at its lower one, so that it has a
    sign; of a category it is the highest less the lowest. None without rows, or where columns are not set together.
    ``leaves`` is the last strength of the chosen curve at which the network of all rows uses an input; None where
    none does.
    """

    names: list[str]
    kinds: list[str]  # "number", "category", "date"
    left_out: int
    standardized: bool
    importance: Nested
    frequency: Nested
    kept: list[list[bool]]
    effect: Nested | None
    leaves: list[float | None]


LayerAlong = TypedDict(
    "LayerAlong",
    {"shape": list[int], "rows": int, "from": list[str], "to": list[str], "zeros": Nested, "weights": Nested},
)
"""Weights of a layer (strengths, from, to), cut to the largest, and the share of its zeros (strengths).

``rows`` is how many rows there are before the cut. Those of the first layer are inputs: of one that became several
numbers, the norm of their weights stands for them.
"""


class Links(TypedDict):
    """The links of one network that lead from an input to an output: at most so many, the largest; ``live`` is all.

    Link k of layer ``layer[k]`` goes from node ``start[k]`` to node ``end[k]``, numbered within their floors.
    """

    live: int
    layer: list[int]
    start: list[int]
    end: list[int]
    weight: Nested


class NetworkAlong(TypedDict):
    """The network at every strength, as nodes and links.

    ``floors`` has the names of the nodes of every floor, inputs first; a node that no link of any strength touches has
    the name "". ``at`` has the links of every strength.
    """

    floors: list[list[str]]
    at: list[Links]
    most: int  # links that are drawn


class Curves(TypedDict):
    """How the folds train: (strengths, epochs)."""

    epochs: list[int]
    data_loss: Nested
    penalty: Nested
    validation_loss: Nested


class CandidateCurve(TypedDict):
    """A curve of held-out losses along rising strengths: the path, an arm of a selection, refits under one ridge.

    ``entries`` are its places in ``summary["path"]``; None where that is another arm's.
    """

    name: str
    alphas: list[float]
    heldout_loss: Nested
    standard_error: Nested
    entries: list[int] | None


class Certainty(TypedDict):
    """How clear the best strength is.

    ``difference`` is the held-out loss of a strength less that of the minimum, on the same rows, and ``error`` its
    standard error. ``band`` and ``members`` are there where the path computes them: the simultaneous band of the
    losses, and the confidence set of strengths.
    """

    minimum: int
    difference: Nested
    error: Nested
    within: list[int]  # strengths within one standard error of the minimum
    level: float | None
    band: list[Nested] | None  # low, high
    members: list[int] | None


class LossAlong(TypedDict):
    """How many rows are compared, of how many, and their mean loss at every strength that ``strengths`` numbers."""

    count: int
    of: int
    strengths: list[int]
    loss: Nested


class NumbersAlong(LossAlong):
    """Numbers: the share of the variance that is explained, and predictions of some rows (strengths, rows)."""

    kind: Literal["numbers"]
    targets: int
    score: list[float | None]
    observed: Nested
    predicted: Nested
    calibration: Nested  # (strengths, bins, 3): mean prediction, mean observed, rows


class LabelsAlong(LossAlong):
    """Several labels: the share that is right, and the calibration of what ``calibrated`` names."""

    kind: Literal["labels"]
    calibrated: str
    score: list[float | None]
    calibration: Nested


class ClassesAlong(LossAlong):
    """Classes: the same, how often each was taken for each (strengths, true, predicted), and ROC curves.

    ``roc`` is (strengths, curves, places): the true positive rate at the false positive rates ``rates``, of the class
    that ``curves`` names against all others; ``auc`` is (strengths, curves).
    """

    kind: Literal["classes"]
    calibrated: str
    classes: list[str]
    classes_left_out: int
    confusion: Nested
    score: list[float | None]
    calibration: Nested
    curves: list[str]
    rates: Nested
    roc: Nested
    auc: Nested


RowsAlong = NumbersAlong | LabelsAlong | ClassesAlong
"""Predictions at every strength, compared with what was observed: on rows of the fit that folds held out, or others."""


class EffectOf(TypedDict):
    """Partial dependence on one input: ``mean`` is (strengths, series, grid), ``lines`` (strengths, rows, grid)."""

    name: str
    kind: str
    grid: Nested  # numbers; of a category 0, 1, 2, ...
    labels: list[str]  # of a category's levels, of dates
    levels_left_out: int
    deciles: Nested  # of a number, over the rows
    mean: Nested
    lines: Nested
    lines_of: int  # number of the series that the lines belong to


class JointEffect(TypedDict):
    """Partial dependence on two inputs: ``values`` is (strengths, up, across)."""

    names: list[str]
    kinds: list[str]
    grids: list[Nested]
    labels: list[list[str]]
    of: str
    share: float  # of its variance, at the chosen strength, that is interaction
    among: int  # inputs whose pairs were looked at
    values: Nested


class Effects(TypedDict):
    """What the prediction does as inputs change, on some rows."""

    rows: int
    of: int
    fresh: bool  # rows that someone gave, not those of the fit
    response: str
    series: list[str]
    series_left_out: int
    inputs: list[EffectOf]
    pair: JointEffect | None


class Points(TypedDict):
    """Rows in the plane of two inputs."""

    across: Nested
    up: Nested
    target: Nested


class Regions(TypedDict):
    """Predictions over the plane of two inputs: ``values`` is (strengths, up, across)."""

    kind: Literal["classes", "probability", "numbers"]
    names: list[str]
    classes: list[str]
    across: Nested
    up: Nested
    values: Nested
    points: Points | None


class ShortAnswer(TypedDict):
    """A question that readers have, its answer in a sentence, and the section that shows why."""

    question: str
    answer: str
    section: str


class ColumnOnCard(TypedDict):
    """What became of a column of the table."""

    name: str
    became: str
    used: bool
    why: str


class Card(TypedDict):
    """A model card: what it is, of what data, how it was made, how good it is, and what it is not for."""

    model: str
    task: str
    predicts: str
    classes: list[str]
    date: str
    versions: dict[str, str]
    data: dict[str, int | str]
    columns: list[ColumnOnCard]
    notes: list[str]
    options: dict[str, str]
    scores: dict[str, float | None]
    limits: list[str]


class Page(TypedDict):
    """Everything that a page shows."""

    title: str
    made_by: str
    summary: PathSummary
    axes: PathAxes
    sentences: list[str]
    diagnosis: DiagnosisData | None
    answers: list[ShortAnswer]
    arms: list[CandidateCurve]
    certainty: Certainty
    inputs: InputsAlong
    network: NetworkAlong
    layers: list[LayerAlong]
    curves: Curves | None
    held_out: RowsAlong | None
    rows: RowsAlong | None
    effects: Effects | None
    without_effects: str  # why, where there are none for want of rows
    regions: Regions | None
    card: Card | None
    cut: list[str]  # what was left out because it would have been too much
