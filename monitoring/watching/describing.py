"""A day of a table in a few figures: rows, missing values, late rows, and histograms, by source.

DuckDB reads the files of the day once for all columns with few bins, and once for each with words of which there may be
any number; it groups within its share of memory and spills. Nothing of a row leaves it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from contracts.lake import Lake
from contracts.schema import Table
from contracts.tables.mapped import RECONCILIATION
from contracts.tables.served import SCORES
from contracts.tables.watched import ALL_ROWS, BOOKS, OWN
from monitoring.watching.columns import Described, described, lower_end

MOST_WORDS = 200
"""Of a column; rarer ones count as one word."""

RARE = "(rare)"
"""Stands for words of fewer people than the smallest group, and for those beyond `MOST_WORDS`."""

Figure = dict[str, Any]
"""One row of `source_health` and its `ds`, before anything is known of how usual it is."""


@dataclass(frozen=True)
class Describer:
    """Describes days of tables in one connection."""

    connection: duckdb.DuckDBPyConnection
    lake: Lake
    smallest_group: int
    known: Mapping[tuple[str, str, str], Collection[str]] = field(default_factory=dict)
    """Words that earlier nights have named, by table, source and column: they are named for however few people."""

    def table(self, table: Table, days: Iterable[str], *, of_sources: bool) -> Iterator[Figure]:
        """Figures of the days of a table that are published, by source where sources bring it."""
        present = self._read(table, days, source="" if of_sources else f", '{OWN}' as source")
        if not present:
            return
        columns = [one for one in described(table) if one.column.name in present]
        late = of_sources and "occurred_at" in present
        yield from self._missing_and_bounded(table, columns, late=late)
        who = next((column.name for column in table.columns if column.holds in ("person", "identifier")), "")
        for one in columns:
            if one.measure and not one.bounded:
                yield from self._words(table, one, who)
        if "item_id" in present:
            yield from self._commonest_item(table)

    def books(self, days: Iterable[str]) -> Iterator[Figure]:
        """Of each source that came on a day, what became of its rows: a share of those read for each rule."""
        if not self._read(RECONCILIATION, days, source=""):
            return
        rows = self.connection.execute("""
            with counted as (
                select day, source, outcome, coalesce(rule, '') as rule, sum(rows)::bigint as n
                from described
                where coalesce(unit, 'row') = 'row'
                group by all
            ),
            read as (select day, source, n from counted where outcome = 'read'),
            ruled as (
                select *
                from counted
                where outcome in ('quarantined', 'dropped') or starts_with(rule, 'unknown_field:')
            )
            select read.day::varchar, read.source, read.n, concat_ws(' ', ruled.outcome, ruled.rule), ruled.n
            from read left join ruled on read.day = ruled.day and read.source = ruled.source
            order by all
        """).fetchall()
        for day, source, read in dict.fromkeys(row[:3] for row in rows):
            yield _figure(day, BOOKS, source, ALL_ROWS, "rows", read, value=float(read))
        for day, source, read, rule, ruled in rows:
            if rule and read:
                yield _figure(day, BOOKS, source, rule, "share", read, value=ruled / read)

    def _read(self, table: Table, days: Iterable[str], *, source: str) -> set[str]:
        """Let `described` be the rows of some days, with the `day` of their partition; returns their columns."""
        every = [file for day in days for file in self.lake.files(table.name, day)]
        files = [str(file) for file in every if file.suffix == ".parquet"]
        if not files:
            return set()
        self.connection.execute(f"""
            create or replace temp view described as
            select *, regexp_extract(filename, '/ds=([0-9-]+)/', 1)::date as day{source}
            from read_parquet({files!r}, filename = true, hive_partitioning = false, union_by_name = true)
        """)
        return {name for (name, *_) in self.connection.execute("describe described").fetchall()}

    def _missing_and_bounded(self, table: Table, columns: Sequence[Described], *, late: bool) -> Iterator[Figure]:
        """Rows, late rows, missing values, and histograms of columns with few bins: one reading of the files."""
        bounded = [one for one in columns if one.measure and one.bounded]
        counted = [
            "count(*)",
            "count(*) filter (occurred_at::date < day)" if late else "null",
            *(f'count("{one.column.name}")' for one in columns),
            *(f"histogram({one.sql})" for one in bounded),
        ]
        rows = self.connection.execute(f"select day::varchar, source, {', '.join(counted)} from described group by all")
        for day, source, n, late_rows, *found in rows.fetchall():
            yield _figure(day, table.name, source, ALL_ROWS, "rows", n, value=float(n))
            if late:
                yield _figure(day, table.name, source, "occurred_at", "late_share", n, value=late_rows / n)
            for one, filled in zip(columns, found, strict=False):
                if not one.column.required:
                    yield _figure(day, table.name, source, one.column.name, "null_share", n, value=1 - filled / n)
            for one, bins in zip(bounded, found[len(columns) :], strict=True):
                if bins:
                    if one.measure == "numbers":
                        bins = {lower_end(place): n for place, n in bins.items()}
                    yield _figure(day, table.name, source, one.column.name, one.measure, n, bins=bins)

    def _words(self, table: Table, one: Described, who: str) -> Iterator[Figure]:
        """The commonest words of a column, as far as enough people had them on some day, or an earlier night has."""
        people = f'count(distinct "{who}")' if who else "null"
        rows = self.connection.execute(f"""
            with counted as (
                select day, source, {one.sql} as word, count(*) as n, {people} as people
                from described
                where ({one.sql}) is not null
                group by all
            ),
            placed as (
                select *, row_number() over (partition by day, source order by n desc, word) as place from counted
            )
            select
                day::varchar, source, sum(n)::bigint,
                list((word, n, people) order by word) filter (place <= {MOST_WORDS})
            from placed
            group by all
        """).fetchall()
        named = {key: set(words) for key, words in self.known.items()}
        for _, source, _, words in rows:
            own = named.setdefault((table.name, source, one.column.name), set())
            own |= {word for word, _, people in words if people is None or people >= self.smallest_group}
        for day, source, total, words in rows:
            own = named[table.name, source, one.column.name]
            bins = {word: n for word, n, _ in words if word in own}
            rare = total - sum(bins.values())
            yield _figure(
                day, table.name, source, one.column.name, "values", total, bins=bins | ({RARE: rare} if rare else {})
            )

    def _commonest_item(self, table: Table) -> Iterator[Figure]:
        """The share of rows with the commonest item; of recommendations, the share of people for whom it is first."""
        where = "item_id is not null" + (" and rank = 1" if table is SCORES else "")
        rows = self.connection.execute(f"""
            with counted as (select day, source, item_id, count(*) as n from described where {where} group by all)
            select day::varchar, source, sum(n)::bigint, max(n) from counted group by all
        """)
        for day, source, total, most in rows.fetchall():
            yield _figure(day, table.name, source, "item_id", "largest_share", total, value=most / total)


def _figure(
    day: str,
    table: str,
    source: str,
    column: str,
    measure: str,
    rows: int,
    *,
    value: float | None = None,
    bins: Mapping[str, int] | None = None,
) -> Figure:
    return {
        "ds": day,
        "table_name": table,
        "source": source,
        "column_name": column,
        "measure": measure,
        "rows": rows,
        "value": value,
        "names": None if bins is None else list(bins),
        "counts": None if bins is None else list(bins.values()),
    }
