"""Redaction: the shape of a text, which may be shown of a row that may name a person."""

from __future__ import annotations

import re

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

SHOWN_CHARACTERS = 500
"""Characters of a row's shape that are kept; a row may be megabytes long."""

_FIELD_NAME = r"(?!.*[0-9]{3})(?!.*[0-9]{2}$)[A-Za-z_][A-Za-z0-9_.:-]{0,63}"
"""Pattern of the names of fields; with three digits, or two at the end, it is more likely an account or a phone."""


def shape(text: Column, words: tuple[str, ...] = ()) -> Column:
    """The first characters of a text with every letter as `*`, every digit as `#`, what is not ASCII as `?`.

    Runs of letters that are one of `words` stay. A longer text ends with its length.
    """
    # possessive, as a row may be one endless word; letters of every script, with their accents
    runs = F.regexp_extract_all(F.substring(text, 1, SHOWN_CHARACTERS), F.lit(r"[\p{L}\p{M}]++|[^\p{L}\p{M}]++"), 0)
    shown = F.transform(runs, lambda run: F.when(run.isin(*words), run).otherwise(_shape_of_run(run)))
    length = F.length(text)
    rest = F.when(length > SHOWN_CHARACTERS, F.concat(F.lit(" ... of "), length, F.lit(" characters"))).otherwise("")
    return F.concat(F.array_join(shown, ""), rest)


def redacted_field(name: str) -> Column:
    """A column of field names: as they are where they look like one, else their shape."""
    return F.when(F.col(name).rlike(f"^{_FIELD_NAME}$"), F.col(name)).otherwise(F.substring(shape(F.col(name)), 1, 64))


def redacted_title(title: str) -> str:
    """The title of a column, for an error's sentence: a file without header has a person's data in its place."""
    return title if re.fullmatch(_FIELD_NAME, title) else re.sub(r"\d", "#", re.sub(r"[^\W\d_]", "*", title[:40]))


def _shape_of_run(run: Column) -> Column:
    shown = F.regexp_replace(run, r"[\p{L}\p{M}]", "*")
    return F.regexp_replace(F.regexp_replace(shown, r"\p{N}", "#"), "[^ -~]", "?")
