"""What is learned from experiments, computed by hand from a tiny lake."""

from __future__ import annotations

import datetime

import duckdb
import pytest

from dbt_project.build import variables
from dbt_project.runner.command import DbtCommand
from tests.dbt_project.tiny_lake import TinyHome, at

ENTERED, BEFORE, DS = "2026-11-12", "2026-11-18", "2026-11-19"
"""The first night of the experiment, the latest night with arms, the night that learns."""


@pytest.fixture(scope="module")
def rows(new_home) -> list[dict]:
    """Ann is sent to, Ben is held out, Cleo does not agree to training; the window is 13 to 19 November."""
    home: TinyHome = new_home()
    home.deliver_persons(DS, {"ann": ["account:ann", "cookie:ann"], "ben": ["account:ben"], "cleo": ["account:cleo"]})
    home.deliver("items", ENTERED, [{"item_id": "i1", "title": "Shoe", "category": "running", "price": 50}])
    home.deliver(
        "events",
        ENTERED,
        [
            act("e1", "cookie:ann", "2026-10-20 10:00", "view", item_id="i1", device="mobile", session_id="s1"),
            act("e2", "cookie:ann", "2026-11-10 10:00", "cart", item_id="i1", device="mobile", campaign="spring"),
            act("e3", "account:ben", "2026-11-12 10:00", "purchase", item_id="i1", value=20.0, session_id="s3"),
        ],
    )
    home.deliver(
        "events",
        DS,
        [
            # Before the window, but known only after it; then in the window, then after it.
            act("e4", "cookie:ann", "2026-11-11 10:00", "cart", item_id="i1", device="desktop"),
            act("e5", "account:ann", "2026-11-13 00:30", "purchase", item_id="i1", value=50.25, session_id="s4"),
            act("e6", "account:ann", "2026-11-19 10:00", "purchase", item_id="i1", value=9.5, session_id="s5"),
        ],
    )
    home.deliver(
        "consents",
        DS,
        [
            {
                "consent_id": f"{purpose} {person}",
                "identifier": f"account:{person}",
                "purpose": purpose,
                "granted": True,
                "occurred_at": at("2026-11-01 10:00"),
            }
            for person in ("ann", "ben", "cleo")
            for purpose in ("marketing_contact", "training", "personalisation")
            if (person, purpose) != ("cleo", "training")
        ],
    )
    # An earlier night had another arm for Ann: the latest holds.
    home.deliver("assignments", "2026-11-17", [assigned("ann", "cookie:ann", "holdout")])
    home.deliver(
        "assignments",
        BEFORE,
        [
            assigned("ann", "cookie:ann", "long"),
            assigned("ben", "account:ben", "holdout"),
            assigned("cleo", "account:cleo", "long"),
        ],
    )
    # Tonight's arms are drawn after the profiles.
    home.deliver("assignments", DS, [assigned("ann", "cookie:ann", "holdout")])
    without_tests = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    chosen = ("--select", "+training_uplift")
    done = DbtCommand(home.settings.home.dbt).run("build", variables(home.settings, DS), *chosen, *without_tests)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(home.settings.home.warehouse), read_only=True) as connection:
        return connection.sql("select * from training_uplift order by person_id").to_arrow_table().to_pylist()


def act(event_id, identifier, occurred_at, action, **more):
    return {"event_id": event_id, "identifier": identifier, "occurred_at": at(occurred_at), "action": action, **more}


def assigned(person: str, identifier: str, arm: str) -> dict:
    return {
        "person_id": person,
        "experiment": "letter",
        "salt": "letter",
        "identifier": identifier,
        "holdout_place": 0.5,
        "variant_place": 0.5,
        "arm": arm,
        "since": datetime.date.fromisoformat(ENTERED),
        "moved": False,
        "left_out": False,
    }


def test_everybody_counts_in_the_arm_of_the_lot(rows):
    found = [(row["person_id"], row["campaign"], str(row["sent_on"]), row["treated"]) for row in rows]
    assert found == [("ann", "letter", "2026-11-13", True), ("ben", "letter", "2026-11-13", False)]


def test_features_are_those_of_the_eve(rows):
    ann, ben = rows
    assert (ann["recency_days"], ann["tenure_days"], ann["acts_7_days"], ann["acts_28_days"]) == (2, 23, 1, 2)
    assert (ann["carts"], ann["purchases"], ann["monetary"], ann["main_device"]) == (1, 0, 0, "mobile")
    assert ann["favourite_category"] == "running"
    assert (ben["recency_days"], ben["purchases"], ben["monetary"]) == (0, 1, 20.0)


def test_outcomes_are_those_of_the_window(rows):
    ann, ben = rows
    assert (ann["visited"], ann["purchased"], ann["euros"]) == (True, True, 59.75)
    assert (ben["visited"], ben["purchased"], ben["euros"]) == (False, False, 0)
