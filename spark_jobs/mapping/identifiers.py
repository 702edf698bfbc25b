"""The identifiers in a raw row: those that its mapping makes of it, mapped or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts.tables.mapped import MEDIA
from contracts.tombstones import PREFIX
from spark_jobs.literals import NO_STRINGS, sql_list, sql_literal
from spark_jobs.mapping.expressions import values_given, with_let
from spark_jobs.mapping.spec import Spec
from spark_jobs.pseudonyms import Functions


def with_identifiers(
    raw: DataFrame, spec: Spec, prefix: str, keys: Sequence[bytes], *, as_of_old: bool = False
) -> DataFrame:
    """Add arrays of identifiers under a chain of keys; without any key they are raw, `kind:value`.

    Args:
        spec: the mapping as written.
        as_of_old: as releases made pseudonyms that only trimmed and lower-cased.

    Returns:
        The columns of `raw`, and arrays of strings: `<prefix>_owners`, the identifiers whose rows it gives;
        `<prefix>_edge_ends`, both ends of the identity edges that it gives; `<prefix>_all`, every identifier in it;
        `<prefix>_files`, the files posted with it. An identifier has the same place in the array under all keys; null
        where there is none.
    """
    pseudonyms = [name for name, expression in spec.let.items() if "pseudonym(" in expression]
    spec = spec.translated(Functions(keys, as_of_old=as_of_old).expanded)
    owners, edge_ends, photos = [], [], []
    for writing in spec.writings:
        columns = [column.name for column in writing.table.columns if column.holds == "identifier"]
        (owners if len(columns) == 1 else edge_ends).extend(values_given(writing, column) for column in columns)
        if writing.table is MEDIA:
            photos.append(values_given(writing, "path"))
    none = F.expr(NO_STRINGS)
    return (
        with_let(raw, spec)
        .select(
            *raw.columns,
            F.array(*pseudonyms).cast("array<string>").alias("under_let"),
            F.concat(none, *owners).alias(f"{prefix}_owners"),
            F.concat(none, *edge_ends).alias(f"{prefix}_edge_ends"),
            F.array_compact(F.concat(none, *photos)).alias(f"{prefix}_files"),
        )
        .withColumn(f"{prefix}_all", F.concat(f"{prefix}_owners", f"{prefix}_edge_ends", "under_let"))
        .drop("under_let")
    )


def belongs_to(prefix: str, is_theirs: Callable[[Column], Column]) -> Column:
    """Whether a row is a person's: it gives a row of theirs, or nothing but identity edges of theirs.

    Args:
        prefix: as for `with_identifiers`.
        is_theirs: whether an identifier is one of the person's.
    """

    def one_of(identifiers: str) -> Column:
        return F.exists(identifiers, lambda identifier: F.coalesce(is_theirs(identifier), F.lit(False)))

    no_owner = F.size(F.array_compact(f"{prefix}_owners")) == 0
    return one_of(f"{prefix}_owners") | (no_owner & one_of(f"{prefix}_edge_ends"))


def with_erased(
    raw: DataFrame, spec: Spec, keys: Sequence[bytes], tombstones: Mapping[int, Sequence[str]]
) -> DataFrame:
    """Mark the rows of people who were erased; where nobody was, the rows are returned as they are.

    Adds `raw_erased`, whether the row is an erased person's, and `raw_erased_identifiers`: those in it that have a
    tombstone, under all `keys`. A tombstone may be of a pseudonym that an earlier release made of the same identifier.

    Args:
        spec: the mapping as written.
        tombstones: generation -> hashes, as `Tombstones.by_generation` gives them.
    """
    if not tombstones:
        return raw
    rows = with_identifiers(raw, spec, "now", keys)
    erased = []
    for (generation, hashes), as_of_old in product(tombstones.items(), (False, True)):
        then = "now"
        if generation < len(keys) or as_of_old:
            then = f"then_{generation}_{as_of_old}"
            rows = with_identifiers(rows, spec, then, keys[:generation], as_of_old=as_of_old)
        tombstone = Functions(keys[generation - 1 : generation]).expanded(f"keyed({sql_literal(PREFIX)} || each)")
        has_tombstone = f"{tombstone} in {sql_list(hashes)}"
        erased.append(F.expr(f"transform({then}_all, (each, place) -> if({has_tombstone}, now_all[place], null))"))
    rows = rows.withColumn("raw_erased_identifiers", F.array_compact(F.concat(*erased)))
    is_erased = belongs_to("now", lambda identifier: F.array_contains("raw_erased_identifiers", identifier))
    return rows.select(*raw.columns, is_erased.alias("raw_erased"), "raw_erased_identifiers")
