"""A scikit-learn transformer that encodes a table, and knows the input of each encoded column.

    frame (N, inputs) --fit--> what was learned from each input --transform--> numbers (N, P)

What is learned from each column is plain data (:mod:`ridgewalk.tables.encode`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from ridgewalk.arrays import slices
from ridgewalk.tables.choices import ColumnChoices, LeftOut, names_of
from ridgewalk.tables.encode import (
    DECIMAL_COMMAS,
    Category,
    Column,
    CommaNumber,
    DataError,
    Date,
    Floats,
    Number,
    as_frame,
    is_plain_type,
    kind_of,
    offered,
    order_of,
)
from ridgewalk.tables.missing import NA_TEXTS, MissingTexts
from ridgewalk.tables.plan import columns_frame
from ridgewalk.tables.text_format import TextFormat
from ridgewalk.warning import warn_deprecated

READ_AS = "how the file of text was read"
"""Where a frame's ``attrs`` hold what a user said of the file that they were read from: fields of a TextFormat."""
READ_FROM = "the file that was read"
"""Where a frame's ``attrs`` hold its name."""
READ_MISSING = "texts that meant missing while the file was read"
"""Where a frame's ``attrs`` hold them."""
COLUMN_CONSTRAINTS: dict[str, list[Any]] = {
    "categories": [str, "array-like"],
    "numbers": [str, "array-like"],
    "dates": [str, dict, "array-like"],
    "missing": [str, "array-like"],
    "ids": [str, "array-like"],
}
"""What the parameters of an estimator that names columns may be."""


class Encoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Transformer that encodes a table as columns of numbers, and knows the input of each encoded column.

    Medians and categories are learned from all rows that it is fitted on, without the target. Standardization is left
    to each fold.

    Parameters
    ----------
    categories, numbers : str or sequence of str, default ()
        Columns that are categories, or numbers, whatever they look like.
    dates : str, sequence of str, or dict of str to str, default ()
        Columns that are dates. A dict has the part that comes first in their texts: "dayfirst", "monthfirst" or
        "yearfirst", or None for ISO 8601.
    missing : str or sequence of str, default ()
        Texts that mean missing, such as "?" or "-999", in addition to the default ones.
    ids : str or sequence of str, default ()
        Columns that identify rows, and are not encoded.

    Attributes
    ----------
    columns : tuple of Number, CommaNumber, Category, Date or OrderedDate
        What was learned from each input.
    names, origins, groups, notes
        Name of each encoded column, its input, and the index of this input; and notes on encodings.
    left_out : tuple of LeftOut
        Columns of the table that are not inputs, with the reason.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = COLUMN_CONSTRAINTS

    def __init__(
        self,
        *,
        categories: Any = (),
        numbers: Any = (),
        dates: Any = (),
        missing: Any = (),
        ids: Any = (),
    ) -> None:
        self.categories = categories
        self.numbers = numbers
        self.dates = dates
        self.missing = missing
        self.ids = ids

    @staticmethod
    def of(
        columns: Sequence[Column],
        missing: Sequence[str] = (),
        left_out: Sequence[LeftOut] = (),
        read_as: TextFormat | None = None,
        gaps: Mapping[str, int] | None = None,
    ) -> Encoder:
        """Return an encoder with these learned columns.

        Parameters
        ----------
        columns : sequence of Number, CommaNumber, Category, Date or OrderedDate
        missing : sequence of str
            Texts that mean missing.
        left_out : sequence of LeftOut
            Columns that are not learned from.
        read_as : TextFormat, optional
            How the text file was written that the columns were read from.
        gaps : mapping of str to int, optional
            Rows of the fit in which an input is missing; None if they were not counted.
        """
        ids = tuple(each.column for each in left_out if each.role == "id")
        encoder = Encoder(missing=tuple(missing), ids=ids)
        names = [*(column.name for column in columns), *ids]
        encoder.n_features_in_, encoder.feature_names_in_ = len(names), np.array(names, dtype=object)
        encoder._set(tuple(columns), tuple(missing), tuple(left_out), read_as or TextFormat(), gaps)
        return encoder

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Learn the encoding of every input of a table.

        Parameters
        ----------
        X : frame of pandas, polars or Arrow, or array_like, shape (N, inputs)
            The columns of an array are called x0, x1, ...
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        DataError
            If a column contains infinite values, or values that do not match its type; if column names are missing or
            not unique, or a named column does not exist.
        """
        if not isinstance(self, Encoder):  # Encoder.fit(frame)
            warn_deprecated("Encoder.fit(frame)", "Encoder().fit(frame)")
            return Encoder().fit(self)
        self._validate_params()
        frame = validated_frame(self, X, reset=True)
        choices = self._choices
        choices.check(list(frame.columns))
        inputs = frame.drop(columns=list(choices.ids))
        if inputs.shape[1] == 0:
            raise DataError(
                "Every column of the table is named in ids, and inputs to encode are needed: leave one out."
            )
        ids = tuple(LeftOut(name, "id", "names the rows") for name in choices.ids)
        self._learn(inputs, choices, ids)
        return self

    def transform(self, X: Any) -> Floats:
        """Encode the inputs of a table: shape (N, P).

        Parameters
        ----------
        X : frame, or array_like, shape (N, inputs)
            The columns of a frame are found by name, in any order; others are ignored.

        Returns
        -------
        array, shape (N, P), or the container set by ``set_output``

        Raises
        ------
        DataError
            If an input is missing, or contains text where the training data had numbers or dates.
        """
        return self.encoded(X)

    def encoded(self, X: Any) -> Floats:
        """Return the result of :meth:`transform`, always as an array."""
        columns, frame = self.columns, self._with_columns(X)
        encoded = np.empty((len(frame), len(self.names)))
        first = np.cumsum([0, *(len(column.names) for column in columns)])
        plain = self._write_plain(frame, encoded, first)
        for column, begin, end, written in zip(columns, first[:-1], first[1:], plain, strict=True):
            if not written:
                column.write(self._known(column, frame), encoded[:, begin:end])
        return encoded

    def _write_plain(self, frame: pd.DataFrame, encoded: Floats, first: NDArray[np.intp]) -> list[bool]:
        """Encode the inputs with NumPy's numbers at once; return them, or none if a value is infinite."""
        if self.missing_texts.numbers:
            return [False] * len(self.columns)
        position, kinds = {name: k for k, name in enumerate(frame.columns)}, frame.dtypes.tolist()
        plain = [type(column) is Number and is_plain_type(kinds[position[column.name]]) for column in self.columns]
        numbers = [
            column for column, each in zip(self.columns, plain, strict=True) if isinstance(column, Number) and each
        ]
        taken, places = [position[column.name] for column in numbers], first[:-1][plain]
        block = frame if taken == list(range(frame.shape[1])) else frame.iloc[:, taken]
        medians, indicated = np.array([column.median for column in numbers]), [column.indicated for column in numbers]
        for rows in slices(len(frame), max(1, len(numbers))):
            values = block.iloc[rows].to_numpy(dtype=float)
            if np.isinf(values).any():  # each of them says so itself
                return [False] * len(plain)
            missing = np.isnan(values)
            encoded[rows, places] = np.where(missing, medians, values) if missing.any() else values
            encoded[rows, places[indicated] + 1] = missing[:, indicated]
        return plain

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the name of each encoded column: "age", "age is missing", "colour = red".

        Parameters
        ----------
        input_features : array_like of str, optional
            The names of the inputs, as scikit-learn's pipelines hand them on; they have to be those of the fit.

        Raises
        ------
        ValueError
            If they are not.
        """
        check_is_fitted(self)
        if input_features is not None and list(map(str, input_features)) != _names_in(self):
            raise ValueError("input_features is not equal to feature_names_in_: leave it out, or give the fit's names.")
        return np.array(self.names, dtype=object)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What was learned from each input."""
        check_is_fitted(self)
        return self._columns

    @property
    def names(self) -> list[str]:
        """Name of each encoded column: "age", "age is missing", "colour = red"."""
        return [name for column in self.columns for name in column.names]

    @property
    def origins(self) -> list[str]:
        """Name of the input of each encoded column."""
        return [column.name for column in self.columns for _ in column.names]

    @property
    def groups(self) -> NDArray[np.intp]:
        """Index of the input of each encoded column: shape (P,). Use it as ``groups`` of the group lasso."""
        return np.repeat(np.arange(len(self.columns)), [len(column.names) for column in self.columns])

    @property
    def notes(self) -> list[str]:
        """Notes on encodings that may not be obvious."""
        return [column.note for column in self.columns if column.note]

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Columns of the table that are not inputs, with the reason."""
        check_is_fitted(self)
        return self._left_out

    @property
    def row_names(self) -> tuple[str, ...]:
        """Columns that identify rows, and are added to predictions."""
        return tuple(each.column for each in self.left_out if each.role == "id")

    @property
    def missing_texts(self) -> MissingTexts:
        """Texts that mean missing: those of the parameter, and those with which the file of the fit was read."""
        check_is_fitted(self)
        return MissingTexts(self._missing)

    @property
    def na_columns(self) -> frozenset[str]:
        """Columns of categories in which NA or the like was a category like any other."""
        learned = (column for column in self.columns if isinstance(column, Category))
        return frozenset(column.name for column in learned if not NA_TEXTS.isdisjoint((*column.levels, *column.others)))

    @property
    def gaps(self) -> Mapping[str, int] | None:
        """Rows of the fit in which an input is missing, of those in which it is in any; None if not counted."""
        check_is_fitted(self)
        return self._gaps

    @property
    def read_as(self) -> TextFormat:
        """The declared format of the text file that the table of the fit was read from."""
        check_is_fitted(self)
        return self._read_as

    def plan(self) -> pd.DataFrame:
        """Return a table that describes every column, beginning with those that are not inputs.

        Returns
        -------
        DataFrame
            "column", "role" (input, left out, id, ...), "kind" (number, category or date), "encoded" (number of encoded
            columns), "missing" (number of missing values; of a model file of before, whether there were any), "rare"
            (number of categories that share one column) and "reason".
        """
        return columns_frame(self.columns, self.left_out, self.gaps)

    def unseen(self, X: Any) -> list[str]:
        """Return notes on values that did not occur in the fit: new categories, and newly missing values."""
        frame = self._with_columns(X)
        sentences = (column.unseen(self._known(column, frame)) for column in self.columns)
        return [sentence for sentence in sentences if sentence]

    def _with_columns(self, X: Any) -> pd.DataFrame:
        """Return a table as a data frame that has every encoded column.

        Raises
        ------
        DataError
            If it lacks one.
        """
        frame = _without_notes(validated_frame(self, X))
        there = set(frame.columns)
        absent = [column.name for column in self.columns if column.name not in there]
        if absent:
            more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
            known = [column.name for column in self.columns] + [each.column for each in self.left_out]
            source, it = getattr(X, "attrs", {}).get(READ_FROM, "this table"), "them" if more else "it"
            raise DataError(
                f"The model needs column {absent[0]!r}{more}, and {source} lacks {it}: add {it}, empty where unknown, "
                f"or fit again without {it}. {offered(list(frame.columns), absent[0], known)}"
            )
        return frame

    def _known(self, column: Column, frame: pd.DataFrame) -> pd.Series[Any]:
        """Return the values of a column, without those that mean missing."""
        values, missing = frame[column.name], self.missing_texts
        if not missing.texts:
            return values
        if isinstance(column, Number):
            return values.mask(missing.blanked(column.plain(values), as_numbers=True).isna())
        return missing.blanked(values)

    @property
    def _choices(self) -> ColumnChoices:
        return ColumnChoices(self.categories, self.numbers, self.dates, self.missing, self.ids)

    def _learn(self, inputs: pd.DataFrame, choices: ColumnChoices, left_out: Sequence[LeftOut]) -> None:
        """Learn the encoding of each input."""
        commas = set(inputs.attrs.get(DECIMAL_COMMAS, ()))
        read_as = TextFormat(**inputs.attrs.get(READ_AS, {}))
        missing = names_of((*choices.missing, *inputs.attrs.get(READ_MISSING, ())))
        texts, bare = MissingTexts(missing), _without_notes(inputs)
        learned, gaps = [], {}
        for name in map(str, bare):
            column = texts.blanked(bare[name], as_numbers=choices.kind(name) == "number")
            learned.append(_learned(name, column, choices, name in commas))
            gaps[name] = int(column.isna().sum())
        self._set(
            tuple(learned), missing, tuple(left_out), read_as, {name: rows for name, rows in gaps.items() if rows}
        )

    def _set(
        self,
        columns: tuple[Column, ...],
        missing: tuple[str, ...],
        left_out: tuple[LeftOut, ...],
        read_as: TextFormat,
        gaps: Mapping[str, int] | None,
    ) -> None:
        self._columns, self._missing, self._left_out, self._read_as = columns, missing, left_out, read_as
        self._gaps = gaps

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_columns")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags


def table_encoder(inputs: pd.DataFrame, choices: ColumnChoices, left_out: Iterable[LeftOut]) -> Encoder:
    """Return the encoder of a table's inputs, which also knows the other columns.

    Parameters
    ----------
    inputs : DataFrame
        Columns to learn from.
    choices : ColumnChoices
        What a user chose of all columns of the table.
    left_out : iterable of LeftOut
        The other columns.

    Raises
    ------
    DataError
        As :meth:`Encoder.fit`.
    """
    there, others = set(inputs.columns), tuple(left_out)
    categories, numbers = (
        tuple(name for name in each if name in there) for each in (choices.categories, choices.numbers)
    )
    dates = {name: order for name, order in choices.dates.items() if name in there}
    encoder = Encoder(categories=categories, numbers=numbers, dates=dates, missing=choices.missing, ids=choices.ids)
    names = [*inputs.columns, *choices.ids]
    encoder.n_features_in_, encoder.feature_names_in_ = len(names), np.array(names, dtype=object)
    encoder._learn(inputs, choices, others)
    return encoder


def validated_frame(estimator: Any, X: Any, reset: bool = False) -> pd.DataFrame:
    """Return rows as a data frame of the fit's columns; in a fit, set the column attributes of the estimator.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_``, and ``feature_names_in_`` of columns that have names, where ``reset`` says so.
    X : frame of pandas, polars or Arrow, or array_like, shape (N, columns)
        The columns of an array have the names of the fit's, or are called x0, x1, ...
    reset : bool
        Whether this is a fit.

    Raises
    ------
    DataError, TypeError, ValueError
        If X is no table, sparse, or an array of another width than the fit's.
    """
    if issparse(X):
        raise TypeError("A sparse X came, and a table has a value in every place: give X.toarray().")
    array = isinstance(X, list | tuple) or hasattr(X, "__array__")
    named = not array or hasattr(X, "columns") or hasattr(X, "to_frame")  # a column alone, which is no table
    if reset:
        frame = as_frame(X) if named else _array_frame(X, estimator)
        estimator.n_features_in_ = frame.shape[1]
        estimator.__dict__.pop("feature_names_in_", None)
        if named:
            estimator.feature_names_in_ = np.array(list(frame.columns), dtype=object)
        return frame
    check_is_fitted(estimator)
    if not named:
        return _array_frame(X, estimator, _names_in(estimator))
    frame = as_frame(X)
    known = hasattr(estimator, "feature_names_in_")
    return frame if known else _array_frame(frame.to_numpy(), estimator, _names_in(estimator))


def _names_in(estimator: Any) -> list[str]:
    """Return the names of the fit's columns, also for an array."""
    return list(getattr(estimator, "feature_names_in_", [f"x{k}" for k in range(estimator.n_features_in_)]))


def _array_frame(X: Any, estimator: Any, names: Sequence[str] | None = None) -> pd.DataFrame:
    """Return an array as a data frame; in a fit its columns are named x0, x1, ..."""
    least = 2 if names is None else 1  # one to train on, one to hold out
    array = check_array(
        X, dtype=None, ensure_all_finite=False, ensure_min_samples=least, estimator=estimator, input_name="X"
    )
    columns = [f"x{k}" for k in range(array.shape[1])] if names is None else list(names)
    if array.shape[1] != len(columns):
        raise ValueError(
            f"X has {array.shape[1]} features, but {type(estimator).__name__} is expecting {len(columns)} features as "
            "input."
        )
    frame = pd.DataFrame(array, columns=columns)
    return frame.infer_objects() if array.dtype == object else frame


def _without_notes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the same columns without their notes, which pandas would copy with every column."""
    if not frame.attrs:
        return frame
    bare = frame.copy(deep=False)
    bare.attrs = {}
    return bare


def _learned(name: str, column: pd.Series[Any], choices: ColumnChoices, commas: bool) -> Column:
    """Learn the encoding of a column, of its declared type or of the type of its values."""
    kind = choices.kind(name) or kind_of(column)
    if kind == "number":
        return (CommaNumber if commas else Number).learn(name, column)
    if kind == "date":
        return Date.learn(name, column, choices.dates.get(name) or order_of(column))
    return Category.learn(name, column)
