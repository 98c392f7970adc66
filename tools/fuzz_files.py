"""Damage and forge model files and records, and see that each is refused, passed over, or read as what it was.

    python tools/fuzz_files.py [--files 40000] [--seed 0] [--only NUMBER]

Three files in four are model files, one is a record of finished runs. Damage flips, cuts, splices or fills bytes; a
forgery changes the description (numbers, texts, lists, keys) or the arrays of a model file, and has right checksums.
A damaged file must be refused (ModelFileError) or read as it was, to the bit; a forged one must be refused, or make a
model that predicts; a damaged record must be passed over, or give the bits that were kept. Nothing else may be raised,
and no more memory taken than ten times the file and a little. All of it happens in a child process that has 1 GiB
beside what the libraries take. Exit code 1, with the number of the case, where anything else is found. A run that was
cut goes on where it was, by thousands (tools/steps.py).
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ridgewalk.engine import Runner
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.job import Fits, Job
from ridgewalk.folds import Fold
from ridgewalk.losses import SquaredError
from ridgewalk.network import multilayer_perceptron
from ridgewalk.optimizers import Adam
from ridgewalk.penalties import L2
from ridgewalk.storage import ModelFileError, load, save

MODELS = Path(__file__).parents[1] / "tests" / "models"
ROOM, TIMES, LITTLE = 2**30, 10, 2**24
STEP = 1_000  # cases that are noted at once
WIDEST = 10_000  # columns to predict with
Finding = str | None
DTYPES = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I8": "<i1", "BOOL": "|b1", "U8": "|u1"}
NAMES = {np.dtype(kind): name for name, kind in DTYPES.items()}


class Original:
    """A model file taken apart: its description, its arrays, and what the model predicts."""

    def __init__(self, file: Path) -> None:
        self.content = file.read_bytes()
        length = int.from_bytes(self.content[:8], "little")
        head = json.loads(self.content[8 : 8 + length])
        self.form, _, text = head.pop("__metadata__")["ridgewalk"].split(" ", 2)
        self.document, data = json.loads(text), self.content[8 + length :]
        self.arrays = {
            name: np.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in head.items()
        }
        model = load(file)
        self.rows = np.random.default_rng(0).normal(size=(5, model.n_features_in_))
        self.predicted = predictions(model, self.rows)


def predictions(model: Any, rows: np.ndarray) -> list[np.ndarray]:
    """Return all that a model predicts."""
    model.__dict__.pop("feature_names_in_", None)  # the rows have no names
    return [getattr(model, name)(rows) for name in ("predict", "predict_proba") if hasattr(model, name)]


def packed(document: Any, arrays: dict[str, np.ndarray], form: str, loose: dict[str, list[int]]) -> bytes:
    """Write a model file with right checksums; ``loose`` gives empty arrays another shape, whatever it is."""
    entries, head, offset, parts = {}, {}, 0, []
    for name, array in arrays.items():
        part, shape = array.tobytes(), loose.get(name, list(array.shape))
        entries[name] = [array.dtype.name, shape, hashlib.sha256(part).hexdigest()]
        head[name] = {"dtype": NAMES[array.dtype], "shape": shape, "data_offsets": [offset, offset + len(part)]}
        offset += len(part)
        parts.append(part)
    if isinstance(document, dict) and "arrays" in document:
        document["arrays"] = entries
    text = json.dumps(document)
    said = f"{form} {hashlib.sha256(text.encode()).hexdigest()} {text}"
    header = json.dumps({"__metadata__": {"ridgewalk": said}, **head}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + b"".join(parts)


def damaged(content: bytes, draws: random.Random) -> bytes:
    """Flip, cut, splice, fill or double some bytes."""
    data = bytearray(content)
    at = draws.randrange(len(data))
    length = min(draws.choice([1, 4, 16, 64, 512]), len(data) - at)
    other = draws.randrange(len(data) - length + 1)
    match draws.randrange(7):
        case 0:
            for _ in range(draws.choice([1, 1, 3])):
                data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)
        case 1:
            del data[at:]
        case 2:
            data[at : at + length] = data[other : other + length]
        case 3:
            data[at : at + length] = bytes(length)
        case 4:
            data[at:at] = draws.randbytes(length)
        case 5:
            del data[at : at + length]
        case _:
            early = draws.randrange(min(256, len(data)))
            data[early] = draws.randrange(256)
    return bytes(data)


def hostile(draws: random.Random, names: list[str]) -> Any:
    """Return a value that no honest file has in most places."""
    count = draws.choice([10] * 20 + [1000] * 4 + [30_000])
    values: list[Callable[[], Any]] = [
        lambda: draws.choice([0, -1, 1, 2, 7, 10**9, 10**18, 2**63, 10**400, 10**4000, -(10**9)]),
        lambda: draws.choice([0.5, -0.5, 1e308, -1e308, 5e-324, 1e-300]),
        lambda: {"float": draws.choice(["nan", "inf", "-inf", "1e9", "x"])},
        lambda: draws.choice(["", "x", "a" * count, "\x1b[31m", "\ud800", "relu", "float32", "é" * 10]),
        lambda: draws.choice([None, True, False, [], {}, [[]], {"tuple": []}, {"pairs": []}]),
        lambda: {"array": draws.choice([*names, "absent"])},
        lambda: {"texts": ["a"] * count + ["b" * count], "objects": draws.random() < 0.3},
        lambda: {"tuple": [{"array": draws.choice(names)}] * count},
        lambda: {"tuple": [draws.choice([1, 10**9, 0.5, "x"])] * draws.choice([1, 5, count])},
        lambda: {"pairs": [[draws.choice([1, "a", [], None]), draws.choice([1, "x"])]] * 3},
        lambda: json.loads("[" * 400 + "]" * 400),
        lambda: [draws.choice([0, 1, "a", {}, []])] * count,
    ]
    return draws.choice(values)()


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return every place in a document: what holds it, and where."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(pairs):
        yield value, key
        yield from nodes(each)


def forged(original: Original, draws: random.Random) -> bytes:
    """Change description or arrays, and make the checksums right."""
    document, arrays = copy.deepcopy(original.document), dict(original.arrays)
    loose: dict[str, list[int]] = {}
    document["arrays"] = []  # they come with their checksums
    places = list(nodes(document))
    for _ in range(draws.choice([1, 1, 1, 2, 4])):
        holder, key = draws.choice(places)
        name = draws.choice(list(arrays))
        array = arrays[name]
        match draws.randrange(12):
            case 0 | 1 | 2 | 3:
                holder[key] = hostile(draws, list(arrays))
            case 4 if isinstance(holder, dict):
                holder.pop(key, None)
            case 5:
                other, there = draws.choice(places)
                if key in range(len(holder)) if isinstance(holder, list) else key in holder:
                    other[there] = copy.deepcopy(holder[key])
            case 6 if isinstance(holder, list):
                holder.extend(holder[:2] * draws.choice([1, 1, 300]))
            case 7:
                other_name = draws.choice(list(arrays))
                arrays[name], arrays[other_name] = arrays[other_name], array
            case 8:
                value = draws.choice([0, -1, 1, 99, np.nan, np.inf, 1e308, 5e-324, 2**40])
                with np.errstate(all="ignore"):
                    arrays[name] = np.full(array.shape, np.nan_to_num(value)).astype(array.dtype) if (
                        array.dtype.kind != "f"
                    ) else np.full_like(array, value)  # fmt: skip
            case 9:
                with np.errstate(all="ignore"):
                    arrays[name] = np.nan_to_num(array).astype(draws.choice(list(DTYPES.values())))
            case 10:
                arrays[name] = np.ascontiguousarray(draws.choice([array[:1], array[1:], array.T, array.ravel()]))
            case _:
                arrays[name] = array.ravel()[:0]
                loose[name] = draws.choice([[0], [10**9, 0], [0, 10**15], [10**6, 0, 3], [2**31, 2**31, 0]])
    return packed(document, arrays, draws.choice(["3", "4", original.form]), loose)


class Model:
    """Cases of model files."""

    def __init__(self, folder: Path) -> None:
        files = sorted(MODELS.glob("*/*.safetensors"))
        for number, file in enumerate(files[:]):
            files.append(save(load(file).compact(), folder / f"compact {number}"))
        self.originals, self.file = [Original(file) for file in files], folder / "model"

    def case(self, draws: random.Random) -> tuple[str, bytes, Callable[[], str]]:
        """Return the kind of a case, its content, and what tries it."""
        original, forgery = draws.choice(self.originals), draws.random() < 0.7
        content = forged(original, draws) if forgery else damaged(original.content, draws)
        return "forged" if forgery else "damaged", content, lambda: self.tried(original, forgery)

    def tried(self, original: Original, forgery: bool) -> str:
        """Load the file and predict."""
        try:
            model = load(self.file)
        except ModelFileError:
            return "refused"
        rows = original.rows
        if forgery and model.n_features_in_ != rows.shape[1]:
            if model.n_features_in_ > WIDEST:
                return "loaded"
            rows = np.zeros((5, model.n_features_in_))
        predicted = predictions(model, rows)
        if len(predicted) == len(original.predicted) and all(map(np.array_equal, predicted, original.predicted)):
            return "predicts the same"
        return "predicts otherwise" if forgery else "WRONG PREDICTIONS"


class Runs:
    """Cases of records."""

    def __init__(self, folder: Path) -> None:
        draws = np.random.default_rng(0)
        x, self.folder = draws.normal(size=(20, 3)), folder / "records"
        network = multilayer_perceptron(3, (2,), 1)
        start = tuple(np.stack([each] * 4) for each in network.start("he", 0))
        self.job = Job(
            network=network, loss=SquaredError(), penalties=(L2(0.01),) * 4, optimizer=Adam(0.01), x=x,
            target=x[:, :1] ** 2, folds=(Fold.plain(np.ones(20), 3, 1),), fold=np.zeros(4, dtype=int),
            seeds=np.arange(4), start=tuple(each + 0.1 * np.arange(4)[:, None, None] for each in start), epochs=3,
        )  # fmt: skip
        records = CheckpointStore(self.folder)
        self.whole = Runner(checkpoints=records).train(self.job)
        (kept,) = self.folder.iterdir()
        self.content, self.file = kept.read_bytes(), self.folder / "x.npy"
        self.digests = records.digests(self.job)
        kept.unlink()
        self.others = [self.foreign(folder, each) for each in (np.zeros(3), np.zeros(3, [("digest", "i8")]))]
        self.others.append(self.content.replace(b"(4,)", b"(9" + b"9" * 12 + b",)").replace(b" " * 12, b"", 1))

    @staticmethod
    def foreign(folder: Path, array: np.ndarray) -> bytes:
        """Return the bytes of another array's file."""
        np.save(folder / "foreign.npy", array)
        return (folder / "foreign.npy").read_bytes()

    def case(self, draws: random.Random) -> tuple[str, bytes, Callable[[], str]]:
        """Return the kind of a case, its content, and what tries it."""
        base = draws.choice([self.content] * 8 + self.others)
        return "damaged record", damaged(base, draws), self.tried

    def tried(self) -> str:
        """Look for the runs."""
        found, fits = CheckpointStore(self.folder).find(self.job, self.digests)
        if not len(found):
            return "passed over"
        return "the same bits" if same(fits, self.whole.part(found)) else "WRONG BITS"


def same(one: Fits, other: Fits) -> bool:
    """Whether fits have the same bits."""
    names = ("data_loss", "penalty", "validation_loss", "residual", "epochs", "diverged")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    pairs += zip(one.parameters, other.parameters, strict=True)
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def tried(seed: int, number: int, source: Model | Runs) -> tuple[str, str]:
    """Try a case; give its kind and what came of it, in capitals where that is a finding."""
    kind, content, attempt = source.case(random.Random(f"{seed} {number}"))
    source.file.write_bytes(content)
    tracemalloc.start()
    try:
        found = attempt()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it is, it is a finding
        found = f"{type(error).__name__.upper()}: {str(error)[:60]}"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    if peak > TIMES * len(content) + LITTLE:
        found = f"MEMORY: {peak:,} bytes of a file of {len(content):,} ({found})"
    return kind, found


def child(files: int, seed: int, only: int | None, place: Path) -> int:
    """Try all cases, with 1 GiB beside what is taken now; print a table; give the exit code."""
    import steps  # beside this file, where it is run as a script

    warnings.simplefilter("ignore")  # predictions of a forged model may overflow
    began, counts, findings, notes = time.monotonic(), Counter[tuple[str, str]](), 0, steps.Notes("fuzz_files")
    with tempfile.TemporaryDirectory() as name:
        models, runs = Model(Path(name)), Runs(Path(name))
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, taken + ROOM))
        numbers = range(files) if only is None else range(only, only + 1)
        for part in (numbers[first : first + STEP] for first in range(0, len(numbers), STEP)):
            step = f"seed {seed}, {len(part)} from {part[0]}"
            if step in notes.passed:
                counts.update({(kind, found): count for kind, found, count in notes.passed[step]})
                continue
            here, before = Counter[tuple[str, str]](), findings
            for number in part:
                place.write_text(str(number))
                kind, found = tried(seed, number, runs if number % 4 == 3 else models)
                here[kind, found.split(":")[0]] += 1
                if found.split(":")[0].split()[0].isupper():
                    findings += 1
                    print(f"seed {seed}, case {number} ({kind}): {found}", flush=True)
            counts.update(here)
            if findings == before:
                notes.note(step, [[*key, count] for key, count in here.items()])
    for (kind, found), count in sorted(counts.items()):
        print(f"{kind:16}{found:24}{count:8,}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{files:,} files, seed {seed}: {findings} findings, {time.monotonic() - began:.0f} s, {grown:.0f} MiB at most"
    )
    return 1 if findings else 0


def main() -> int:
    """Run the cases in a child, and say which of them ended it, if one did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="try one case alone")
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.place is not None:
        return child(given.files, given.seed, given.only, given.place)
    with tempfile.NamedTemporaryFile() as place:
        code = subprocess.run([sys.executable, *sys.argv, "--place", place.name], check=False).returncode
        if code not in (0, 1):
            print(f"seed {given.seed}, case {Path(place.name).read_text()}: the process ended with {code}")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
