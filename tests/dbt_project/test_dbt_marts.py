"""What the marts hold, computed by hand from a tiny lake of two days; and that a day is a day, whatever came later."""

from __future__ import annotations

import datetime
import json
import math
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError
from contracts.settings import Settings
from contracts.tables.mapped import CONSENTS
from contracts.tables.marts import MART_TABLES
from dbt_project.build import build, variables
from dbt_project.runner.command import DbtCommand
from tests.dbt_project.tiny_lake import TinyHome, at
from tests.homes import copied_home

WEDNESDAY, THURSDAY, FRIDAY = "2026-11-18", "2026-11-19", "2026-11-20"
END_OF_FRIDAY = at("2026-11-21 00:00")
SECRET = "ann@example.org"
MARTS = [table.name for table in MART_TABLES]


@dataclass(frozen=True)
class Nights:
    """Thursday built with Thursday's data, Friday with all of it, then Thursday once more."""

    home: TinyHome
    thursday: dict[str, str]
    thursday_again: dict[str, str]
    thursday_report: dict[str, int]
    friday_report: dict[str, int]


@pytest.fixture(scope="module")
def nights(new_home) -> Nights:
    home: TinyHome = new_home()

    # Thursday: no answers and no media at all.
    home.deliver_persons(
        THURSDAY, {"ann": ["account:ann", "cookie:ann"], "bob": ["handle:bob"], "dan": ["account:dan", "email:dan"]}
    )
    socks = item("i2", "Socks", "running", 10) | {
        "available": False,
        "in_stock": False,
        "brand": "Alba",
        "margin": 0.25,
    }
    socks |= {"available_from": datetime.date(2026, 12, 1), "available_until": datetime.date(2999, 1, 1)}
    home.deliver("items", THURSDAY, [item("i1", "Shoe", "running", 100, "i1.png", "i1.wav"), socks])
    home.deliver("items", WEDNESDAY, [item("i3", " \u200b", "running", 5), item("i4", "Tent", "running", math.inf)])
    home.deliver(
        "events",
        THURSDAY,
        [
            event("e1", "cookie:ann", "2026-11-19 08:00", "view", item_id="i1", session_id="s1", device="mobile"),
            event(
                "e2", "cookie:ann", "2026-11-19 08:01", "view", item_id="i2", session_id="s1", campaign="newsletter-1"
            ),
            event("e3", "account:ann", "2026-10-22 00:00", "purchase", item_id="i1", value=100.10, device="desktop"),
            event("e4", "handle:bob", "2026-11-14 20:00", "post", topics=["jazz", "vinyl", "jazz", "nothing"]),
            event("e9", "account:dan", "2026-11-14 20:00", "view", item_id="i2"),
            # of a release before the contracts said what a value may be
            event("x1", "cookie:ann", "2026-11-19 08:00", "purchase", item_id="i1", value=-1.0, session_id="s1"),
            event("x2", "cookie:ann", "2026-11-19 08:00", "purchase", item_id="i1", value=math.nan),
            event("x3", "account:dan", "2026-11-19 08:00", "purchase", item_id="i1", value=1e300),
            event("x4", "account:dan", "2026-11-19 08:00", "rate", item_id="i1", value=95.0),
            event("x5", "handle:bob", "0001-01-01 00:00", "view", item_id="i1"),
            event("x6", "handle:bob", "9999-12-31 23:59", "view", item_id="i1"),
            event("x7", "handle:bob", "2026-11-19 08:00", "sneeze", item_id="i1"),
            event("x8", "handle:bob", "2026-11-19 08:00", "view", item_id="i" * 101),
            event(None, "handle:bob", "2026-11-19 08:00", "view", item_id="i1"),
        ],
    )
    home.deliver(
        "consents",
        THURSDAY,
        [
            consent("c1", "account:ann", "training", True, "2026-11-01 10:00"),
            consent("c2", "account:ann", "profiling", True, "2026-11-01 10:00"),
            consent("c3", "account:dan", "profiling", True, "2026-11-02 10:00"),
            consent("c4", "account:dan", "personalisation", True, "2026-11-20 00:00"),
            consent("x9", "handle:bob", "training", True, "1970-01-01 00:00"),
            consent("x10", "handle:bob", "selling", True, "2026-11-19 00:00"),
        ],
    )
    home.deliver(
        "identity_edges",
        THURSDAY,
        [
            {
                "edge_id": "g1",
                "left_identifier": "cookie:ann",
                "right_identifier": "account:ann",
                "kind": "email_click",
                "occurred_at": at("2026-11-19 08:00"),
            }
        ],
    )
    home.deliver("predictions", WEDNESDAY, [{**prediction("ann", 0.5), "leave_chance": math.nan}])
    build(home.settings, THURSDAY)
    thursday, thursday_report = home.digests(MARTS, THURSDAY), report_of(home, THURSDAY)

    # What Thursday's models said is for Friday to know, what Friday's say is not.
    home.deliver("predictions", THURSDAY, [prediction("ann", 0.1), prediction("bob", 0.2), prediction("dan", 0.3)])
    home.deliver("predictions", FRIDAY, [prediction("bob", 0.9)])
    home.deliver("person_words", THURSDAY, [words("bob", 0.5), words("cem", 0.5), words("dan", 1.0)])
    home.deliver("person_words", FRIDAY, [words("bob", 0.25)])

    # Friday: e2 comes again and is told differently, a cheaper shoe, a withdrawal, a survey.
    home.deliver_persons(
        FRIDAY,
        {
            "ann": ["account:ann", "cookie:ann"],
            "bob": ["handle:bob"],
            "cem": ["respondent:cem"],
            "dan": ["account:dan", "email:dan"],
            "eve": ["email:eve"],
        },
    )
    home.deliver("items", FRIDAY, [item("i1", "New shoe", "running", 90)])
    home.deliver(
        "events",
        FRIDAY,
        [
            event("e2", "cookie:ann", "2026-11-19 08:01", "view", item_id="i2", session_id="s1", campaign="other"),
            event("e5", "cookie:ann", "2026-11-20 12:00", "cart", item_id="i9", category="pets", device="mobile"),
            event("e6", "account:ann", "2026-11-20 13:00", "purchase", item_id="i2", value=10.20, device="desktop"),
            event("e7", "handle:bob", "2026-11-20 21:00", "rate", item_id="i1", value=7),
            event("e8", "cookie:ann", "2026-11-20 14:00", "view", item_id="i1", device="mobile"),
        ],
    )
    home.deliver(
        "consents",
        FRIDAY,
        [
            consent("c5", "cookie:ann", "training", False, "2026-11-02 10:00"),
            consent("c6", "cookie:ann", "personalisation", True, "2026-11-02 10:00"),
            consent("c7", "email:dan", "profiling", False, "2026-11-02 10:00"),
            consent("c8", "email:dan", "personalisation", False, "2026-11-20 00:00"),
            consent("c9", "handle:bob", "personalisation", True, "2026-11-02 10:00"),
            consent("c10", "handle:bob", "profiling", True, "2026-11-20 10:00"),
            consent("c11", "respondent:cem", "profiling", True, "2026-11-20 10:00"),
            consent("c12", "email:eve", "marketing_contact", True, "2026-11-20 10:00"),
        ],
    )
    home.deliver(
        "media", FRIDAY, [medium("m1", "account:dan"), medium("m2", "handle:bob"), medium("m3", "handle:bob", "audio")]
    )
    home.deliver(
        "answers",
        FRIDAY,
        [
            answer("respondent:cem", "customer_survey", "Q1_age", "25 - 34 years"),
            answer("respondent:cem", "customer_survey", "Q2_gender", "Male"),
            answer("respondent:cem", "customer_survey", "Q3_region", "North"),
            answer("handle:bob", "masculinity", "age3", "18 - 34"),
            answer("account:dan", "customer_survey", "Q3_region", "\u00a0"),
        ],
    )
    build(home.settings, FRIDAY)
    friday_report = report_of(home, FRIDAY)

    build(home.settings, THURSDAY)
    return Nights(home, thursday, home.digests(MARTS, THURSDAY), thursday_report, friday_report)


def event(event_id, identifier, occurred_at, action, **more):
    return {"event_id": event_id, "identifier": identifier, "occurred_at": at(occurred_at), "action": action, **more}


def item(item_id, title, category, price, picture=None, sound=None):
    files = {"picture": picture, "sound": sound}
    return {"item_id": item_id, "title": title, "category": category, "price": price, **files}


def medium(media_id, identifier, kind=None):
    return {
        "media_id": media_id,
        "identifier": identifier,
        "event_id": "e4",
        "kind": kind,
        "path": f"media/{media_id}.png",
        "occurred_at": at("2026-11-20 21:00"),
    }


def prediction(person_id, taste):
    return {
        "person_id": person_id,
        "taste_vector": [taste, -taste],
        "picture_interests": [{"category": "music", "weight": 1.0, "confidence": taste}],
        "sound_interests": [{"category": "pets", "weight": 1.0, "confidence": taste}],
    }


def words(person_id, number):
    return {
        "person_id": person_id,
        "texts": 3,
        "text_vector": [number, -number],
        "text_interests": [{"category": "music", "weight": 1.0, "confidence": number}],
        "text_model": "m",
    }


def consent(consent_id, identifier, purpose, granted, occurred_at):
    return {
        "consent_id": consent_id,
        "identifier": identifier,
        "purpose": purpose,
        "granted": granted,
        "occurred_at": at(occurred_at),
    }


def answer(identifier, survey, question, text):
    return {
        "answer_id": f"{identifier}-{question}",
        "identifier": identifier,
        "survey": survey,
        "question": question,
        "answer": text,
        "occurred_at": at("2026-11-20 09:00"),
    }


def interactions(home: TinyHome, until: str) -> list[dict]:
    """The rows of every day of arrival up to a day."""
    return [row for ds in home.lake.days("fct_interactions", until=until) for row in home.rows("fct_interactions", ds)]


def report_of(home: TinyHome, ds: str) -> dict[str, int]:
    fragment = json.loads((home.settings.home.reports / ds / "profile.json").read_text())
    return {name: value for name, value in fragment.items() if name not in ("seconds", "memory_gib")}


def decayed(weight: float, occurred_at: str) -> float:
    age_days = (END_OF_FRIDAY - at(occurred_at)) / datetime.timedelta(days=1)
    return weight * 0.5 ** (age_days / 30)


def test_a_day_built_again_after_a_later_day_is_the_same_bytes(nights):
    assert nights.thursday_again == nights.thursday


def test_every_mart_has_the_columns_of_its_contract(nights):
    for table in MART_TABLES:
        for ds in (THURSDAY, FRIDAY):
            (file,) = nights.home.lake.files(table.name, ds)
            assert pq.ParquetFile(file).schema_arrow.names == table.column_names, table.name


def test_the_types_are_those_of_the_contract(nights):
    arrow = {
        "string": "string",
        "int": "int32",
        "bigint": "int64",
        "double": "double",
        "boolean": "bool",
        "date": "date32[day]",
        "timestamp": "timestamp[us]",
    }
    for table in MART_TABLES:
        schema = pq.ParquetFile(nights.home.lake.files(table.name, FRIDAY)[0]).schema_arrow
        for column in table.columns:
            if column.type in arrow:
                assert str(schema.field(column.name).type) == arrow[column.type], f"{table.name}.{column.name}"
    profile = pq.ParquetFile(nights.home.lake.files("dim_person_profile", FRIDAY)[0]).schema_arrow
    interest = profile.field("interests").type.value_type
    assert [(field.name, str(field.type)) for field in interest] == [("category", "string"), ("weight", "double")]


def test_interests_halve_every_thirty_days_and_add_up_to_one(nights):
    running = (
        decayed(1, "2026-11-19 08:00")
        + decayed(1, "2026-11-19 08:01")
        + decayed(5, "2026-10-22 00:00")
        + decayed(5, "2026-11-20 13:00")
        + decayed(1, "2026-11-20 14:00")
    )
    pets = decayed(3, "2026-11-20 12:00")
    ann = nights.home.row("dim_person_profile", FRIDAY, person_id="ann")
    assert ann["interests"] == [
        {"category": "running", "weight": pytest.approx(running / (running + pets), rel=1e-12)},
        {"category": "pets", "weight": pytest.approx(pets / (running + pets), rel=1e-12)},
    ]

    # Two known words of one post, one of them said twice; stars / 2 for the rating.
    music, shoes = 2 * decayed(1, "2026-11-14 20:00"), decayed(3.5, "2026-11-20 21:00")
    bob = nights.home.row("dim_person_profile", FRIDAY, person_id="bob")
    assert bob["interests"] == [
        {"category": "running", "weight": pytest.approx(shoes / (music + shoes), rel=1e-12)},
        {"category": "music", "weight": pytest.approx(music / (music + shoes), rel=1e-12)},
    ]


def test_buying_habits(nights):
    ann = nights.home.row("dim_person_profile", FRIDAY, person_id="ann")
    assert (ann["recency_days"], ann["frequency"], ann["monetary"], ann["basket"]) == (0, 2, 110.30, 55.15)
    assert ann["rfm_band"] == "promising"
    # Socks are the cheaper (1/4) and shoes the dearer (3/4) of two priced items: the median is 1/2.
    assert ann["price_tier"] == "middle"

    bob = nights.home.row("dim_person_profile", FRIDAY, person_id="bob")
    assert (bob["recency_days"], bob["frequency"], bob["monetary"], bob["basket"]) == (None, 0, 0.0, None)
    assert (bob["rfm_band"], bob["price_tier"]) == ("none", "unknown")


def test_rhythm_and_devices(nights):
    # Mornings e1, e2; afternoons e5, e6, e8; night e3. Mobile e1, e5, e8; desktop e3, e6.
    ann = nights.home.row("dim_person_profile", FRIDAY, person_id="ann")
    assert (ann["active_daypart"], ann["main_device"], ann["posts"]) == ("afternoon", "mobile", 0)
    assert ann["weekend_share"] == 0.0
    # The post was on a Saturday, the rating on a Friday.
    bob = nights.home.row("dim_person_profile", FRIDAY, person_id="bob")
    assert (bob["weekend_share"], bob["posts"], bob["active_daypart"]) == (0.5, 1, "evening")


def test_segments(nights):
    profiles = {row["person_id"]: row["segments"] for row in nights.home.rows("dim_person_profile", FRIDAY)}
    assert profiles == {"ann": ["newsletter_reader"], "bob": ["new_this_week"], "cem": ["new_this_week"]}


def test_an_older_withdrawal_that_arrives_later_still_wins_over_an_older_grant(nights):
    def consents(ds: str) -> dict[str, list[str]]:
        return {
            row["person_id"]: [name.removeprefix("consent_") for name, value in row.items() if value is True]
            for row in nights.home.rows("dim_person_consent", ds)
        }

    # Dan's grant of Friday's first moment had arrived on Thursday, but its moment had not come.
    assert consents(THURSDAY) == {"ann": ["profiling", "training"], "bob": [], "dan": ["profiling"]}
    # Of Dan's decisions at one moment the withdrawals count; Eve did nothing but decide.
    assert consents(FRIDAY) == {
        "ann": ["profiling", "personalisation"],
        "bob": ["profiling", "personalisation"],
        "cem": ["profiling"],
        "dan": [],
        "eve": ["marketing_contact"],
    }


def test_a_profile_is_of_who_agrees_to_profiling(nights):
    profiles = {
        ds: {row["person_id"] for row in nights.home.rows("dim_person_profile", ds)} for ds in (THURSDAY, FRIDAY)
    }
    assert profiles == {THURSDAY: {"ann", "dan"}, FRIDAY: {"ann", "bob", "cem"}}


def test_an_interaction_is_of_who_agrees_to_some_use_of_it(nights):
    people = {ds: {row["person_id"] for row in nights.home.rows("fct_interactions", ds)} for ds in (THURSDAY, FRIDAY)}
    assert people == {THURSDAY: {"ann", "dan"}, FRIDAY: {"ann", "bob"}}


def test_an_interaction_stands_once_on_the_day_on_which_it_arrived(nights):
    for ds in (THURSDAY, FRIDAY):
        assert {str(row["known_on"]) for row in nights.home.rows("fct_interactions", ds)} == {ds}
    ids = [row["event_id"] for row in interactions(nights.home, FRIDAY)]
    assert sorted(ids) == ["e1", "e2", "e3", "e5", "e6", "e7", "e8", "e9"]


def test_who_only_answered_has_a_profile_too(nights):
    cem = nights.home.row("dim_person_profile", FRIDAY, person_id="cem")
    assert (cem["age_band"], cem["gender"], cem["region"]) == ("25-34", "male", "North")
    assert (cem["interests"], cem["weekend_share"], cem["active_daypart"]) == ([], None, "unknown")
    assert cem["first_seen"] == cem["last_seen"] == datetime.datetime(2026, 11, 20, 9)
    # A span that is wider than our bands is not bent into one.
    assert nights.home.row("dim_person_profile", FRIDAY, person_id="bob")["age_band"] == "unknown"


def test_first_and_last_seen(nights):
    ann = nights.home.row("dim_person_profile", FRIDAY, person_id="ann")
    assert (ann["first_seen"], ann["last_seen"]) == (
        datetime.datetime(2026, 10, 22),
        datetime.datetime(2026, 11, 20, 14),
    )


def test_a_redelivered_event_counts_once_as_it_first_came(nights):
    (again,) = [row for row in interactions(nights.home, FRIDAY) if row["event_id"] == "e2"]
    assert (again["known_on"], again["campaign"]) == (datetime.date(2026, 11, 19), "newsletter-1")


def test_interactions_of_a_session_share_its_first_campaign(nights):
    rows = interactions(nights.home, FRIDAY)
    assert {row["event_id"]: row["campaign"] for row in rows} == {
        "e1": "newsletter-1",
        "e2": "newsletter-1",
        "e3": None,
        "e5": None,
        "e6": None,
        "e7": None,
        "e8": None,
        "e9": None,
    }
    assert {row["event_id"]: row["weight"] for row in rows} == {
        "e1": 1.0,
        "e2": 1.0,
        "e3": 5.0,
        "e5": 3.0,
        "e6": 5.0,
        "e7": 3.5,
        "e8": 1.0,
        "e9": 1.0,
    }


def test_items_are_as_the_latest_delivery_states_them(nights):
    unknown = dict.fromkeys(("in_stock", "available_from", "available_until", "brand", "margin"))
    assert nights.home.rows("dim_item", FRIDAY) == [
        {
            "item_id": "i1",
            "title": "New shoe",
            "category": "running",
            "price": 90.0,
            "available": True,
            **unknown,
            "interactions": 2,
        },
        {
            "item_id": "i2",
            "title": "Socks",
            "category": "running",
            "price": 10.0,
            "available": False,
            "in_stock": False,
            "available_from": datetime.date(2026, 12, 1),
            "available_until": datetime.date(2999, 1, 1),
            "brand": "Alba",
            "margin": 0.25,
            "interactions": 1,
        },
        {
            "item_id": "i9",
            "title": "i9",
            "category": "pets",
            "price": None,
            "available": True,
            **unknown,
            "interactions": 1,
        },
    ]
    assert nights.home.row("dim_item", THURSDAY, item_id="i1")["title"] == "Shoe"


def test_a_sequence_holds_each_item_once_at_its_first_act(nights):
    unknown = {"age_band": "unknown", "gender": "unknown", "region": "unknown"}
    assert nights.home.rows("scoring_sequences", FRIDAY) == [
        {
            "person_id": "ann",
            "item_ids": ["i1", "i2", "i9"],
            "occurred_at": [
                datetime.datetime(2026, 10, 22),
                datetime.datetime(2026, 11, 19, 8, 1),
                datetime.datetime(2026, 11, 20, 12),
            ],
            **unknown,
            # the shoe was bought, then viewed; the socks were viewed, then bought
            "strongest_actions": ["purchase", "purchase", "cart"],
        },
        {
            "person_id": "bob",
            "item_ids": ["i1"],
            "occurred_at": [datetime.datetime(2026, 11, 20, 21)],
            **unknown,
            "strongest_actions": ["rate"],
        },
    ]


def test_a_model_learns_from_who_agrees_to_training_and_is_asked_about_who_agrees_to_personalisation(nights):
    people = {
        (table, ds): [row["person_id"] for row in nights.home.rows(table, ds)]
        for table in ("training_sequences", "scoring_sequences")
        for ds in (THURSDAY, FRIDAY)
    }
    assert people == {
        ("training_sequences", THURSDAY): ["ann"],
        ("training_sequences", FRIDAY): [],
        ("scoring_sequences", THURSDAY): [],
        ("scoring_sequences", FRIDAY): ["ann", "bob"],
    }


def test_what_was_predicted_before_the_day_stands_in_the_profile_of_who_agreed_to_profiling(nights):
    def predicted(person_id: str, ds: str):
        row = nights.home.row("dim_person_profile", ds, person_id=person_id)
        return row["taste_vector"], row["picture_interests"], row["sound_interests"]

    # On Thursday nothing had been predicted before, also when Thursday is built again.
    music, pets = ([{"category": name, "weight": 1.0, "confidence": 0.2}] for name in ("music", "pets"))
    assert predicted("bob", FRIDAY) == ([0.2, -0.2], music, pets)
    assert predicted("cem", FRIDAY) == (None, None, None)
    assert predicted("ann", THURSDAY) == (None, None, None)


def test_what_people_wrote_until_the_night_before_stands_in_their_profiles(nights):
    def written(person_id: str, ds: str):
        row = nights.home.row("dim_person_profile", ds, person_id=person_id)
        return row["text_vector"], row["text_interests"]

    assert written("bob", FRIDAY) == ([0.5, -0.5], [{"category": "music", "weight": 1.0, "confidence": 0.5}])
    assert written("ann", FRIDAY) == (None, None)
    assert written("ann", THURSDAY) == (None, None)


def test_pictures_are_those_of_items_and_of_who_agreed_to_profiling(nights):
    # Friday's delivery of the shoe has no picture: the one of Thursday stays.
    shoe = {
        "picture_id": "item:i1",
        "path": "shop/ds=2026-11-19/i1.png",
        "category": "running",
        "person_id": None,
        "consent_profiling": False,
    }
    of_bob = {
        "picture_id": "media:m2",
        "path": "shop/ds=2026-11-20/media/m2.png",
        "category": None,
        "person_id": "bob",
        "consent_profiling": True,
    }
    assert nights.home.rows("training_pictures", THURSDAY) == [shoe]
    assert nights.home.rows("training_pictures", FRIDAY) == [shoe, of_bob]


def test_sounds_are_those_of_items_and_of_who_agreed_to_profiling(nights):
    # m2 is of a release that knew pictures only, and did not say so.
    shoe = {"sound_id": "item:i1", "path": "shop/ds=2026-11-19/i1.wav", "category": "running", "person_id": None}
    of_bob = {"sound_id": "media:m3", "path": "shop/ds=2026-11-20/media/m3.png", "category": None, "person_id": "bob"}
    shoe, of_bob = {**shoe, "consent_profiling": False}, {**of_bob, "consent_profiling": True}
    assert nights.home.rows("training_sounds", THURSDAY) == [shoe]
    assert nights.home.rows("training_sounds", FRIDAY) == [shoe, of_bob]


def test_the_report_counts_people_profiles_and_redeliveries(nights):
    assert nights.thursday_report == {
        "persons": 3,
        "profiles": 2,
        "redelivered": 0,
        "without_person": 0,
        "without_euros": 0,
        "set_aside": {
            "consents.occurred_at": 1,
            "consents.purpose": 1,
            "events.action": 1,
            "events.event_id": 1,
            "events.item_id": 1,
            "events.occurred_at": 2,
            "events.value": 4,
            "items.price": 1,
            "items.title": 1,
            "predictions.leave_chance": 1,
        },
        "since": None,
    }
    of_friday = nights.thursday_report["set_aside"] | {"answers.answer": 1}
    counts = {"persons": 5, "profiles": 3, "redelivered": 1, "without_person": 0, "without_euros": 0}
    assert nights.friday_report == {**counts, "set_aside": of_friday, "since": THURSDAY}


def test_a_backfill_does_not_rewrite_the_history_which_forgets_who_withdrew(nights):
    with duckdb.connect(str(nights.home.settings.home.warehouse), read_only=True) as connection:
        periods = connection.execute(
            """
            select person_id, cast(dbt_valid_from as date), cast(dbt_valid_to as date)
            from history_person_profile order by all
            """
        ).fetchall()
    thursday, friday = datetime.date(2026, 11, 19), datetime.date(2026, 11, 20)
    assert periods == [
        ("ann", thursday, friday),
        ("ann", friday, None),
        ("bob", friday, None),
        ("cem", friday, None),
    ]


def test_the_unit_tests_of_the_models_pass(nights):
    dbt = DbtCommand(nights.home.settings.home.dbt)
    done = dbt.run("test", variables(nights.home.settings, THURSDAY), "--select", "test_type:unit")
    assert done.returncode == 0, done.stdout
    results = json.loads((dbt.folder / "target" / "run_results.json").read_text())["results"]
    assert len(results) >= 35
    assert {result["status"] for result in results} == {"pass"}


def test_the_docs_describe_every_model_with_its_grain_and_every_column(nights):
    dbt = DbtCommand(nights.home.settings.home.dbt)
    done = dbt.run("docs", variables(nights.home.settings, THURSDAY), "generate", "--no-compile")
    assert done.returncode == 0, done.stdout
    catalog = json.loads((dbt.folder / "target" / "catalog.json").read_text())
    manifest = json.loads((dbt.folder / "target" / "manifest.json").read_text())
    assert len(catalog["nodes"]) > len(MARTS)
    for unique_id, node in catalog["nodes"].items():
        described = manifest["nodes"][unique_id]
        assert "Grain: " in described["description"].strip().splitlines()[-1], unique_id
        for column in node["columns"]:
            assert described["columns"].get(column, {}).get("description"), f"{unique_id}.{column} is not described"


def test_a_build_that_fails_names_each_failure_without_data_and_leaves_what_was_published(nights, tmp_path):
    copy = copied_home(nights.home.settings.home.root, tmp_path / "home")
    home = TinyHome(Settings.from_env({"NIGHTSHIFT_HOME": str(copy)}))
    # nobody is bob, and whether ann granted cannot be cast
    home.deliver_persons(THURSDAY, {"ann": ["account:ann", "cookie:ann"], "dan": ["account:dan", "email:dan"]})
    columns = {column.name: pa.array(["x"]) for column in CONSENTS.columns}
    columns |= {"identifier": pa.array(["cookie:ann"]), "purpose": pa.array(["profiling"])}
    columns |= {"occurred_at": pa.array([at(f"{THURSDAY} 08:00")]), "granted": pa.array([SECRET])}
    file = home.lake.staging("odd") / "part-00000.parquet"
    pq.write_table(pa.table(columns), file)
    home.lake.publish("consents", THURSDAY, {file.name: file})

    with pytest.raises(LakeError, match="nothing was published") as caught:
        build(home.settings, THURSDAY)
    sentence = str(caught.value)
    assert "every_identifier_of_an_event_belongs_to_a_person: Got 1 result" in sentence
    assert "a value that cannot be cast" in sentence
    assert SECRET not in sentence
    log = home.settings.home.dbt / "logs" / "dbt.log"
    assert str(log) in sentence
    assert SECRET in log.read_text()
    assert home.digests(MARTS, THURSDAY) == nights.thursday
    assert report_of(home, THURSDAY) == nights.thursday_report
