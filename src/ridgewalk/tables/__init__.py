"""Tables: read files, and encode columns of any type as numbers."""

from ridgewalk.tables.choices import ColumnChoices
from ridgewalk.tables.encoder import Encoder
from ridgewalk.tables.missing import MissingTexts
from ridgewalk.tables.read import read_table
from ridgewalk.tables.table import Table, make_table

__all__ = ["ColumnChoices", "Encoder", "MissingTexts", "Table", "make_table", "read_table"]
