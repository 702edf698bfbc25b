"""What people wrote, from the lake: the texts that are new tonight, and those of which a hashtag says the category."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from contracts.lake import Lake
from contracts.tables.mapped import ANSWERS, EVENTS, TEXTS
from contracts.tables.marts import CONSENT
from contracts.tables.resolved import PERSONS
from lake_tables.topics import category_of_topic

MOST_LEARNED = 20_000
"""Texts under hashtags that are learned from, chosen by a hash of their words: so many take a few seconds."""

LEARNED_DAYS = 30
"""Of the newest deliveries, as far as their life span goes."""

_WRITTEN = {
    TEXTS.name: "select text_id as id, identifier, text, occurred_at from {table}",
    # search words have no order and no sentence; together they are a text
    EVENTS.name: """
        select event_id as id, identifier, array_to_string(topics, ' ') as text, occurred_at from {table}
        where action = 'search' and len(topics) > 0
    """,
    # an answer of fewer than three words is a choice, not something that a person wrote
    ANSWERS.name: """
        select answer_id as id, identifier, answer as text, occurred_at from {table}
        where regexp_matches(answer, '\\pL{{2}}.*\\s.*\\pL{{2}}.*\\s.*\\pL{{2}}')
    """,
}
"""Table -> its texts: posts, searches and open answers."""


def register_people(connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str) -> None:
    """Make the table `people` (identifier, person_id, teaches) of all who agree to profiling.

    `teaches` says that a person agrees to training, too.

    Raises:
        LakeError: persons or consents of that day were not published.
    """
    lake.require(PERSONS.name, ds, made_by=f"spark_jobs/main.py resolve --ds {ds}")
    lake.require(CONSENT.name, ds, made_by=f"python -m dbt_project.build --ds {ds}")
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"""
        create temp table people as
        select persons.identifier, persons.person_id, consents.consent_training as teaches
        from {_parquet(lake, PERSONS.name, [ds])} as persons
        join {_parquet(lake, CONSENT.name, [ds])} as consents using (person_id)
        where consents.consent_profiling
    """)


def register_written(connection: duckdb.DuckDBPyConnection, lake: Lake, after: str, ds: str) -> None:
    """Make the table `written` (person_id, identifier, text, occurred_at) of what arrived after a day and until `ds`.

    A text that was delivered twice counts once.

    Args:
        after: the day; empty for all days that the lake holds.
    """
    parts = []
    for table, sql in _WRITTEN.items():
        days = [day for day in lake.days(table, until=ds) if day > after and lake.files(table, day)]
        if days:
            parts.append(sql.format(table=_parquet(lake, table, days)))
    columns = ("id", "identifier", "text", "occurred_at")
    nothing = f"select {', '.join(f'null::varchar as {name}' for name in columns)} where false"
    connection.execute(f"""
        create temp table written as
        select people.person_id, identifier, texts.text, texts.occurred_at
        from (select distinct on (id) * from ({" union all ".join(parts) or nothing})) as texts
        join people using (identifier)
        order by people.person_id, identifier, texts.occurred_at, texts.text
    """)


def texts_under_hashtags(
    connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str, categories: Sequence[str], smallest_group: int
) -> pa.Table:
    """text and category of texts whose hashtags speak of one category, of people who agree to training.

    Of a category behind whose texts fewer than `smallest_group` people stand, there are none.

    Args:
        categories: those that are of interest.
    """
    first = (datetime.date.fromisoformat(ds) - datetime.timedelta(days=LEARNED_DAYS - 1)).isoformat()
    days = [day for day in lake.days(TEXTS.name, until=ds) if day >= first and lake.files(TEXTS.name, day)]
    if not days:
        return pa.table({"text": pa.array([], pa.string()), "category": pa.array([], pa.string())})
    seed = category_of_topic()
    connection.register("seed", pa.table({"topic": list(seed), "category": list(seed.values())}))
    connection.register("known_categories", pa.table({"category": pa.array(list(categories), pa.string())}))
    return connection.sql(
        f"""
        with posts as (
            select distinct on (text_id) text_id, identifier, text, topics from {_parquet(lake, TEXTS.name, days)}
        ),
        words as (select text_id, identifier, text, unnest(topics) as topic from posts),
        spoken_of as (
            select text_id, words.text, any_value(people.person_id) as person_id, min(seed.category) as category
            from words join seed using (topic) join people using (identifier)
            where people.teaches
            group by text_id, words.text
            having count(distinct seed.category) = 1
        ),
        large_enough as (
            select category from spoken_of join known_categories using (category)
            group by category having count(distinct person_id) >= ?
        )
        select distinct text, category, md5(text) as place from spoken_of join large_enough using (category)
        order by place, category limit {MOST_LEARNED}
        """,
        params=[smallest_group],
    ).to_arrow_table()


def _parquet(lake: Lake, table: str, days: Sequence[str]) -> str:
    """SQL that reads some days of a table."""
    files = ", ".join("'" + str(file).replace("'", "''") + "'" for day in days for file in lake.files(table, day))
    return f"read_parquet([{files}], union_by_name = true)"
