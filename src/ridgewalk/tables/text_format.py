"""The format of a text file: encoding, field separator and decimal separator."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ridgewalk.tables.encode import DataError

_TABS = ("tab", r"\t")


@dataclass(frozen=True)
class TextFormat:
    r"""The format of CSV and TSV files; None means UTF-8 for the encoding, and otherwise that it is detected.

    Attributes
    ----------
    encoding : str or None
        Python's name of the encoding: "latin-1", "cp1252", "utf-16".
    separator : str or None
        Field separator: one character; "tab" and r"\t" are a tab.
    decimal : "." or ",", or None
        Decimal separator. With ",", a dot may separate thousands: 1.234,5.

    Raises
    ------
    DataError
        If the encoding, separator or decimal is invalid, or the last two are equal.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        if self.encoding is not None and not _decodes(self.encoding):
            raise DataError(
                f"There is no encoding {self.encoding!r}: it is called as in Python, such as utf-8, latin-1, cp1252 or "
                "utf-16."
            )
        if self.separator is not None and self.separator.strip().lower() in _TABS:
            object.__setattr__(self, "separator", "\t")
        separator = self.separator
        if separator is not None and not (
            len(separator) == 1 and separator.isascii() and not separator.isalnum() and separator not in "\"'\r\n\0"
        ):
            raise DataError(
                f"The separator is one ASCII character that is no letter, digit, quote or end of a line, such as ; or "
                f"| or tab, and {separator!r} came."
            )
        if self.decimal not in (None, ".", ","):
            raise DataError(f"The decimal is a point or a comma, and {self.decimal!r} came.")
        if self.decimal is not None and self.decimal == separator:
            raise DataError(
                f"{separator!r} cannot both separate fields and stand before decimals: give another separator or "
                "another decimal."
            )

    @property
    def named(self) -> list[str]:
        """Names of the settings that are not None."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]

    def over(self, other: TextFormat) -> TextFormat:
        """Return these settings, completed by those of another format.

        Raises
        ------
        DataError
            If a separator and a decimal come together that are the same.
        """
        both = {field.name: getattr(other, field.name) for field in fields(other)}
        return TextFormat(**both | {name: getattr(self, name) for name in self.named})


def _decodes(encoding: str) -> bool:
    """Return whether Python has an encoding of text by this name."""
    try:
        "a".encode(encoding)  # of an empty text it never looks the name up
    except (LookupError, ValueError):  # a null character is a ValueError
        return False
    return True
