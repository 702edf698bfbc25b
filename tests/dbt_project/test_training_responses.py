"""What the responses hold, computed by hand from a tiny lake; and that no feature knows what came later."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest

from contracts.tables.activation import OUTCOMES
from dbt_project.build import variables
from dbt_project.runner.command import DbtCommand
from tests.dbt_project.tiny_lake import TinyHome, at

THURSDAY, NEXT_THURSDAY = "2026-11-19", "2026-11-26"
LABELS = ("clicked", "purchased", "churned", "order_value")


@dataclass(frozen=True)
class Weeks:
    """Two runs a week apart: Ann is mailed, Ben never agreed to that, Cleo was first seen on the first run's day."""

    first: list[dict]
    second: list[dict]
    """What is learned from."""
    first_coming: list[dict]
    second_coming: list[dict]
    """What is scored."""


@pytest.fixture(scope="module")
def weeks(new_home) -> Weeks:
    home: TinyHome = new_home()
    people = {"ann": ["account:ann", "cookie:ann"], "ben": ["account:ben"], "cleo": ["account:cleo"]}
    home.deliver_persons(THURSDAY, people)
    home.deliver("items", THURSDAY, [{"item_id": "i1", "title": "Shoe", "category": "running", "price": 50}])
    home.deliver(
        "events",
        "2026-11-12",
        [
            act("e1", "cookie:ann", "2026-10-20 10:00", "view", item_id="i1", device="mobile"),
            act("e2", "cookie:ann", "2026-11-12 10:00", "view", item_id="i1", campaign="spring", session_id="s1"),
            act("e3", "account:ben", "2026-11-12 10:00", "view", item_id="i1", campaign="spring", session_id="s2"),
        ],
    )
    home.deliver(
        "events",
        THURSDAY,
        [
            # Ann comes from a mail, logs in and buys.
            act("e4", "cookie:ann", "2026-11-17 10:00", "view", item_id="i1", campaign="spring", session_id="s3"),
            act("e5", "account:ann", "2026-11-17 10:05", "purchase", item_id="i1", value=50.25, session_id="s4"),
            act("e6", "account:cleo", "2026-11-19 10:00", "view", item_id="i1", session_id="s5"),
        ],
    )
    home.deliver(
        "consents",
        THURSDAY,
        [
            agreed("c1", "account:ann", "marketing_contact"),
            agreed("c2", "account:ann", "training"),
            agreed("c3", "account:cleo", "marketing_contact"),
            agreed("c4", "account:ben", "training"),
            agreed("c5", "account:ann", "profiling"),
            agreed("c6", "account:ann", "personalisation"),
            agreed("c7", "account:cleo", "personalisation"),
        ],
    )
    first, first_coming = responses(home, THURSDAY)

    home.deliver_persons(NEXT_THURSDAY, people)
    home.deliver(
        "events",
        NEXT_THURSDAY,
        [
            # Long ago, but it arrives only now.
            act("e7", "cookie:ann", "2026-10-10 10:00", "cart", item_id="i1", device="desktop"),
            act("e8", "cookie:ann", "2026-10-10 10:01", "cart", item_id="i1", device="desktop"),
            act("e9", "account:ann", "2026-11-25 10:00", "purchase", item_id="i1", value=9.5, session_id="s6"),
            act("e10", "account:ben", "2026-11-25 10:00", "view", item_id="i1", campaign="spring", session_id="s7"),
            # What she had got by mail two days before.
            act("e11", "cookie:ann", "2026-11-21 10:00", "view", item_id="i1", campaign="winter", session_id="s8"),
        ],
    )
    home.deliver(
        "answers",
        NEXT_THURSDAY,
        [
            {
                "answer_id": "a1",
                "identifier": "account:ann",
                "survey": "customer_survey",
                "question": "Q2_gender",
                "answer": "Female",
                "occurred_at": at("2026-11-10 10:00"),
            }
        ],
    )
    # The mail service's log is late: Ann's message arrived, and Cleo's, who lets no model learn.
    books = {"campaign": "winter_letter", "channel": "mail", "sends": "winter", "definition": "x", "considered": 2}
    home.deliver("plan_books", THURSDAY, [books | dict.fromkeys(OUTCOMES, 0) | {"cost": 0.0}])
    home.deliver("sends", NEXT_THURSDAY, [sent("ann"), sent("cleo"), sent("ben") | {"status": "dropped"}])
    second, second_coming = responses(home, NEXT_THURSDAY)
    return Weeks(first, second, first_coming, second_coming)


def responses(home: TinyHome, ds: str) -> Iterator[list[dict]]:
    """The rows of both tables of responses; of all models, only those that they are made of are run."""
    selected = ("--select", "+training_responses", "+scoring_responses")
    without_tests = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    dbt = DbtCommand(home.settings.home.dbt)
    done = dbt.run("build", variables(home.settings, ds), *selected, *without_tests)
    assert done.returncode == 0, done.stdout
    with duckdb.connect(str(home.settings.home.warehouse), read_only=True) as connection:
        for table in ("training_responses", "scoring_responses"):
            yield connection.sql(f"select * from {table}").to_arrow_table().to_pylist()


def act(event_id, identifier, occurred_at, action, **more):
    return {"event_id": event_id, "identifier": identifier, "occurred_at": at(occurred_at), "action": action, **more}


def agreed(consent_id, identifier, purpose):
    return {
        "consent_id": consent_id,
        "identifier": identifier,
        "purpose": purpose,
        "granted": True,
        "occurred_at": at("2026-11-01 10:00"),
    }


def sent(name):
    return {
        "send_id": f"d-{name}",
        "identifier": f"account:{name}",
        "message_id": f"m-{name}",
        "campaign": "winter_letter",
        "channel": "mail",
        "status": "delivered",
        "permanent": False,
        "by_machine": False,
        "occurred_at": at("2026-11-19 06:00"),
    }


def row(rows, person_id, sent_on, campaign="spring"):
    key = (person_id, datetime.date.fromisoformat(sent_on), campaign)
    (found,) = [row for row in rows if (row["person_id"], row["sent_on"], row["campaign"]) == key]
    return found


def test_a_row_stands_for_who_could_be_reached_in_a_week_with_a_campaign(weeks):
    # Nothing of Ann had arrived before 6 November, and spring brought nobody before 12 November.
    def keys(rows: list[dict]) -> set[tuple[str, str, str]]:
        return {(row["person_id"], row["campaign"], str(row["sent_on"])) for row in rows}

    assert keys(weeks.first) == {("ann", "spring", "2026-11-13")}
    assert keys(weeks.first_coming) == {("ann", "spring", "2026-11-20"), ("cleo", "spring", "2026-11-20")}
    # Cleo agrees to be scored, but not that a model learns from her.
    assert {person for person, _, _ in keys(weeks.second)} == {"ann"}


def test_a_purchase_after_a_login_belongs_to_the_visit_that_the_campaign_brought(weeks):
    ann = row(weeks.first, "ann", "2026-11-13")
    assert (ann["clicked"], ann["purchased"], ann["order_value"]) == (True, True, 50.25)


def test_where_a_log_says_who_was_sent_what_they_are_the_rows(weeks):
    """The log speaks of winter in the week of the 13th: its row is Ann's message, and her visit two days later a click.
    Of the week of the visit there is no log, so that everybody who could have been reached counts as reached."""
    ann = row(weeks.second, "ann", "2026-11-13", "winter")
    assert (ann["treatment"], ann["clicked"], ann["purchased"], ann["order_value"]) == ("sent", True, False, 0.0)
    assert row(weeks.second, "ann", "2026-11-20", "winter")["treatment"] == "assumed"
    assert {one["treatment"] for one in weeks.second if one["campaign"] == "spring"} == {"assumed"}
    assert {one["campaign"] for one in weeks.first} == {"spring"}


def test_only_what_is_over_has_a_label(weeks):
    assert row(weeks.first, "ann", "2026-11-13")["churned"] is None
    assert row(weeks.second, "ann", "2026-11-13")["churned"] is False
    for rows in (weeks.first_coming, weeks.second_coming):
        assert rows
        assert not set(LABELS) & set(rows[0])


def test_features_are_counted_on_the_eve(weeks):
    ann = row(weeks.first, "ann", "2026-11-13")
    assert {name: ann[name] for name in ann if name not in LABELS} == {
        "person_id": "ann",
        "campaign": "spring",
        "sent_on": datetime.date(2026, 11, 13),
        "treatment": "assumed",
        "age_band": "unknown",
        "gender": "unknown",
        "region": "unknown",
        "main_device": "mobile",
        "favourite_category": "running",
        "recency_days": 0,
        "tenure_days": 23,
        "acts_7_days": 1,
        "acts_28_days": 2,
        "carts": 0,
        "purchases": 0,
        "monetary": 0.0,
        "weekend_share": 0.0,
        "campaign_visits": 1,
        "same_campaign_visits": 1,
    }


def test_what_happens_or_arrives_later_changes_no_feature(weeks):
    before, after = row(weeks.first_coming, "ann", "2026-11-20"), row(weeks.second, "ann", "2026-11-20")
    assert before == {name: after[name] for name in after if name not in (*LABELS, "treatment")}


def test_what_arrived_counts_from_the_next_week_on(weeks):
    coming = row(weeks.second_coming, "ann", "2026-11-27")
    assert (coming["carts"], coming["main_device"], coming["gender"]) == (2, "desktop", "female")
    assert (coming["purchases"], coming["monetary"], coming["tenure_days"]) == (2, 59.75, 47)
