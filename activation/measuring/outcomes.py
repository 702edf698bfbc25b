"""What each person did in the days that experiments look at: one row a person and day, in DuckDB.

Acts are those of `fct_interactions`, under the person as whom they were known when they arrived: what an identifier did
before it was known whose it is stays out. Otherwise who clicks a mail, and is recognised by that, would seem to have
done more even before it was sent. An act counts on the day on which it happened; one that arrives late counts from the
night on which it arrives.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from activation.experiments.experiment import HOLDOUT, Experiment
from activation.measuring.tables import rows_of
from contracts.lake import Lake
from contracts.settings import duckdb_config
from contracts.tables.activation import ASSIGNMENTS, ELIGIBLE
from contracts.tables.mapped import CONSENTS
from contracts.tables.marts import INTERACTIONS
from contracts.tables.resolved import IDENTITY_CHANGES, PERSONS
from lake_tables.arrow import arrow_schema
from lake_tables.consent import Consenting
from lake_tables.within_contract import read_within_contract

COVARIATES = ("visits_before", "purchases_before", "euros_before")
"""Of a person, in the days before: days with an act on an item, purchases, their euros."""

DAYS_BEFORE = 28

_ACTED = """
    create temp table acted as
    select
        person_id,
        cast(occurred_at as date) as day,
        count(*) filter (action = 'purchase') as purchases,
        coalesce(sum(value) filter (action = 'purchase'), 0) as euros
    from interactions
    where cast(occurred_at as date) between $first and $last
    group by all
"""
_WITHDREW = """
    create temp table withdrew as
    select distinct persons.person_id, cast(decisions.occurred_at as date) as day
    from decisions join persons using (identifier)
    where decisions.purpose = 'marketing_contact' and not decisions.granted
"""
_CHANGED = """
    create temp table changed as
    select former_person_id as person_id from changes
    union
    select changes.person_id
    from changes join assignments on changes.former_person_id = assignments.person_id
"""
_BEGAN = """
    with mine as (select since from assignments where experiment = $name and salt = $salt)
    select min(since), count(*) filter (since = (select min(since) from mine)) from mine
"""
_ELIGIBLE_SINCE = """
    select min(since), count(*) filter (since = $day) from eligible where experiment = $name and salt = $salt
"""
_NOT_ELIGIBLE = """
    delete from people where person_id not in (
        select person_id from eligible where experiment = $name and salt = $salt
    )
"""
_PEOPLE = """
    create or replace temp table people as
    select person_id, arm, since, left_out or person_id in (from changed) as left_out
    from assignments
    where experiment = $name and salt = $salt and person_id in (from agreed)
"""
_HELD_OUT_OF_ALL = f"""
    delete from people where person_id in (
        select person_id from assignments where experiment = $name and salt = $salt and arm = '{HOLDOUT}'
    )
"""
_VALUES = """
    with did as (
        select
            acted.person_id,
            count(*) filter (day > since) as visits,
            coalesce(sum(purchases) filter (day > since), 0) as purchases,
            coalesce(sum(euros) filter (day > since), 0) as euros,
            count(*) filter (day <= since) as visits_before,
            coalesce(sum(purchases) filter (day <= since), 0) as purchases_before,
            coalesce(sum(euros) filter (day <= since), 0) as euros_before
        from acted join people using (person_id)
        where day > since - $days_before and day <= $last
        group by acted.person_id
    ),
    refused as (
        select distinct withdrew.person_id
        from withdrew join people using (person_id)
        where day > since and day <= $last
    )
    select
        arm,
        left_out,
        $last - since as days,
        (coalesce(visits, 0) > 0)::double as visit,
        (coalesce(purchases, 0) > 0)::double as purchase,
        coalesce(did.euros, 0)::double as euros,
        (refused.person_id is not null)::double as unsubscribe,
        coalesce(visits_before, 0)::double as visits_before,
        coalesce(purchases_before, 0)::double as purchases_before,
        coalesce(euros_before, 0)::double as euros_before
    from people
    left join did using (person_id)
    left join refused using (person_id)
    where since < $last
    order by person_id
"""


@dataclass(frozen=True)
class Began:
    """How an experiment began."""

    day: datetime.date
    """On whose night the lot was drawn first; what people do counts from the day after."""
    people: int
    """Who were in it on that night, of those who still are."""
    of_eligible: bool = False
    """Whether it is known of everybody, since that night, whom the campaign could have written to on the first night in
    it: then it is about these alone, and so are `people`."""


class Outcomes:
    """What people did until a night, for experiments whose lot an earlier night has drawn; a context manager."""

    def __init__(self, lake: Lake, ds: str, assigned: str) -> None:
        """Read who is in which arm, of those who still agree to personalisation.

        Args:
            assigned: the latest night before `ds` that has assignments.

        Raises:
            LakeError: the marts of that day were not built.
        """
        self._lake, self._ds = lake, ds
        self._connection = duckdb.connect(config=duckdb_config())
        self._connection.execute("set TimeZone = 'UTC'")
        agreed = Consenting.read(lake, ds, "personalisation").people
        self._connection.register("agreed", pa.table({"person_id": pa.array(agreed, pa.string())}))
        self._connection.register("assignments", rows_of(lake, ASSIGNMENTS, [assigned]))
        self._connection.register("eligible", rows_of(lake, ELIGIBLE, [assigned]))
        changes = [day for day in lake.days(IDENTITY_CHANGES.name, until=ds) if day > assigned]
        self._connection.register("changes", rows_of(lake, IDENTITY_CHANGES, changes))
        self._connection.execute(_CHANGED)

    def __enter__(self) -> Outcomes:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def began(self, experiment: Experiment) -> Began | None:
        """How an experiment began; nothing of one whose lot no earlier night has drawn."""
        names = {"name": experiment.name, "salt": experiment.salt}
        ((day, people),) = self._connection.execute(_BEGAN, names).fetchall()
        if day is None:
            return None
        ((since, eligible),) = self._connection.execute(_ELIGIBLE_SINCE, {**names, "day": day}).fetchall()
        return Began(day, eligible, of_eligible=True) if since == day else Began(day, people)

    def read(self, first: datetime.date) -> None:
        """Read what everybody did from `DAYS_BEFORE` days before a day until the night, each file once."""
        first, last = first - datetime.timedelta(days=DAYS_BEFORE), datetime.date.fromisoformat(self._ds)
        arrived = [day for day in self._lake.days(INTERACTIONS.name, until=self._ds) if day >= first.isoformat()]
        self._connection.register("interactions", rows_of(self._lake, INTERACTIONS, arrived))
        self._connection.execute(_ACTED, {"first": first, "last": last})
        decided = [day for day in self._lake.days(CONSENTS.name, until=self._ds) if day >= first.isoformat()]
        self._connection.register("decisions", self._decisions(decided))
        self._lake.require(PERSONS.name, self._ds, made_by=f"spark_jobs/main.py resolve --ds {self._ds}")
        self._connection.register("persons", rows_of(self._lake, PERSONS, [self._ds]))
        self._connection.execute(_WITHDREW)

    def of(
        self, experiment: Experiment, began: Began, last: datetime.date, without: Experiment | None = None
    ) -> pa.Table:
        """One row a person of the experiment: arm, left_out, days, `LIFT_METRICS` and `COVARIATES`.

        Args:
            began: how the experiment did, which says whom it is about.
            last: the last day that counts.
            without: an experiment whose held-out people are in no arm, as they get nothing whatever the lot says.
        """
        self._connection.execute(_PEOPLE, {"name": experiment.name, "salt": experiment.salt})
        if began.of_eligible:
            self._connection.execute(_NOT_ELIGIBLE, {"name": experiment.name, "salt": experiment.salt})
        if without is not None:
            self._connection.execute(_HELD_OUT_OF_ALL, {"name": without.name, "salt": without.salt})
        days = {"last": last, "days_before": DAYS_BEFORE}
        return self._connection.sql(_VALUES, params=days).to_arrow_table()

    def _decisions(self, days: list[str]) -> pa.Table:
        columns = ["identifier", "purpose", "granted", "occurred_at"]
        if not days:
            return arrow_schema(CONSENTS).empty_table()
        return read_within_contract(self._lake, CONSENTS, days, columns)
