"""A lake of many days, as mapping and resolving would leave it, written by DuckDB in seconds.

A fifth of the people come on a day, each for one visit of as many acts as it takes; each has `ITEMS_OF_A_PERSON` items
that the acts go to, the first of them most. One event in a hundred arrives up to a week late, one in two hundred once
more on the next day. On the first days everybody decides on the four purposes, and on every day a few decide anew. The
catalogue comes on the first day; of each later day a hundredth of it, with other prices.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import duckdb

from contracts.lake import Lake
from contracts.tables import TABLES

ACTIVE_SHARE = 0.2
ITEMS_OF_A_PERSON = 20
FIRST_DAYS = 5
MERGED_A_DAY = 0.001
"""Share of the people who turn out to be another one on a day."""

_MACROS = """
    create macro person_of(day, visit) as hash(day, visit, 'person') % {people};
    create macro account(person) as 'account:' || md5('account' || person);
    create macro cookie(person) as 'cookie:' || md5('cookie' || person);
    create macro has_account(person) as hash(person, 'account') % 10 < 4;
    create macro chance(day, number, what) as hash(day, number, what) % 1000;
"""

_ACTS = """
    select
        md5(day || ' ' || number) as event_id,
        'shop' as source,
        case when has_account(person) and number % {acts} >= {acts} // 2 then account(person) else cookie(person) end
            as identifier,
        (day - case when chance(day, visit, 'late') < 10 then to_days((1 + chance(day, visit, 'days') % 7)::int)
                    else to_days(0) end
            + to_seconds((hash(day, visit, 'second') % (86400 - 60 * {acts}) + number % {acts} * 60)::bigint)
        )::timestamp as occurred_at,
        case
            when kind < 450 then 'view' when kind < 520 then 'cart' when kind < 550 then 'purchase'
            when kind < 570 then 'rate' when kind < 575 then 'return' when kind < 675 then 'search'
            when kind < 690 then 'post' else 'visit'
        end as action,
        case when kind < 575 then 'i-' || hash(person, chosen) % {items} end as item_id,
        null::varchar as category,
        case when kind >= 520 and kind < 550 or kind >= 570 and kind < 575 then (chance(day, number, 'value') + 5) / 2
             when kind >= 550 and kind < 570 then chance(day, number, 'stars') % 11 end::double as value,
        md5('session' || day || visit) as session_id,
        case when kind >= 575 and kind < 690 then ['blue', 'jazz', 'word' || chance(day, number, 'word')] end as topics,
        case when number % {acts} = 0 and chance(day, visit, 'campaign') < 200 then 'autumn-' || visit % 7 end
            as campaign,
        ['desktop', 'mobile', 'mobile', 'tablet', null][(person % 5 + 1)::int] as device,
        null::varchar as order_id,
        null::double as quantity,
        case when chance(day, number, 'currency') < 10 then 'GBP' end as currency
    from (
        select *, person_of(day, visit) as person, chance(day, number, 'kind') as kind,
            floor({of_a_person} * pow(chance(day, number, 'item') / 1000, 2))::int as chosen
        from (
            select date '{day}' as day, number, number // {acts} as visit from range({events}) as numbers(number)
            union all
            select date '{before}', number, number // {acts} from range({events}) as numbers(number)
            where {again} and hash(number, 'again') % 200 = 0
        )
    )
"""

_CONSENTS = """
    select md5('consent' || '{day}' || person || purpose) as consent_id, 'shop' as source, cookie(person) as identifier,
        purpose, hash(person, purpose, '{day}') % 10 < share as granted, date '{day}' + interval 1 hour as occurred_at
    from range({people}) as people(person),
        (values ('profiling', 8), ('training', 7), ('personalisation', 7), ('marketing_contact', 3))
            as of(purpose, share)
    where case when {first} then person % {first_days} = {number} else hash(person, '{day}') % 1000 < 2 end
"""

_EDGES = """
    select distinct md5('edge' || '{day}' || visit) as edge_id, 'shop' as source, cookie(person) as left_identifier,
        account(person) as right_identifier, case when visit % 20 = 0 then 'email_click' else 'login' end as kind,
        date '{day}' + interval 2 hour as occurred_at
    from (select visit, person_of(date '{day}', visit) as person from range({events} // {acts}) as visits(visit))
    where has_account(person)
"""

_ANSWERS = """
    select md5('answer' || person || question) as answer_id, 'survey' as source, cookie(person) as identifier,
        'customer_survey' as survey, question, answer, date '{day}' + interval 3 hour as occurred_at
    from range({people}) as people(person),
        (values ('Q1_age', '25-34'), ('Q2_gender', 'Female'), ('Q3_region', 'North')) as of(question, answer)
    where {first} and person % {first_days} = {number} and hash(person, 'answers') % 10 = 0
"""

_ITEMS = """
    select 'i-' || item as item_id, 'shop' as source, 'Thing ' || item as title, 'category-' || item % 40 as category,
        null::varchar[] as categories, (hash(item, '{day}') % 20000 / 100)::double as price, null::varchar as picture,
        null::boolean as available, null::boolean as in_stock, null::date as available_from,
        null::date as available_until, null::varchar as brand, null::double as margin
    from range({items}) as items(item)
    where {is_start} or hash(item, '{day}') % 100 = 0
"""

_RATES = "select 'GBP' as currency, 'bank' as source, date '{day}' as rated_on, 1.15 + {number} / 1000 as rate"

_BOOKS = """
    select 'shop' as source, outcome, '' as rule, {events} as rows, 'row' as unit
    from (values ('read'), ('mapped')) as of(outcome)
"""

_PERSONS = """
    select identifier, date '{start}' as first_ds,
        'p' || left(md5('person' || case when person % {merged} = 0 then person + 1 else person end), 16) as person_id
    from (
        select person, cookie(person) as identifier from range({people}) as people(person)
        union all
        select person, account(person) from range({people}) as people(person)
    )
"""

_QUERIES = {
    "events": _ACTS,
    "consents": _CONSENTS,
    "identity_edges": _EDGES,
    "answers": _ANSWERS,
    "items": _ITEMS,
    "exchange_rates": _RATES,
    "reconciliation": _BOOKS,
}


@dataclass(frozen=True)
class LakeOfDays:
    """So many days of history and one day more."""

    lake: Lake
    last: str
    """The last day; the history ends on the day before."""
    people: int
    events_a_day: int
    history_days: int
    items: int

    @property
    def days(self) -> list[str]:
        last = datetime.date.fromisoformat(self.last)
        return [str(last - datetime.timedelta(days=age)) for age in range(self.history_days, -1, -1)]

    def deliver_history(self, *, persons: bool = True) -> None:
        """Write all days but the last, and who is who on the last of them, unless that is left to `resolve`."""
        with self._connected() as connection:
            for day in self.days[:-1]:
                self._deliver(connection, day)
            if persons:
                self._deliver_persons(connection, self.days[-2])

    def deliver_last_day(self, *, persons: bool = True) -> None:
        """Write the last day, on which, unless that is left to `resolve`, some people turn out to be others."""
        with self._connected() as connection:
            self._deliver(connection, self.last)
            if persons:
                self._deliver_persons(connection, self.last, merged=int(1 / MERGED_A_DAY))

    def _connected(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        for macro in filter(str.strip, _MACROS.format(people=self.people).split(";")):
            connection.execute(macro)
        return connection

    def _deliver(self, connection: duckdb.DuckDBPyConnection, day: str) -> None:
        number = self.days.index(day)
        values = {
            "day": day,
            "before": self.days[max(0, number - 1)],
            "again": number > 0,
            "number": number,
            "is_start": number == 0,
            "first": number < FIRST_DAYS,
            "first_days": FIRST_DAYS,
            "people": self.people,
            "events": self.events_a_day,
            "acts": max(2, round(self.events_a_day / (ACTIVE_SHARE * self.people))),
            "items": self.items,
            "of_a_person": ITEMS_OF_A_PERSON,
        }
        for table, query in _QUERIES.items():
            self._publish(connection, table, day, query.format(**values))

    def _deliver_persons(self, connection: duckdb.DuckDBPyConnection, day: str, *, merged: int = 1 << 40) -> None:
        query = _PERSONS.format(people=self.people, merged=merged, start=self.days[0])
        self._publish(connection, "persons", day, query)

    def _publish(self, connection: duckdb.DuckDBPyConnection, table: str, day: str, query: str) -> None:
        file = self.lake.staging("bench") / "part-00000.parquet"
        columns = ", ".join(TABLES[table].column_names)
        order = ", ".join(TABLES[table].key)
        connection.execute(f"copy (select {columns} from ({query}) order by {order}) to '{file}' (format parquet)")
        self.lake.publish(table, day, {file.name: file})
