"""The mail service's own log: what SendGrid's event webhook posts, one JSON object a line.

Lines stand in no order, some twice, and some arrive with the next day's delivery.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np

from sample_data.feeds.dirt import Record, copies, tally
from sample_data.people import Person

SOURCE = "esp_events"

SHARES = {"duplicate": 0.03, "malformed": 0.003}
LATE_SHARE = 0.02
"""Of what people opened: in the delivery of the day after."""

SENT_SECOND, SENDS_SECONDS = 6 * 3600, 1800
"""When on the morning sending begins, UTC, and how long it takes."""

_PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@dataclass(frozen=True)
class Letter:
    """One message, and what its receiver did with it."""

    person: Person
    campaign: str
    plan: str
    """The night that planned it, YYYY-MM-DD."""
    sent: int
    """Unix seconds."""
    url: str
    blocked: bool = False
    """The service does not send to an address that bounced for good before."""
    bounces: bool = False
    is_put_off: bool = False
    machine_opens: bool = False
    opened: int | None = None
    clicked: int | None = None
    left: int | None = None
    complains: bool = False


def log_of(
    rng: np.random.Generator, letters: list[Letter], day: int, next_midnight: int, held_up: list[Record]
) -> tuple[list[Record], list[Record], dict]:
    """The lines of a day's delivery, those that the next one brings, and what a faithful mapping reports of the first.

    Args:
        day: of the town.
        next_midnight: Unix second; what happens later is delivered later.
        held_up: lines that the delivery of the day before left to this one.
    """
    records = [record for letter in letters for record in _records(rng, letter, day)]
    on_time: list[Record] = []
    left: list[Record] = []
    for record in records:
        is_late = rng.random() < LATE_SHARE and '"sg_machine_open":false' in record.text
        if is_late or record.second >= next_midnight:
            left.append(replace(record, day=day + 1))
        else:
            on_time.append(record)
    cut = copies(rng, on_time, SHARES["malformed"], "malformed", lambda record: replace(record, text=record.text[:60]))
    every = [*held_up, *on_time, *copies(rng, on_time, SHARES["duplicate"], "duplicate", lambda same: same), *cut]
    shuffled = [every[place] for place in rng.permutation(len(every)).tolist()]
    return shuffled, left, tally(shuffled)


def _records(rng: np.random.Generator, letter: Letter, day: int) -> list[Record]:
    message = f"{rng.bytes(8).hex()}.recvd-{rng.bytes(4).hex()}.filter0001.{int(rng.integers(10_000, 99_999))}.0"
    device = letter.person.devices[0]
    seen = {"useragent": device.user_agent, "ip": device.host}
    records: list[Record] = []

    def add(event: str, second: int, **fields: object) -> None:
        line = {
            "email": letter.person.email,
            "timestamp": second,
            "event": event,
            "sg_event_id": rng.bytes(12).hex(),
            "sg_message_id": message,
            "campaign": letter.campaign,
            "plan": letter.plan,
            **fields,
        }
        records.append(Record(second, day, json.dumps(line, separators=(",", ":")), identifiers=frozenset()))

    add("processed", letter.sent)
    if letter.blocked:
        add("dropped", letter.sent + 1, reason="Bounced Address")
        return records
    if letter.bounces:
        add("bounce", letter.sent + 4, type="bounce", status="5.1.1", reason="550 5.1.1 no such mailbox")
        return records
    if letter.is_put_off:
        add("deferred", letter.sent + 5, response="452 4.2.2 mailbox full", attempt="1")
    arrived = letter.sent + (2400 if letter.is_put_off else 5)
    add("delivered", arrived, response="250 OK")
    if letter.machine_opens:
        add("open", arrived + 3, sg_machine_open=True, useragent=_PROXY, ip="192.0.2.7")
    if letter.opened is not None:
        add("open", max(letter.opened, arrived + 20), sg_machine_open=False, **seen)
    if letter.clicked is not None:
        add("click", max(letter.clicked, arrived + 30), url=letter.url, **seen)
    if letter.left is not None:
        add("spamreport" if letter.complains else "unsubscribe", max(letter.left, arrived + 60))
    return records
