"""When people visit the shop, from which device, and as whom; what they then do is in `browsing`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sample_data.items import Item, pick
from sample_data.parameters import DAY_SECONDS, Parameters, moment
from sample_data.people import Device, Person

DECIDES_SHARE, WITHDRAWS_SHARE = 0.88, 0.04
FIRST_LOGIN_SHARE, LATER_LOGIN_SHARE, OWNER_LOGIN_SHARE = 0.97, 0.4, 0.97
"""How often a session logs in: the first one on a device, a later one, one of the owner of a shared device."""

QUIET_SECONDS = 5400
"""Least time between the starts of two sessions of a person; no session is as long."""

OWNER_LOGINS_FOR_A_GUEST = 4
"""An owner logs in at least this many times for each time that the partner does."""


@dataclass(frozen=True)
class Link:
    """What a message of a campaign led to."""

    campaign: str
    """The name under which its clicks come back."""
    item: Item


@dataclass(frozen=True)
class Shown:
    """What the shop's page showed first to a person, by a campaign and a night's plan."""

    campaign: str
    plan: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Visit:
    person: Person
    device: Device
    account: str
    start: int
    logs_in: bool
    by_mail: bool = False
    decision: str | None = None
    """`grant` where the person decides on the purposes, `withdraw` where the person takes a decision back."""
    as_guest: bool = False
    link: Link | None = None
    """The visit begins with it."""
    buys: bool | None = None
    """Whether the item of the link is bought, and nothing else is; None: as it comes."""
    shown: Shown | None = None
    """Where the visit begins on a page of the shop's own."""


def plan_visits(parameters: Parameters, people: list[Person]) -> list[Visit]:
    """All visits of a town in the order of their start, with the partners' visits on shared devices."""
    rng = parameters.generator("visits")
    owners = {person.guest_of for person in people}
    planned = {
        person.number: _visits_of(rng, parameters, person, owns_shared=person.number in owners) for person in people
    }
    for guest in people:
        if guest.guest_of is not None:
            shared = people[guest.guest_of].devices[0]
            planned[guest.number] = _as_guest(planned[guest.number], shared, planned[guest.guest_of])
    every = [visit for visits in planned.values() for visit in visits]
    return sorted(every, key=lambda visit: (visit.start, visit.person.number))


def starts_of(
    rng: np.random.Generator, parameters: Parameters, person: Person, count: int, apart_seconds: int
) -> list[int]:
    """`count` seconds at the person's hours, in order and apart; those after the town's end are left out."""
    weekend = [moment(parameters.start + day * DAY_SECONDS).weekday() >= 5 for day in range(parameters.days)]
    weights = [person.weekend_factor if free else 1.0 for free in weekend]
    starts: list[int] = []
    for _ in range(count):
        second = int(rng.normal(person.peak_hour, 2.0) * 3600) % DAY_SECONDS
        starts.append(parameters.start + pick(rng, weights) * DAY_SECONDS + max(second, 600))
    starts.sort()
    for place in range(1, count):
        starts[place] = max(starts[place], starts[place - 1] + apart_seconds)
    return [start for start in starts if start < parameters.end]


def _visits_of(rng: np.random.Generator, parameters: Parameters, person: Person, *, owns_shared: bool) -> list[Visit]:
    count = max(1, int(rng.poisson(person.sessions_a_month * parameters.days / 30)))
    starts = starts_of(rng, parameters, person, count, QUIET_SECONDS)
    decides, withdraws = rng.random() < DECIDES_SHARE, rng.random() < WITHDRAWS_SHARE
    withdrawal = int(rng.integers(1, len(starts))) if decides and withdraws and len(starts) > 1 else None
    visits, seen = [], set()
    for place, start in enumerate(starts):
        number = pick(rng, (0.65, 0.25, 0.10)[: len(person.devices)])
        device = person.devices[number]
        # A second account lives on the last device, so that only the e-mail address ties it to the first one.
        account = person.accounts[-1 if number == len(person.devices) - 1 else 0]
        login_share = LATER_LOGIN_SHARE if device in seen else FIRST_LOGIN_SHARE
        if owns_shared and number == 0:
            login_share = OWNER_LOGIN_SHARE
        decision = "grant" if decides and place == 0 else "withdraw" if place == withdrawal else None
        visits.append(
            Visit(
                person=person,
                device=device,
                account=account,
                start=start,
                logs_in=bool(rng.random() < login_share) or decision == "withdraw",
                by_mail=bool(rng.random() < person.mail_share * (2 if len(person.accounts) > 1 else 1)),
                decision=decision,
            )
        )
        seen.add(device)
    return visits


def _as_guest(visits: list[Visit], shared: Device, owner_visits: list[Visit]) -> list[Visit]:
    """Let the last few undecided visits happen on the shared device, as far as the owner's logins outnumber them."""
    logins = sum(visit.logs_in and visit.device == shared for visit in owner_visits)
    places = [place for place, visit in enumerate(visits) if place > 0 and visit.decision is None]
    places = places[-min(2, logins // OWNER_LOGINS_FOR_A_GUEST) :] if logins >= OWNER_LOGINS_FOR_A_GUEST else []
    moved = {
        place: replace(visits[place], device=shared, logs_in=True, by_mail=False, as_guest=True) for place in places
    }
    return [moved.get(place, visit) for place, visit in enumerate(visits)]


def shared_cookies(visits: list[Visit]) -> list[str]:
    """Cookies on which another person than the owner logs in."""
    return sorted({visit.device.cookie for visit in visits if visit.as_guest})
