"""The town's people: their hidden tastes and habits, their households, and everything that they can be seen by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sample_data.items import PRICE_TIERS, Shop, pick
from sample_data.parameters import Parameters
from sample_data.words import FIRST_NAMES, LAST_NAMES

INTEREST_WEIGHTS = (0.55, 0.30, 0.15)
ELSEWHERE_SHARE = 0.10
"""How often an act is in a category drawn from all of them, and not from the person's tastes."""

HOUSEHOLD_SHARE = 0.25
SHARED_DEVICE_SHARE = 0.6
"""How many households have a device on which both partners log in."""

SESSIONS_A_MONTH, POSTS_A_MONTH = 4.6, 7.5
"""Means of long-tailed distributions: sessions in the shop of a person, posts of a handle."""

_GENDERS, _GENDER_WEIGHTS = ("female", "male", "non-binary", "prefer not to say"), (0.48, 0.46, 0.03, 0.03)
_REGIONS, _REGION_WEIGHTS = ("north", "south", "east", "west", "centre"), (0.2, 0.25, 0.15, 0.2, 0.2)
_PEAK_HOURS, _PEAK_WEIGHTS = (8, 14, 20, 1), (0.2, 0.25, 0.45, 0.1)

_WEBKIT, _GECKO = "AppleWebKit/537.36 (KHTML, like Gecko)", "Gecko/20100101 Firefox/144.0"
_APPLE_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6"

USER_AGENTS = {
    "desktop": (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) {_GECKO}",
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_APPLE_WEBKIT} Safari/605.1.15",
        f"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) {_GECKO}",
    ),
    "mobile": (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {_APPLE_WEBKIT} Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT} Chrome/141.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Android 15; Mobile; rv:144.0) Gecko/144.0 Firefox/144.0",
    ),
    "tablet": (
        f"Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) {_APPLE_WEBKIT} Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (Linux; Android 14; SM-X710) {_WEBKIT} Chrome/141.0.0.0 Safari/537.36",
    ),
}


@dataclass(frozen=True)
class Device:
    cookie: str
    kind: str
    user_agent: str
    host: str
    """Its address in the network, IPv4 or IPv6."""


@dataclass(frozen=True)
class Handle:
    """A Mastodon account; `linked_account` is the shop account that its profile proves, where it proves one."""

    id: str
    acct: str
    display_name: str
    linked_account: str | None
    followers: int
    posts_a_month: float


@dataclass(frozen=True)
class Person:
    number: int
    name: tuple[str, str]
    age: int
    gender: str
    region: str
    price_tier: str
    interests: tuple[str, str, str]
    email: str
    accounts: tuple[str, ...]
    devices: tuple[Device, ...]
    handles: tuple[Handle, ...]
    peak_hour: int
    weekend_factor: float
    """How much likelier a session is on a day of the weekend than on another day."""
    sessions_a_month: float
    mail_share: float
    """Share of sessions that begin with a click in a campaign's e-mail."""
    guest_of: int | None = None
    """Number of the partner on whose first device this person logs in now and then."""

    def taste(self, rng: np.random.Generator, categories: tuple[str, ...]) -> str:
        """A category for one act."""
        if rng.random() < ELSEWHERE_SHARE:
            return categories[int(rng.integers(len(categories)))]
        return self.interests[pick(rng, INTEREST_WEIGHTS)]


def settle(parameters: Parameters, shop: Shop) -> list[Person]:
    """The people of a town; the two of a household share an address and sometimes a device."""
    rng = parameters.generator("people")
    cookies = _distinct_cookies(rng, 3 * parameters.people)
    account_numbers = rng.permutation(2 * parameters.people)
    people = [_born(rng, number, shop, account_numbers, cookies) for number in range(parameters.people)]
    for first in range(0, int(parameters.people * HOUSEHOLD_SHARE) // 2 * 2, 2):
        owner, partner = people[first], people[first + 1]
        home = tuple(replace(device, host=owner.devices[0].host) for device in partner.devices)
        guest_of = owner.number if rng.random() < SHARED_DEVICE_SHARE else None
        people[first + 1] = replace(partner, devices=home, region=owner.region, guest_of=guest_of)
        if guest_of is not None:
            people[first] = replace(owner, sessions_a_month=max(owner.sessions_a_month, 8.0))
    return people


def _born(rng: np.random.Generator, number: int, shop: Shop, account_numbers: np.ndarray, cookies: list[str]) -> Person:
    first = FIRST_NAMES[int(rng.integers(len(FIRST_NAMES)))]
    last = LAST_NAMES[int(rng.integers(len(LAST_NAMES)))]
    age = int(np.clip(18 + rng.gamma(3.0, 9.0), 18, 88))
    income = rng.normal(loc=-abs(age - 48) / 30 + 0.4)
    two_accounts = rng.random() < 0.10
    accounts = tuple(f"acc-{account_numbers[2 * number + place]:04d}" for place in range(2 if two_accounts else 1))
    count = max(1 + two_accounts, 1 + pick(rng, (0.45, 0.40, 0.15)))
    interests = rng.choice(len(shop.categories), 3, replace=False)
    return Person(
        number=number,
        name=(first, last),
        age=age,
        gender=_GENDERS[pick(rng, _GENDER_WEIGHTS)],
        region=_REGIONS[pick(rng, _REGION_WEIGHTS)],
        price_tier=PRICE_TIERS[int(np.digitize(income, (-0.6, 0.5)))],
        interests=tuple(shop.categories[place] for place in interests),
        email=f"{first}.{last}{number}@mail.example".lower(),
        accounts=accounts,
        devices=_devices(rng, number, age, cookies[3 * number : 3 * number + count]),
        handles=_handles(rng, number, first, accounts[0]),
        peak_hour=_PEAK_HOURS[pick(rng, _PEAK_WEIGHTS)],
        weekend_factor=float(rng.uniform(0.5, 3.0)),
        sessions_a_month=SESSIONS_A_MONTH * float(rng.lognormal(-0.32, 0.8)),
        mail_share=float(rng.beta(2, 10)) * (1.6 if age >= 40 else 0.8),
    )


def _devices(rng: np.random.Generator, number: int, age: int, cookies: list[str]) -> tuple[Device, ...]:
    mobile_share = 0.65 if age < 40 else 0.4
    home = f"10.{number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
    if rng.random() < 0.15:
        home = f"2001:db8:{number // 65_536:x}:{number % 65_536:x}::1"
    devices = []
    for place, cookie in enumerate(cookies):
        kind = ("mobile", "desktop", "tablet")[pick(rng, (mobile_share, 0.9 - mobile_share, 0.1))]
        agents = USER_AGENTS[kind]
        agent = agents[int(rng.integers(len(agents)))]
        road = f"198.{18 + number // 62_500 % 2}.{number // 250 % 250}.{1 + number % 250}"
        devices.append(Device(cookie, kind, agent, road if kind == "mobile" and place > 0 else home))
    return tuple(devices)


def _handles(rng: np.random.Generator, number: int, first: str, account: str) -> tuple[Handle, ...]:
    handles = []
    for place in range(pick(rng, (0.35, 0.5, 0.15))):
        username = f"{first.lower()}{number}{'_photos' if place else ''}"
        handles.append(
            Handle(
                id=str(109_000_000_000_000_000 + (2 * number + place) * 7_919_000_003),
                acct=username if rng.random() < 0.7 else f"{username}@social.example",
                display_name=f"{first} {'☀' if rng.random() < 0.2 else number}",
                linked_account=account if rng.random() < 0.93 else None,
                followers=int(rng.lognormal(4.0, 1.2)),
                posts_a_month=POSTS_A_MONTH * float(rng.lognormal(-0.32, 0.8)),
            )
        )
    return tuple(handles)


def _distinct_cookies(rng: np.random.Generator, count: int) -> list[str]:
    cookies: dict[str, None] = {}
    while len(cookies) < count:
        cookies[rng.bytes(8).hex()] = None
    return list(cookies)
