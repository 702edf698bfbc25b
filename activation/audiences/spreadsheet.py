"""CSV that is safe to open in a spreadsheet.

A cell that begins with one of = + - @ tab CR LF is run as a formula by spreadsheets; an apostrophe before it keeps it
a text (OWASP, "CSV Injection"). So are their full-width forms in some, also behind signs that cannot be
seen.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

_STARTS_OF_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u2212")
_UNSEEN = " \u00a0\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u3000\ufeff\x00"


def append_csv(rows: pd.DataFrame, file: Path, *, with_header: bool) -> None:
    """Write rows as UTF-8 CSV behind what the file holds; formulas are made harmless, missing cells empty."""
    rows.map(harmless).to_csv(file, mode="a", header=with_header, index=False, lineterminator="\r\n")


def harmless(cell: object) -> object:
    """The cell itself, or the cell behind an apostrophe where it is a text that a spreadsheet would run."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(_UNSEEN).startswith(_STARTS_OF_FORMULAS) else cell
