"""The day after a night, from a plan to raw deliveries, in a small town."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError, RawDataError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from sample_data.items import open_shop
from sample_data.next_day import live_on, town_parameters
from sample_data.parameters import Parameters
from sample_data.people import settle
from sample_data.responses.diary import Diary, diaries
from sample_data.responses.policies import worth_of_policies
from sample_data.town import make_town
from tests.sample_data.town_on_disk import settings_in

TOWN = Parameters(people=120, days=2, seed=3)
NIGHT, NEXT, AFTER = "2026-11-19", "2026-11-20", "2026-11-21"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A town that has lived through two days after it was laid; on both mornings everybody got two letters."""
    settings = settings_in(tmp_path_factory.mktemp("town"))
    assert make_town(settings, TOWN)
    for ds in (NIGHT, NEXT):
        publish_plan(settings, ds)
        live_on(settings, ds)
    return settings


def publish_plan(settings, ds: str) -> None:
    """Everybody is one person, `p<number>`, and gets two letters and the front page."""
    keys = pseudonym_keys(settings)
    parameters = town_parameters(settings)
    shop = open_shop(parameters.generator("shop"), parameters.lines)
    people = settle(parameters, shop)
    items = [item.id for item in shop.items[:3]]
    persons = [
        {"identifier": pseudonym(keys, "account", account), "person_id": f"p{person.number}"}
        for person in people
        for account in person.accounts
    ]
    plans = [
        {"person_id": f"p{person.number}", "campaign": campaign, "channel": channel, "items": items}
        for person in people
        for campaign, channel in (("autumn_letter", "mail"), ("runners", "mail"), ("front_page", "site"))
    ]
    plans.append({"person_id": "p-stranger", "campaign": "runners", "channel": "mail", "items": items})
    lake = Lake(settings.home.lake)
    for table, rows in (("persons", persons), ("plans", plans)):
        staged = lake.staging(table) / "part-0.parquet"
        pq.write_table(pa.Table.from_pylist(rows), staged)
        lake.publish(table, ds, {"part-0.parquet": staged})


def log_lines(settings, ds: str) -> list[str]:
    return (
        gzip.decompress((settings.raw / f"apache_combined/ds={ds}/access.log.gz").read_bytes())
        .decode(errors="replace")
        .splitlines()
    )


def sent_lines(settings, ds: str) -> list[dict]:
    events = []
    for line in (settings.raw / f"esp_events/ds={ds}/events.jsonl").read_text().splitlines():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            events.append({"event": "malformed"})
    return events


def diary_of(settings, ds: str) -> Diary:
    return next(diary for diary in diaries(settings) if diary.ds == ds)


def test_every_letter_is_in_the_log_of_the_mail_service(town):
    events = sent_lines(town, NEXT)
    first = {event["sg_event_id"]: event for event in events if "sg_event_id" in event}
    kinds = Counter(event["event"] for event in first.values())
    assert kinds["processed"] == 240  # two letters to 120 people; the stranger is in nobody's memory
    assert kinds["delivered"] + kinds["bounce"] == 240
    assert len(events) > len(first)  # some lines stand there twice
    assert [event["timestamp"] for event in first.values()] != sorted(event["timestamp"] for event in first.values())
    assert {event["plan"] for event in first.values()} == {NIGHT}
    opened = [event for event in first.values() if event["event"] == "open"]
    assert {event["sg_machine_open"] for event in opened} == {True, False}


def test_what_messages_brought_is_in_the_web_log(town):
    diary, lines = diary_of(town, NEXT), log_lines(town, NEXT)
    brought = Counter(visit.came_by for visit in diary.visits if visit.came_by)
    assert brought["autumn_letter"] >= 1 and brought["runners"] >= 1
    for campaign, name in (("autumn_letter", "autumn"), ("runners", "runners")):
        links = {line.split(" ")[6] for line in lines if f"utm_campaign={name}&" in line and '" 200 ' in line}
        clicks = {
            event["email"]
            for event in [*sent_lines(town, NEXT), *sent_lines(town, AFTER)]
            if event["event"] == "click" and (event["campaign"], event["plan"]) == (campaign, NIGHT)
        }
        assert len(clicks) >= brought[campaign]
        assert len(links) == len(clicks)


def test_the_front_page_says_what_it_showed(town):
    shown = [line for line in log_lines(town, NEXT) if "/shown?" in line]
    assert shown
    assert all(f"/shown?campaign=front_page&plan={NIGHT}&items=i-0001,i-0002,i-0003" in line for line in shown)


def test_what_is_late_comes_once_with_the_next_delivery(town):
    held_up = [json.loads(text) for _, text in diary_of(town, NEXT).held_up]
    arrived = {event["sg_event_id"] for event in sent_lines(town, AFTER) if "sg_event_id" in event}
    assert held_up
    assert {event["sg_event_id"] for event in held_up} <= arrived
    assert not {event["sg_event_id"] for event in held_up} & {e.get("sg_event_id") for e in sent_lines(town, NEXT)}


def test_the_diary_counts_what_was_laid(town):
    for ds in (NEXT, AFTER):
        sources = diary_of(town, ds).sources
        assert sources["apache_combined"]["read"] == len(log_lines(town, ds))
        assert sources["esp_events"]["read"] == len(sent_lines(town, ds))
        for tally in sources.values():
            assert tally["read"] == tally["mapped"] + tally["quarantined"] + sum(tally["dropped"].values())


def test_equal_plans_make_equal_days(town, tmp_path):
    settings = settings_in(tmp_path)
    make_town(settings, TOWN)
    pseudonym_keys(settings)
    publish_plan(settings, NIGHT)
    live_on(settings, NIGHT)
    for file in ("apache_combined/ds=2026-11-20/access.log.gz", "esp_events/ds=2026-11-20/events.jsonl"):
        assert (settings.raw / file).read_bytes() == (town.raw / file).read_bytes()


def test_a_day_that_is_there_is_left_alone(town):
    before = {file: file.stat().st_mtime_ns for file in town.raw.rglob("*") if file.is_file()}
    live_on(town, NIGHT)
    assert before == {file: file.stat().st_mtime_ns for file in town.raw.rglob("*") if file.is_file()}


def test_days_are_lived_one_after_the_other(town):
    with pytest.raises(RawDataError, match="--ds 2026-11-21, the newest day of the town"):
        live_on(town, "2026-11-25")
    with pytest.raises(LakeError, match="persons"):
        live_on(town, AFTER)


def test_two_opposite_ways_to_choose_half_of_the_people_are_worth_all_of_them(town):
    parameters = town_parameters(town)
    shop = open_shop(parameters.generator("shop"), parameters.lines)
    people = settle(parameters, shop)
    rows = [
        {"person_id": f"p{n}", "campaign": "autumn", "expected_value": float(n), "uplift_euros": -float(n)}
        for n in range(TOWN.people)
    ]
    scores = [{"person_id": row["person_id"], "rank": 1, "item_id": shop.items[0].id} for row in rows]
    lake = Lake(town.home.lake)
    for table, content in (("responses", rows), ("uplifts", rows), ("scores", scores)):
        staged = lake.staging(table) / "part-0.parquet"
        pq.write_table(pa.Table.from_pylist(content), staged)
        lake.publish(table, NIGHT, {"part-0.parquet": staged})
    worth = worth_of_policies(town, NIGHT, parameters, shop, people, [])["autumn_letter"]
    assert (worth["people"], worth["messages"]) == (120, 60)
    assert worth["response"] + worth["uplift"] == pytest.approx(2 * worth["random"], abs=0.1)
    assert worth["best"] > max(worth["response"], worth["uplift"], worth["random"])


def test_without_a_town_there_is_nothing_to_live_on(tmp_path):
    with pytest.raises(RawDataError, match="a simulated town"):
        live_on(settings_in(tmp_path), NIGHT)
