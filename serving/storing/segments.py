"""Segments of people: groups in which something else is popular than with everybody."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

MOST_SEGMENTS = 1000


@dataclass(frozen=True)
class SegmentsOfPeople:
    """The segments of a night; `in_segments` (person_id, code) of the connection says who is in which, from 1 on."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, smallest: int) -> SegmentsOfPeople:
        """Find them: a person is in the smallest of the profile's segments, or else in the region.

        Groups of fewer than `smallest` people are none: their favourites would tell of single people.

        Args:
            connection: with `dim_person_profile` and `agreed` (person_id, profiling).
        """
        connection.execute(f"""
            create or replace temp table groups_of_people as
            with groups as (
                select person_id, unnest(list_transform(segments, lambda one: 'segment ' || one)) as name
                from dim_person_profile
                union all
                select person_id, 'region ' || region from dim_person_profile where region <> 'unknown'
            ), sizes as (
                select name, count(*) as people from groups semi join agreed using (person_id)
                group by name having count(*) >= {smallest} order by people desc, name limit {MOST_SEGMENTS}
            )
            select person_id, name
            from groups join sizes using (name)
            join (select person_id from agreed where profiling) using (person_id)
            qualify row_number() over (
                partition by person_id order by name like 'region %', people, name
            ) = 1
        """)
        rows = connection.execute("select distinct name from groups_of_people order by name").fetchall()
        names = tuple(name for (name,) in rows)
        codes = pa.table({"name": pa.array(names, pa.string()), "code": np.arange(1, len(names) + 1, dtype="u2")})
        connection.register("segment_codes", codes)
        connection.execute(
            "create or replace temp view in_segments as "
            "select person_id, code from groups_of_people join segment_codes using (name)"
        )
        return cls(names)
