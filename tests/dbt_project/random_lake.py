"""A lake of three days, drawn at random with all that is odd: ties, nulls, late and second deliveries, odd answers."""

from __future__ import annotations

import datetime
import random
from typing import Any

from contracts.tables.activation import OUTCOMES
from contracts.tables.vocabulary import SEND_STATUSES
from tests.dbt_project.tiny_lake import TinyHome, at

WEDNESDAY, THURSDAY, FRIDAY = DAYS = ("2026-11-18", "2026-11-19", "2026-11-20")
LONG_BEFORE = "2026-10-30"
"""What arrived by then was known before weeks that are over."""
PEOPLE = 60
ITEMS = 25
EVENTS_A_DAY = 500
CATEGORIES = ("running", "music", "pets", "home", "travel")
ANSWERS = {
    "Q1_age": (
        *("37", " 37 ", "37.5", "-37", "17", "99999999999", "25 - 34 years", "25-34", "18 - 34", "65 and up", "65"),
        *("55–64", "forty", "", "\u00a025 - 34\u00a0", "٣٧"),
    ),
    "Q2_gender": ("Male", "female ", " Other", "ÄNDERS", "", "\u00a0diverse\u00a0", "don't say"),
    "Q3_region": ("North", " north", "Łódź", "O'Higgins", "", "a\\b", "new\nline"),
}


PLANNED = {
    "campaign": "autumn_letter",
    "channel": "mail",
    "sends": "autumn",
    "definition": "x",
    "considered": 0,
    **dict.fromkeys(OUTCOMES, 0),
    "cost": 0.0,
}
"""A night's plan of a campaign, by which its clicks are known under another name."""


def deliver_random_lake(home: TinyHome, seed: int) -> None:
    """Publish the three days; the same seed is the same lake."""
    chance = random.Random(seed)
    identifiers = {
        f"p{person:03d}": [f"{kind}:{person:03d}" for kind in ("cookie", "account", "handle")[: chance.randint(1, 3)]]
        for person in range(PEOPLE)
    }
    everyone = [identifier for owned in identifiers.values() for identifier in owned]
    home.deliver_persons(THURSDAY, identifiers)
    # By Friday two people turned out to be one.
    merged = {**identifiers, "p001": identifiers["p001"] + identifiers["p002"]}
    del merged["p002"]
    home.deliver_persons(FRIDAY, merged)

    home.deliver("items", WEDNESDAY, [_item(chance, number) for number in range(ITEMS)])
    home.deliver("exchange_rates", WEDNESDAY, [_rate(chance, "GBP", days_ago) for days_ago in range(0, 40, 3)])
    home.deliver("exchange_rates", FRIDAY, [_rate(chance, *rated) for rated in (("GBP", 0), ("GBP", 3), ("SEK", 90))])
    home.deliver("items", FRIDAY, [_item(chance, number) for number in range(0, ITEMS, 2)])
    home.deliver(
        "events", LONG_BEFORE, [_event(chance, f"old-{number}", LONG_BEFORE, everyone) for number in range(200)]
    )
    earlier: list[dict[str, Any]] = []
    for day in DAYS:
        fresh = [_event(chance, f"{day}-{number:04d}", day, everyone) for number in range(EVENTS_A_DAY)]
        again = [{**event, "campaign": "told differently"} for event in chance.sample(earlier, min(20, len(earlier)))]
        home.deliver("events", day, fresh + again)
        earlier += fresh
        home.deliver("consents", day, [_consent(chance, f"{day}-{number}", everyone) for number in range(150)])
        home.deliver("identity_edges", day, [_edge(chance, f"{day}-{number}", everyone) for number in range(20)])
        home.deliver("media", day, [_medium(chance, f"{day}-{number}", everyone) for number in range(20)])
    home.deliver("answers", THURSDAY, [_answer(chance, str(number), everyone) for number in range(150)])
    for day in (WEDNESDAY, THURSDAY):
        home.deliver(
            "predictions", day, [_prediction(chance, person) for person in identifiers if chance.random() < 0.7]
        )
        home.deliver("person_words", day, [_words(chance, person) for person in identifiers if chance.random() < 0.7])
    for day in DAYS:
        home.deliver("sends", day, [_send(chance, f"{day}-{number}", everyone) for number in range(300)])
    home.deliver("plan_books", WEDNESDAY, [PLANNED])


def _moment(chance: random.Random, latest: str) -> datetime.datetime:
    """Some time in the ten weeks until the end of a day: often one that others share, now and then midnight."""
    start = at(f"{latest} 00:00")
    days_ago = datetime.timedelta(days=chance.choice((0, 0, 0, 1, 2, 7, 14, 30, chance.randint(0, 70))))
    if chance.random() < 0.1:
        return start - days_ago
    minutes = chance.choice((chance.randint(0, 1439), 30 * chance.randint(0, 47)))
    return start - days_ago + datetime.timedelta(minutes=minutes, microseconds=chance.choice((0, 0, 123457)))


def _event(chance: random.Random, event_id: str, day: str, everyone: list[str]) -> dict[str, Any]:
    action = chance.choice(
        (
            *("view", "view", "view", "search", "cart", "purchase", "purchase", "return"),
            *("rate", "post", "boost", "favourite", "visit"),
        )
    )
    money = round(chance.uniform(0, 300), 2)
    value = {"purchase": money, "return": money, "rate": float(chance.randint(0, 10))}.get(action)
    paid = action in ("purchase", "return")
    words = ("running", "jazz", "vinyl", "cat", "nothing", "garden", "Ü")
    return {
        "event_id": event_id,
        "identifier": chance.choice(everyone),
        "occurred_at": _moment(chance, day),
        "action": action,
        "item_id": f"i{chance.randint(0, ITEMS + 3):02d}" if action not in ("search", "post", "visit") else None,
        "category": chance.choice((None, *CATEGORIES)),
        "value": value if chance.random() < 0.9 else None,
        "session_id": chance.choice((None, f"s{chance.randint(0, 40)}")),
        "topics": chance.choice((None, [], chance.choices(words, k=4))),
        "campaign": chance.choice((None, None, "spring", "autumn")),
        "device": chance.choice((None, "desktop", "mobile", "tablet", "other")),
        "source": chance.choice(("shop", "till")),
        "order_id": chance.choice((None, f"o{chance.randint(0, 9)}")) if paid else None,
        "quantity": float(chance.randint(1, 3)) if paid else None,
        "currency": chance.choice((None, None, "EUR", "GBP", "SEK", "USD")),
    }


def _rate(chance: random.Random, currency: str, days_ago: int) -> dict[str, Any]:
    """What a unit of a currency was worth so many days before the middle day."""
    day = datetime.date.fromisoformat(WEDNESDAY) - datetime.timedelta(days=days_ago)
    return {"currency": currency, "rated_on": day, "rate": chance.uniform(0.05, 1.3)}


def _item(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "item_id": f"i{number:02d}",
        "title": f"Thing “{number}”",
        "category": chance.choice((None, *CATEGORIES)),
        "price": chance.choice((None, 10.0, 10.0, 20.0, round(chance.uniform(1, 100), 2))),
        "picture": chance.choice((None, "", "i.png", "../i.png", "https://elsewhere/i.png", f"i{number}.png")),
        "sound": (None, "", "i.wav", "../i.wav", f"i{number}.wav")[number % 5],
        "in_stock": (None, True, False)[number % 3],
        "available_until": (None, datetime.date(2026, 11, 1), datetime.date(2999, 1, 1))[number // 3 % 3],
        "margin": (None, 0.25)[number % 2],
    }


def _consent(chance: random.Random, consent_id: str, everyone: list[str]) -> dict[str, Any]:
    return {
        "consent_id": consent_id,
        "identifier": chance.choice(everyone),
        "purpose": chance.choice(("profiling", "training", "personalisation", "marketing_contact")),
        "granted": chance.random() < 0.7,
        # hours only, so that many decisions fall on the same moment
        "occurred_at": at(f"2026-10-0{chance.randint(1, 3)} 1{chance.randint(0, 3)}:00"),
    }


def _edge(chance: random.Random, edge_id: str, everyone: list[str]) -> dict[str, Any]:
    return {
        "edge_id": edge_id,
        "left_identifier": chance.choice(everyone),
        "right_identifier": chance.choice(everyone),
        "kind": chance.choice(("account_email", "verified_link", "login", "email_click")),
        "occurred_at": _moment(chance, WEDNESDAY) - datetime.timedelta(days=chance.choice((0, 88, 200))),
    }


def _medium(chance: random.Random, media_id: str, everyone: list[str]) -> dict[str, Any]:
    return {
        "media_id": media_id,
        "identifier": chance.choice(everyone),
        "event_id": f"{THURSDAY}-0001",
        "kind": (None, "image", "audio")[sum(map(ord, media_id)) % 3],
        "path": chance.choice(("media/a.png", "/etc/a.png", f"media/{media_id}.png")),
        "occurred_at": _moment(chance, WEDNESDAY),
    }


def _send(chance: random.Random, send_id: str, everyone: list[str]) -> dict[str, Any]:
    """A status of one of a hundred messages, in any order; what a message is follows from its number."""
    number = chance.randint(0, 99)
    identifier = everyone[number % len(everyone)]
    status = chance.choice((*SEND_STATUSES, "delivered", "delivered", "opened", "clicked"))
    return {
        "send_id": send_id,
        "identifier": identifier,
        "message_id": f"m{number:02d} {identifier}",
        "campaign": ("autumn_letter", "spring", "other", None)[number % 4],
        "plan": None if number % 3 else datetime.date.fromisoformat(LONG_BEFORE),
        "channel": "sms" if number % 7 == 0 else "mail",
        "status": status,
        "permanent": status == "bounced" and chance.random() < 0.3,
        "by_machine": status in ("opened", "clicked") and chance.random() < 0.5,
        "occurred_at": _moment(chance, WEDNESDAY),
    }


def _answer(chance: random.Random, answer_id: str, everyone: list[str]) -> dict[str, Any]:
    question = chance.choice(tuple(ANSWERS))
    return {
        "answer_id": answer_id,
        "identifier": chance.choice(everyone),
        "survey": "customer_survey",
        "question": question,
        "answer": chance.choice(ANSWERS[question]),
        "occurred_at": _moment(chance, THURSDAY),
    }


def _words(chance: random.Random, person_id: str) -> dict[str, Any]:
    interests = [{"category": "music", "weight": chance.random(), "confidence": chance.random()}]
    return {
        "person_id": person_id,
        "texts": chance.randint(1, 9),
        "text_vector": [chance.randint(-512, 512) / 512 for _ in range(4)],
        "text_interests": chance.choice((None, [], interests)),
        "text_model": "m",
    }


def _prediction(chance: random.Random, person_id: str) -> dict[str, Any]:
    interests = [{"category": "music", "weight": chance.random(), "confidence": chance.random()}]
    return {
        "person_id": person_id,
        "taste_vector": [chance.gauss(0, 1) for _ in range(4)],
        "picture_interests": chance.choice((None, [], interests)),
        "sound_interests": interests,
    }
