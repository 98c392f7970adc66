"""Turn what benchmarks/engine.py measured into a table with gates, and a plot.

    python benchmarks/engine_report.py benchmarks/results/engine.json       writes both anew

The gates are ratios of medians, of each family's best variant to ridgewalk; ratios of the best runs stand beside.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

ONE, BOTH = "one model", "grid, both cores"


@dataclass(frozen=True)
class Gate:
    """What must be reached: a rival's time over ridgewalk's, for each task."""

    table: str
    family: str
    wanted: dict[str, float]


GATES = [
    Gate(ONE, "scikit-learn", {"A": 20, "B": 2.5, "C": 2.5}),
    Gate(ONE, "PyTorch eager", {"A": 15, "B": 1.8, "C": 1.8}),
    Gate(ONE, "JAX", {"A": 8, "B": 1, "C": 1}),
    Gate(BOTH, "scikit-learn", {"A": 22, "B": 3, "C": 3}),
    Gate(BOTH, "PyTorch eager", {"A": 20, "B": 3, "C": 3}),
    Gate(BOTH, "PyTorch compiled", {"A": 20, "B": 3, "C": 3}),
    Gate(BOTH, "JAX", {"A": 8, "B": 1.1, "C": 1.1}),
]
PEAK_SHARES = {"A": 0.65, "B": 0.75, "C": 0.75}
TWO_CORES = 1.9


def _middle(entry: dict[str, Any]) -> float:
    """Seconds of a step: the median call less the median call without epochs."""
    return median(entry["whole"]) - median(entry["apart"])


def _least(entry: dict[str, Any]) -> float:
    """Seconds of a step: the shortest call less the shortest call without epochs."""
    return min(entry["whole"]) - min(entry["apart"])


def _ratios(above: dict[str, Any], below: dict[str, Any]) -> tuple[float, float]:
    """Divide the times of one entry by another's: by medians, and by best runs."""
    return _middle(above) / _middle(below), _least(above) / _least(below)


def _winners(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Pick the fastest variant of every family, on one thread or two: ridgewalk's like everyone's."""
    best: dict[str, dict[str, Any]] = {}
    for entry in entries:
        family = entry["family"]
        known = best.get(family)
        if entry["whole"] and (known is None or _middle(entry) < _middle(known)):
            best[family] = entry
    return best


def _peaks(results: dict[str, Any]) -> list[float]:
    tables = [task[part] for task in results["tasks"].values() for part in ("one", "grid") if part in task]
    return [peak for table in tables for peak in table["peaks"]]


def _table_of(task: dict[str, Any], name: str) -> dict[str, Any] | None:
    return task.get("one" if name == ONE else "grid")


def _gate_row(table: str, task: str, what: str, values: tuple[float, float], wanted: float, share: bool) -> str:
    middle, best = (f"{value:.0%}" if share else f"{value:.2f}x" for value in values)
    asked = f"{wanted:.0%}" if share else f"{wanted:g}x"
    return f"| {table} | {task} | {what} | {middle} | {best} | {asked} | {'yes' if values[0] >= wanted else '**no**'} |"


def _gates(results: dict[str, Any]) -> Iterator[str]:
    """Yield a row for every gate and task; a missing figure is marked."""
    yield "| | task | | by medians | by best runs | asked | met? |"
    yield "|---" * 7 + "|"
    for gate in GATES:
        for name, wanted in gate.wanted.items():
            row = f"| {gate.table} | {name} | {gate.family} / ridgewalk |"
            measured = _table_of(results["tasks"].get(name, {}), gate.table)
            winners = _winners(measured["entries"]) if measured else {}
            if measured is None:
                continue
            if gate.family not in winners:
                yield f"{row} not measured | | {wanted:g}x | |"
                continue
            ratios = _ratios(winners[gate.family], winners["ridgewalk"])
            yield _gate_row(gate.table, name, f"{gate.family} / ridgewalk", ratios, wanted, share=False)
    yield from _own_gates(results)


def _own_gates(results: dict[str, Any]) -> Iterator[str]:
    """Return the rows that need no rival: share of the peak, and what the second core brings."""
    for name, task in results["tasks"].items():
        if "one" in task and task["one"]["peaks"]:
            alone = next(entry for entry in task["one"]["entries"] if entry["family"] == "ridgewalk")  # on one thread
            shares = _shares(alone, task["one"])
            yield _gate_row(ONE, name, "share of one core's FMA peak", shares, PEAK_SHARES[name], share=True)
        elif "one" in task:
            yield f"| {ONE} | {name} | share of one core's FMA peak | not measured | | {PEAK_SHARES[name]:.0%} | |"
    for name, task in results["tasks"].items():
        winners = _winners(task["grid"]["entries"]) if "grid" in task else {}
        if "ridgewalk on one core" in winners:
            gains = _ratios(winners["ridgewalk on one core"], winners["ridgewalk"])
            yield _gate_row(BOTH, name, "one core / two cores", gains, TWO_CORES, share=False)


def _shares(entry: dict[str, Any], table: dict[str, Any]) -> tuple[float, float]:
    """Divide useful FLOP/s by the peak: by medians, and the best run over the best probe."""
    peaks = table["peaks"]
    return table["flops"] / _middle(entry) / median(peaks), table["flops"] / _least(entry) / max(peaks)


def _entries(table: dict[str, Any], gflops: bool) -> Iterator[str]:
    """Return a row for every variant; each family's best is bold."""
    winners = _winners(table["entries"])
    ours = _middle(winners["ridgewalk"])
    yield "| engine | variant | median us | best us | / ridgewalk | GFLOP/s | compiling s | loss, squares differ by |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for entry in table["entries"]:
        family, variant = entry["family"], entry["variant"]
        if not entry["whole"]:
            yield f"| {family} | {variant} | {_cell(entry['failed'])} | | | | | |"
            continue
        seconds = _middle(entry)
        bold = "**" if winners[family] is entry else ""
        rate = f"{table['flops'] / seconds / 1e9:.1f}" if gflops and "another" not in family else ""
        compiling = f"{entry['compile_seconds']:.1f}" if entry["compile_seconds"] else ""
        yield (
            f"| {bold}{family}{bold} | {variant} | {bold}{1e6 * seconds:.1f}{bold} | {1e6 * _least(entry):.1f} "
            f"| {seconds / ours:.2f}x | {rate} | {compiling} | {_differences(entry['differences'])} |"
        )
        if entry["failed"]:
            yield f"| {family} | {variant} | {_cell(entry['failed'])}, later | | | | | |"


def _cell(text: str) -> str:
    """Fit a message into a table's cell."""
    return " ".join(text.replace("|", "/").split())[:200]


def _differences(differences: dict[str, float]) -> str:
    """Write differences of loss and squares on the same batches, and of the loss on an engine's own."""
    same = ", ".join(f"{differences[name]:.0e}" for name in ("loss", "squares") if name in differences)
    own = f"own batches {differences['own batches']:.0e}" if "own batches" in differences else ""
    return "; ".join(text for text in (same, own) if text)


def _head(results: dict[str, Any]) -> Iterator[str]:
    """Describe the machine, the date and the versions."""
    described, peaks = results["machine"], _peaks(results)
    yield "# The engine beside its rivals\n"
    yield f"`{results['command']}`, {results['date']}, {results['wall_seconds']} s\n"
    yield (
        f"- {described['processor']} ({described['family_model']}), {described['cores']} cores, {described['level']}; "
        f"{described['system']}"
    )
    if peaks:
        yield (
            f"- FMA peak of one core, float32, probed between the runs: median {median(peaks) / 1e9:.0f} GFLOP/s, "
            f"best {max(peaks) / 1e9:.0f}, least {min(peaks) / 1e9:.0f}"
        )
    else:
        yield "- FMA peak: not measured (the probe belongs to the compiled engine)"
    yield f"- load average before {results['load_before']}, after {results['load_after']}"
    yield "- " + ", ".join(f"{library} {version}" for library, version in results["versions"].items())
    level = f" ({results['level']})" if results["level"] else ""
    yield f"- ridgewalk's engine: {results['engine']}{level}; {results['repeats']} runs of each, in turn\n"


NOTES = """\
Microseconds of one step of one model; with the grid, of both cores together (time over models and steps). Everyone:
float32, the same start, the same batches, SGD with momentum 0.9, L2 on the weights. GFLOP/s counts useful operations.

- **Loss, squares**: largest relative differences from ridgewalk's loss on the training rows, without penalty, and from
  its sum of squared weights. (Its prox takes the penalty's slope at the new weights, the others at the old: second
  order in the rate.) scikit-learn draws its own batches when timed (A has none): "own batches" is its difference then,
  and the others are those of the same estimator on everyone's batches.
- **Apart**: compiling, starting, drawing batches and laying out rows. ridgewalk lays out, draws and measures its final
  losses inside its one call; what a call without epochs takes is taken off (median off median, best off best), and
  drawing stays in.
- **LassoNet** solves another problem (a hierarchical one, with its objective computed every epoch): its row is a path
  of 50 strengths, per epoch.
"""


def markdown(results: dict[str, Any]) -> str:
    """Write the report: where, the gates, then every variant."""
    lines = list(_head(results))
    if results["tasks"]:
        lines += ["## Gates\n", *_gates(results), "", "## Every variant\n", NOTES]
    for task in results["tasks"].values():
        for name in (ONE, BOTH):
            table = _table_of(task, name)
            if table is None:
                continue
            count = f"{table['models']} models of the {name}" if name == BOTH else name
            lines += [f"### {task['title']}; {count}\n", *_entries(table, gflops=True), ""]
            lines += [_whole_call(table), ""]
    if "scaling" in results:
        lines += ["![How the time of an epoch grows](engine.png)", ""]
    return "\n".join(lines)


def _whole_call(table: dict[str, Any]) -> str:
    parts = [
        f"{1e6 * median(entry['whole']):.1f} us with {entry['variant']} and {entry['epochs']} epochs"
        for entry in table["entries"]
        if entry["family"].startswith("ridgewalk") and entry["whole"]
    ]
    return (
        f"ridgewalk's whole call, per step: {'; '.join(parts)}. Losses compared after {table['checked_epochs']} epochs."
    )


COLOURS = {  # Okabe and Ito's, told apart by every eye
    "ridgewalk": "#D55E00",
    "NumPy": "#666666",
    "scikit-learn": "#E69F00",
    "PyTorch eager": "#CC79A7",
    "JAX": "#0072B2",
}
MARKERS = dict(zip(COLOURS, "os^Dv", strict=True))


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw an epoch's time against rows, width, strengths and cores, log-log; or say that matplotlib is missing."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("matplotlib is not installed: no plot")
        return
    mpl.use("agg")
    from matplotlib import pyplot

    titles = {
        "rows": "rows (one model)",
        "hidden units": "hidden units (one model, 3,000 rows)",
        "strengths": "strengths (both cores)",
        "cores": "cores (models of the grid)",
    }
    figure, axes = pyplot.subplots(1, len(titles), figsize=(15, 4.6), sharey=True, layout="constrained")
    for axis, (name, title) in zip(axes, titles.items(), strict=True):
        _panel(axis, results["scaling"][name])
        axis.set_xlabel(title)
    axes[0].set_ylabel("milliseconds per epoch of all models")
    figure.suptitle("Task A, a 2-128-3 network on the spiral: time of one full-batch epoch", x=0.01, ha="left")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _panel(axis: Any, points: list[dict[str, Any]]) -> None:
    """Draw one small multiple, its lines named at their ends."""
    from matplotlib.ticker import NullFormatter, NullLocator

    ends = []
    for family, colour in COLOURS.items():
        line = [(point["at"], 1e3 * point["seconds"][family]) for point in points if family in point["seconds"]]
        if line:
            at, values = zip(*line, strict=True)
            width = 2.6 if family == "ridgewalk" else 1.4
            axis.plot(at, values, color=colour, marker=MARKERS[family], linewidth=width, markersize=5)
            ends.append((values[-1], family))
    axis.set(xscale="log", yscale="log")
    ticks = [point["at"] for point in points]
    axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.set_xlim(ticks[0] / 1.15, ticks[-1] * (ticks[-1] / ticks[0]) ** 0.55)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    _name_lines(axis, ticks[-1], ends)


def _name_lines(axis: Any, at: float, ends: list[tuple[float, str]]) -> None:
    """Write each name beside the end of its line, moved up where it would cover the one below."""
    lowest, gap = 0.0, 1.42
    for value, family in sorted(ends):
        height = max(value, lowest * gap)
        axis.annotate(
            family,
            (at, height),
            xytext=(7, 0),
            textcoords="offset points",
            color=COLOURS[family],
            va="center",
            fontsize=9,
            fontweight="bold" if family == "ridgewalk" else "normal",
        )
        lowest = height


def main() -> None:
    """Write the table and the plot of a file of results again."""
    path = Path(sys.argv[1])
    results = json.loads(path.read_text(encoding="utf-8"))
    path.with_suffix(".md").write_text(markdown(results), encoding="utf-8")
    if "scaling" in results:
        plot(results, path.with_suffix(".png"))


if __name__ == "__main__":
    main()
