"""Whom a raw row names: the identifiers that its mapping makes of it, whatever becomes of the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts.tables.mapped import MEDIA
from contracts.tombstones import PREFIX
from spark_jobs.mapping.spec import Spec, Writing
from spark_jobs.pseudonyms import Functions

_NOBODY = "cast(array() as array<string>)"


def with_names(raw: DataFrame, spec: Spec, prefix: str, keys: Sequence[bytes]) -> DataFrame:
    """Add arrays of identifiers under a chain of keys; without any key they are raw, `kind:value`.

    Args:
        spec: a mapping with its functions not yet expanded.

    Returns:
        The columns of `raw`, and `<prefix>_holders`: whose the rows are that it gives; `<prefix>_sides`: both sides of
        the edges that it gives; `<prefix>_all`: everybody whom it names; `<prefix>_files`: pictures posted with it.
        Places are the same under all keys; null stands for nobody.
    """
    pseudonyms = [name for name, expression in spec.let.items() if "pseudonym(" in expression]
    spec = spec.translated(Functions(keys).expanded)
    rows = raw
    for name, expression in spec.let.items():
        rows = rows.select("*", F.expr(expression).alias(name))
    given: dict[bool, list[str]] = {True: [], False: []}
    pictures = [_NOBODY]
    for writing in spec.writings:
        columns = [column.name for column in writing.table.columns if column.holds == "identifier"]
        given[len(columns) == 1] += [_each(writing, column) for column in columns]
        if writing.table is MEDIA:
            pictures.append(_each(writing, "path"))
    holders, sides = (f"concat({', '.join([_NOBODY, *arrays])})" for arrays in (given[True], given[False]))
    everybody = f"concat({holders}, {sides}, array({', '.join([*pseudonyms, 'cast(null as string)'])}))"
    return rows.select(
        *raw.columns,
        F.expr(holders).alias(f"{prefix}_holders"),
        F.expr(sides).alias(f"{prefix}_sides"),
        F.expr(everybody).alias(f"{prefix}_all"),
        F.expr(f"array_compact(concat({', '.join(pictures)}))").alias(f"{prefix}_files"),
    )


def _each(writing: Writing, column: str) -> str:
    """SQL for an array of what a raw row gives to a column, null where it gives no row."""
    value = f"if({writing.where}, cast({writing.columns[column]} as string), null)"
    each = f"transform({writing.for_each}, each -> {value})" if writing.for_each else f"array({value})"
    return f"coalesce({each}, {_NOBODY})"


def is_of(prefix: str, somebody: str) -> Column:
    """Whether a row is somebody's: it gives a row of theirs, or nothing but edges of theirs.

    Args:
        somebody: SQL that is true for an identifier `name` of theirs.
    """
    theirs = f"name -> coalesce({somebody}, false)"
    return F.expr(
        f"exists({prefix}_holders, {theirs}) or"
        f" (size(array_compact({prefix}_holders)) = 0 and exists({prefix}_sides, {theirs}))"
    )


def with_erased(raw: DataFrame, spec: Spec, keys: Sequence[bytes], stones: Mapping[int, Sequence[str]]) -> DataFrame:
    """Where anybody was erased, tell whose rows are theirs; else the rows are returned as they are.

    Adds `raw_erased_names`, identifiers under all `keys` that have a tombstone, and `raw_erased`: is the row theirs?

    Args:
        spec: a mapping with its functions not yet expanded.
        stones: generation -> hashes, as `Tombstones.by_generation` gives them.
    """
    if not stones:
        return raw
    rows = with_names(raw, spec, "now", keys)
    found = []
    for generation, hashes in stones.items():
        then = "now"
        if generation < len(keys):
            then = f"then_{generation}"
            rows = with_names(rows, spec, then, keys[:generation])
        stone = Functions(keys[generation - 1 : generation]).expanded(f"keyed('{PREFIX}' || each)")
        listed = ", ".join(f"'{one}'" for one in hashes)
        found.append(f"transform({then}_all, (each, place) -> if({stone} in ({listed}), now_all[place], null))")
    rows = rows.withColumn("raw_erased_names", F.expr(f"array_compact(concat({', '.join(found)}))"))
    rows = rows.withColumn("raw_erased", is_of("now", "array_contains(raw_erased_names, name)"))
    return rows.select(*raw.columns, "raw_erased", "raw_erased_names")
