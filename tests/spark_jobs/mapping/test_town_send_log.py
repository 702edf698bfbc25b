"""The town's send log through the mapping of the mail service: its own tally is what the mapping reports."""

from __future__ import annotations

import datetime
from collections import Counter

import numpy as np

from sample_data.feeds.dirt import by_day
from sample_data.feeds.send_log import Letter, log_of
from sample_data.people import Device, Person
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, books, deliver, rows_of

MORNING = int(datetime.datetime(2026, 11, 19, 6, tzinfo=datetime.UTC).timestamp())
MIDNIGHT = MORNING + 18 * 3600


def letter(number: int, **what: object) -> Letter:
    device = Device(f"c{number}", "desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101", "10.0.0.7")
    person = Person(
        number=number,
        name=("Ada", "Abel"),
        age=40,
        gender="female",
        region="north",
        price_tier="low",
        interests=("running", "pets", "home"),
        email=f"p{number}@mail.example",
        accounts=(),
        devices=(device,),
        handles=(),
        peak_hour=8,
        weekend_factor=1.0,
        sessions_a_month=4.0,
        mail_share=0.0,
    )
    plan = (datetime.date.fromisoformat(DAY) - datetime.timedelta(days=1)).isoformat()
    return Letter(person, "autumn_letter", plan, MORNING, "https://shop.example/item/i-0001", **what)


LETTERS = [
    *(letter(number) for number in range(40)),
    letter(41, machine_opens=True),
    letter(42, opened=MORNING + 900, clicked=MORNING + 940),
    letter(43, bounces=True),
    letter(44, blocked=True),
    letter(45, is_put_off=True),
    letter(46, opened=MORNING + 900, left=MORNING + 990),
    letter(47, opened=MORNING + 900, left=MORNING + 990, complains=True),
    letter(48, opened=MIDNIGHT + 5),  # tomorrow's delivery brings it
]


def test_the_town_tallies_what_the_mapping_reports(settings):
    records, later, tally = log_of(np.random.default_rng(7), LETTERS, 0, MIDNIGHT, [])
    assert list(by_day(later)) == [1]
    (settings.raw / "esp_events" / f"ds={DAY}").mkdir(parents=True)
    deliver(settings, "esp_events", "events.jsonl", b"".join(record.line() for record in records))
    map_source(settings, "esp_events", DAY)
    found = books(settings, "esp_events")
    assert found["read"] == tally["read"] == len(records)
    assert found["mapped"] == tally["mapped"]
    assert found["quarantined malformed"] == tally["quarantined_reasons"]["malformed"] == tally["quarantined"]
    assert found["dropped duplicate"] == tally["dropped"]["duplicate"] == sum(tally["dropped"].values())
    assert not [name for name in found if name.startswith("noted unknown_field")]
    of = Counter((row["status"], row["by_machine"], row["permanent"]) for row in rows_of(settings, "sends"))
    opened = 4 - len(later)  # by a person; one of them, at least, is held up
    assert of["processed", False, False] == 48
    assert of["delivered", False, False] == 46
    assert of["bounced", False, True] == of["dropped", False, True] == 1
    assert of["deferred", False, False] == 1
    assert of["opened", True, False] == 1
    assert of["opened", False, False] + of["clicked", False, False] >= opened
    assert of["unsubscribed", False, False] == of["complained", False, False] == 1
    assert sorted(row["granted"] for row in rows_of(settings, "consents")) == [False, False]
