"""Which decision on a purpose holds is stated in SQL for the marts and in Python for exports: both say the same."""

from __future__ import annotations

import datetime
import random

import duckdb
import pandas as pd

from contracts.tables.vocabulary import PURPOSES
from dbt_project.build import variables
from dbt_project.runner.command import DbtCommand
from lake_tables.consent import refused_identifiers
from tests.dbt_project.tiny_lake import at

DAY = "2026-11-20"
PEOPLE = {f"p{number}": [f"cookie:{number}", f"account:{number}"] for number in range(40)}


def random_decisions() -> list[dict]:
    """Decisions of few moments, so that many of a person are at the same one."""
    chance = random.Random(13)
    return [
        {
            "consent_id": f"c{number}",
            "identifier": chance.choice(PEOPLE[chance.choice(list(PEOPLE))]),
            "purpose": chance.choice(PURPOSES),
            "granted": chance.random() < 0.6,
            "occurred_at": at("2026-11-19 10:00") + datetime.timedelta(hours=chance.randrange(5)),
        }
        for number in range(600)
    ]


def holding(decisions: list[dict], person: str, purpose: str) -> bool | None:
    """By hand: all decisions at the latest moment have to be a grant."""
    own = [one for one in decisions if one["identifier"] in PEOPLE[person] and one["purpose"] == purpose]
    latest = max((one["occurred_at"] for one in own), default=None)
    return all(one["granted"] for one in own if one["occurred_at"] == latest) if own else None


def test_sql_and_python_choose_the_same_decision(new_home):
    home, decisions = new_home(), random_decisions()
    home.deliver_persons(DAY, PEOPLE)
    home.deliver("consents", DAY, decisions)
    expected = {(person, purpose): holding(decisions, person, purpose) for person in PEOPLE for purpose in PURPOSES}
    assert {True, False} <= set(expected.values())

    dbt = DbtCommand(home.settings.home.dbt)
    done = dbt.run("run", variables(home.settings, DAY), "--select", "+int_consents__decided")
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(home.settings.home.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute("select * from int_consents__decided").df().to_dict("records")
    in_sql = {(row["person_id"], purpose) for row in rows for purpose in PURPOSES if row[f"consent_{purpose}"]}
    assert in_sql == {pair for pair, granted in expected.items() if granted}

    owners = pd.Series({identifier: person for person, identifiers in PEOPLE.items() for identifier in identifiers})
    refused = refused_identifiers(pd.DataFrame(decisions), owners)
    in_python = {(owners[one.identifier], one.purpose) for one in refused.itertuples()}
    assert in_python == {pair for pair, granted in expected.items() if granted is False}
