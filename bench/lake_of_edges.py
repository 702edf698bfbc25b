"""A lake of identity edges, as mapping would leave it, written by DuckDB in seconds.

People have a mail address, an account, cookies and at times a handle, five edges each, and there is one cookie on which
as many mails were clicked as `hub` says: a library's computer, a robot that follows links, or an attack. All arrives on
the first day but the edges of the next night: a third known accounts on new cookies, a third new people, a third known
cookies on which another account logs in.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from contracts.lake import Lake
from contracts.tables.resolved import IDENTITY_EDGES_KNOWN

DAYS = ("2026-11-18", "2026-11-19")
EDGES_A_PERSON = 5

# one row an edge, five a person: mail address, three cookies, and a handle or a fourth cookie
_PEOPLE = """
    select case place when 0 then 'email:' || md5('e' || person) when 4 then 'handle:' || md5('h' || person)
           else 'cookie:' || md5('c' || person || ' ' || place) end as left_identifier,
           'account:' || md5('a' || person) as right_identifier,
           case place when 0 then 'account_email' when 4 then 'verified_link' else 'login' end as kind
    from range({people}) as people(person), range(5) as places(place)
"""
_HUB = """
    select 'email:' || md5('e' || person) as left_identifier, 'cookie:' || md5('hub') as right_identifier,
           'email_click' as kind
    from range({hub}) as people(person)
"""
_NIGHT = """
    select case edge % 3 when 2 then 'cookie:' || md5('c' || (edge * 7 % {people}) || ' 1')
           else 'cookie:' || md5('night' || edge) end as left_identifier,
           'account:' || case edge % 3 when 1 then md5('new' || edge) else md5('a' || (edge * 11 % {people})) end
           as right_identifier,
           'login' as kind
    from range({night}) as edges(edge)
"""
_ROWS = """
    copy (
        select md5('{day}' || row_number() over ()) as edge_id, 'bench' as source, left_identifier, right_identifier,
               kind, timestamptz '{day} 08:00:00+00' + to_seconds(row_number() over () % 3600) as occurred_at
        from ({edges})
    ) to '{file}' (format parquet)
"""


@dataclass(frozen=True)
class LakeOfEdges:
    """Two days."""

    lake: Lake
    edges: int
    """Of the first day."""
    hub: int
    """Of these, those of the hot cookie."""
    night: int
    """Of the second day."""

    @property
    def people(self) -> int:
        return (self.edges - self.hub) // EDGES_A_PERSON

    def deliver_first_day(self) -> None:
        self._deliver(DAYS[0], f"{_PEOPLE} union all {_HUB}".format(people=self.people, hub=self.hub))

    def deliver_next_day(self) -> None:
        self._deliver(DAYS[1], _NIGHT.format(people=self.people, night=self.night))

    def _deliver(self, ds: str, edges: str) -> None:
        """Publish edges as if they had been mapped, and the books without which nothing is resolved."""
        staging = self.lake.staging("bench")
        with duckdb.connect() as database:
            database.execute("set timezone = 'UTC'")
            database.execute(_ROWS.format(day=ds, edges=edges, file=staging / "edges.parquet"))
            books = "select 'bench' as source, 'read' as outcome, null::varchar as rule, 0::bigint as rows"
            database.execute(f"copy ({books}) to '{staging / 'books.parquet'}' (format parquet)")
        self.lake.publish("identity_edges", ds, {"bench-00000.parquet": staging / "edges.parquet"})
        self.lake.publish("reconciliation", ds, {"bench-00000.parquet": staging / "books.parquet"})

    def contents(self, ds: str) -> dict[str, tuple]:
        """Rows, and hashes of them that no order matters to, of what a day published."""
        found = {}
        with duckdb.connect() as database:
            for table, columns in (
                ("persons", "person_id, identifier, first_ds"),
                ("identity_edges_known", f"cluster, {', '.join(IDENTITY_EDGES_KNOWN.key)}, times, first_time, refused"),
            ):
                first, *_ = columns.split(",")
                found[table] = database.execute(
                    f"select count(*), count(distinct {first}), bit_xor(hash({columns})), sum(hash({columns})) "
                    f"from '{self.lake.partition(table, ds)}/*.parquet'"
                ).fetchone()
        return found
