"""What a night's measuring costs: a million people, five campaigns with experiments and a global holdout, 28 days on.

The lake is written by DuckDB: three acts in ten people and day over the 28 days of the experiments and the 28 before,
scores of ten items for everybody on the day before, and responses to two campaigns a week and two weeks before. Then
`activation.measure` runs as a command.

    python -m bench.measure [--people 1000000]
"""

from __future__ import annotations

import argparse
import datetime
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bench import result
from bench.steps import command_of, measured, new_home
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake

DS = datetime.date(2026, 11, 20)
WINDOW, BEFORE = 28, 28
CAMPAIGNS = 5
ACTS_A_PERSON_AND_DAY = 0.3
ITEMS = 10_000

_PERSON = "printf('p%016x', hash(n))"
_PEOPLE = "range({people}) as people(n)"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.measure", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=1_000_000, help="default %(default)s")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: run(chosen.people))


def run(people: int) -> None:
    """Write the lake below a folder for temporary files, measure, and remove it."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        lake = Lake(new_home(home).home.lake)
        write_lake(lake, people)
        campaigns = home / "campaigns"
        campaigns.mkdir()
        for number in range(CAMPAIGNS):
            text = f"name: letter_{number}\nexperiment: {{holdout: 0.1, days: {WINDOW}}}\n"
            (campaigns / f"letter_{number}.yml").write_text(text)
        policy = home / "policy.yml"
        policy.write_text("global_holdout: {share: 0.05, days: 28}\n")
        settings = {"NIGHTSHIFT_CAMPAIGNS": str(campaigns), "NIGHTSHIFT_POLICY": str(policy)}
        found = measured(command_of("measure", DS.isoformat()), home, settings)
        acts = int(people * ACTS_A_PERSON_AND_DAY) * (WINDOW + BEFORE)
        result.write({"bench": "measure", "people": people, "experiments": CAMPAIGNS + 1, "acts": acts, **found})
        shutil.rmtree(home)


def write_lake(lake: Lake, people: int) -> None:
    """Every table that the command reads."""
    everybody = _PEOPLE.format(people=people)
    yesterday = DS - datetime.timedelta(days=1)
    drawn = DS - datetime.timedelta(days=WINDOW)
    experiments = ", ".join(f"('{name}')" for name in ("global", *(f"letter_{one}" for one in range(CAMPAIGNS))))
    _publish(
        lake,
        "persons",
        DS,
        f"select 'account:' || md5('a' || n) as identifier, {_PERSON} as person_id from {everybody}",
    )
    _publish(
        lake,
        "assignments",
        yesterday,
        f"""
        select {_PERSON} as person_id, experiment, experiment as salt, 'account:' || md5('a' || n) as identifier,
               case when hash(n, experiment) % 100 < (case when experiment = 'global' then 5 else 10 end)
                    then 'holdout' else 'treated' end as arm,
               case when n % 5 = 0 then date '{drawn}' + (n % {WINDOW})::int else date '{drawn}' end as since,
               false as moved, n % 100 = 0 as left_out
        from {everybody}, (values {experiments}) as e(experiment)
        """,
    )
    for back in range(WINDOW + BEFORE):
        day = DS - datetime.timedelta(days=back)
        _publish(
            lake,
            "fct_interactions",
            day,
            f"""
            select md5('{day}' || k) as event_id,
                   printf('p%016x', hash((hash(k, {back}) % {people})::bigint)) as person_id,
                   'i' || hash(k, {back}, 'item') % {ITEMS} as item_id, 'shoes' as category,
                   timestamptz '{day} 12:00:00+00' as occurred_at, date '{day}' as known_on,
                   case when k % 20 = 0 then 'purchase' else 'view' end as action, 1.0::double as weight,
                   case when k % 20 = 0 then 20.0 + k % 50 end::double as value
            from range({int(people * ACTS_A_PERSON_AND_DAY)}) as acts(k)
            """,
        )
    items = f"""
        select 'i' || k as item_id, 'title ' || k as title, 'shoes' as category, true as available,
               (1000000 // (k + 1))::bigint as interactions
        from range({ITEMS}) as items(k)
    """
    for day in (yesterday, DS):
        _publish(lake, "dim_item", day, items)
    _publish(
        lake,
        "dim_person_consent",
        DS,
        f"select {_PERSON} as person_id, true as consent_personalisation from {everybody}",
    )
    profiles = f"select {_PERSON} as person_id, [{{'category': 'shoes', 'weight': 1.0}}] as interests from {everybody}"
    _publish(lake, "dim_person_profile", DS, profiles)
    _publish(
        lake,
        "scores",
        yesterday,
        f"""
        select {_PERSON} as person_id, place::int as rank, 'i' || hash(n, place) % {ITEMS} as item_id,
               1.0 / place as score, 'next_item/1' as model_version
        from {everybody}, range(1, 11) as places(place)
        """,
    )
    _publish(
        lake,
        "scoring_sequences",
        yesterday,
        f"""
        select {_PERSON} as person_id, ['i' || hash(n, k, 'seen') % {ITEMS} for k in range(15)] as item_ids
        from {everybody}
        """,
    )
    for weeks in (1, 2):
        chances = f"""
            select {_PERSON} as person_id, campaign, hash(n, campaign) % 1000 / 1000 as click_chance,
                   hash(n, campaign) % 1000 / 5000 as purchase_chance, hash(n) % 1000 / 1000 as leave_chance,
                   'response/1' as model_version
            from {everybody}, (values ('autumn'), ('winter')) as c(campaign)
        """
        scored_on = DS - datetime.timedelta(days=7 * weeks)
        _publish(lake, "responses", scored_on, chances)
        _publish(
            lake, "predictions", scored_on, f"select person_id, leave_chance from ({chances}) where campaign = 'autumn'"
        )
    _publish(
        lake,
        "training_responses",
        DS,
        f"""
        select {_PERSON} as person_id, campaign, date '{DS}' - (7 * weeks - 1)::int as sent_on,
               hash(n, campaign, 'click') % 10 = 0 as clicked, hash(n, campaign, 'click') % 100 = 0 as purchased,
               case when weeks = 2 then hash(n, 'churned') % 2 = 0 end as churned
        from {everybody}, (values ('autumn'), ('winter')) as c(campaign), range(1, 3) as w(weeks)
        """,
    )
    _publish(
        lake,
        "consents",
        DS,
        f"""
        select md5('c' || n) as consent_id, 'web' as source, 'account:' || md5('a' || n) as identifier,
               'marketing_contact' as purpose, false as granted, timestamptz '{DS} 10:00:00+00' as occurred_at
        from {everybody} where n % 100 = 3
        """,
    )


def _publish(lake: Lake, table: str, day: datetime.date, query: str) -> None:
    file = lake.staging("bench") / f"{table}.parquet"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"copy ({query} order by all) to '{file}' (format parquet)")
    lake.publish(table, day.isoformat(), {file.name: file})


if __name__ == "__main__":
    main()
