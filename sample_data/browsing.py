"""What a person does on a visit: the hits that it leaves on the shop's web server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import numpy as np

from contracts.tables.vocabulary import PURPOSES
from sample_data.items import Item, Shop, pick
from sample_data.parameters import Parameters
from sample_data.people import Device, Person
from sample_data.visits import Shown, Visit

CAMPAIGNS = (("newsletter", "autumn"), ("newsletter", "winter-warmers"), ("loyalty", "birthday"))
"""Each campaign's utm_source and utm_campaign."""

PURPOSE_SHARES = {"profiling": 0.93, "training": 0.86, "personalisation": 0.89, "marketing_contact": 0.65}
"""How many of those who decide grant each purpose."""

MOST_VIEWS = 18
CART_SHARE, PURCHASE_SHARE = 0.14, 0.5

CHOSEN_SHARE, ELSEWHERE_CHOSEN_FACTOR = 0.3, 0.2
"""How often the first of the shown places is chosen, and what is left of it for an item of no taste."""

_ENGINES = ("https://www.google.com/", "https://duckduckgo.com/", "-", "-")


@dataclass(frozen=True)
class Hit:
    """One request as the web server sees it; `account` and `cookie` are None where the request shows none."""

    second: int
    host: str
    account: str | None
    cookie: str | None
    method: str
    target: str
    status: int
    size_bytes: int
    referrer: str
    user_agent: str
    email: str | None = None
    """The subscriber named in the target, unquoted."""

    @property
    def euros(self) -> float:
        """What was paid with it."""
        return float(self.target.rpartition("amount=")[2]) if self.target.startswith("/checkout/complete") else 0.0


@dataclass(frozen=True)
class Decision:
    """One decision of a person on one purpose."""

    person: int
    second: int
    purpose: str
    granted: bool


@dataclass(frozen=True)
class _Step:
    method: str
    target: str
    status: int = 200
    email: str | None = None


def browse(
    rng: np.random.Generator, parameters: Parameters, shop: Shop, visit: Visit, last: Item | None
) -> tuple[list[Hit], list[Decision], Item]:
    """The hits and the decisions of a visit, and the item that the next visit will go on from."""
    person = visit.person
    steps, item = _landing(rng, shop, visit, last)
    if visit.logs_in:
        steps.append(_login())
    choices = _choices(rng, visit.decision)
    if choices:
        flags = "&".join(f"{purpose}={int(granted)}" for purpose, granted in choices.items())
        steps.append(_Step("POST", f"/consent?{flags}", 204))
    day = parameters.day_of(visit.start)
    for view in range(min(int(rng.geometric(0.22)), MOST_VIEWS)):
        if view > 0 or item is None:
            item = shop.after(rng, item or last) or _fresh(rng, shop, person, steps)
            steps.append(_Step("GET", f"/item/{item.id}"))
        price = item.price_on(day, parameters.price_update_day)
        if visit.buys is None and rng.random() < CART_SHARE:
            steps.extend(_buy(rng, item, price, steps))
        elif visit.buys and view == 0:
            steps.extend([_to_cart(item, 1), *_pay(rng, item, price, 1, steps)])
    hits = _timed(rng, visit.device, visit.account, visit.start, steps)
    decided_at = next((hit.second for hit in hits if hit.target.startswith("/consent")), visit.start)
    decisions = [Decision(person.number, decided_at, purpose, granted) for purpose, granted in choices.items()]
    return hits, decisions, item


def _landing(rng: np.random.Generator, shop: Shop, visit: Visit, last: Item | None) -> tuple[list[_Step], Item | None]:
    """The first page, and the item on it where it is about one, or that was chosen from what it showed."""
    if visit.link is not None:
        return [_letter(visit.person, "nightshift", visit.link.campaign, visit.link.item)], visit.link.item
    if visit.by_mail:
        item = shop.after(rng, last) or _entry(rng, shop, visit.person)
        return [_letter(visit.person, *CAMPAIGNS[pick(rng, (0.5, 0.3, 0.2))], item)], item
    if visit.as_guest or rng.random() < 0.5:
        steps = [_Step("GET", "/")]
    else:
        steps = [_Step("GET", f"/category/{visit.person.taste(rng, shop.categories)}")]
    if visit.shown is None:
        return steps, None
    chosen = _chosen(rng, visit.person, visit.shown)
    return [*steps, _beacon(visit.shown), *([_Step("GET", f"/item/{chosen.id}")] if chosen else [])], chosen


def _letter(person: Person, source: str, campaign: str, item: Item) -> _Step:
    """A click in a message: the link says from which campaign, and to whom it was sent."""
    query = f"utm_source={source}&utm_medium=email&utm_campaign={campaign}&subscriber={quote(person.email, safe='')}"
    return _Step("GET", f"/item/{item.id}?{query}", email=person.email)


def _beacon(shown: Shown) -> _Step:
    items = ",".join(item.id for item in shown.items)
    return _Step("GET", f"/shown?campaign={shown.campaign}&plan={shown.plan}&items={items}", 204)


def _chosen(rng: np.random.Generator, person: Person, shown: Shown) -> Item | None:
    """The item that the person goes on with; one further down is seen less often, one of no taste is passed by."""
    draws = rng.random(len(shown.items))
    for position, (item, draw) in enumerate(zip(shown.items, draws, strict=True), 1):
        if draw < CHOSEN_SHARE / position * (1.0 if item.category in person.interests else ELSEWHERE_CHOSEN_FACTOR):
            return item
    return None


def _entry(rng: np.random.Generator, shop: Shop, person: Person) -> Item:
    return shop.enter(rng, person.taste(rng, shop.categories), person.price_tier)


def _fresh(rng: np.random.Generator, shop: Shop, person: Person, steps: list[_Step]) -> Item:
    """An item that nothing before led to, sometimes found by its category's page or by a search."""
    item = _entry(rng, shop, person)
    way = rng.random()
    if way < 0.25:
        steps.append(_Step("GET", f"/category/{item.category}"))
    elif way < 0.45:
        topics = shop.topics[item.category]
        noun = item.title.split(" ", 1)[1].rsplit(" ", 1)[0].lower()
        words = noun if rng.random() < 0.5 else topics[int(rng.integers(len(topics)))]
        steps.append(_Step("GET", f"/search?q={quote_plus(words)}"))
    return item


def _login() -> _Step:
    return _Step("POST", "/login", 302)


def _buy(rng: np.random.Generator, item: Item, price: float, steps: list[_Step]) -> list[_Step]:
    """The item put into the cart, and perhaps paid."""
    quantity = 1 + pick(rng, (0.85, 0.12, 0.03))
    bought = [_to_cart(item, quantity)]
    if rng.random() < PURCHASE_SHARE:
        bought.extend(_pay(rng, item, price, quantity, steps))
    return bought


def _to_cart(item: Item, quantity: int) -> _Step:
    return _Step("POST", f"/cart/add?item={item.id}&qty={quantity}")


def _pay(rng: np.random.Generator, item: Item, price: float, quantity: int, steps: list[_Step]) -> list[_Step]:
    """Who pays has logged in."""
    order = f"o-{rng.bytes(5).hex()}"
    amount = f"{price * quantity:.2f}"
    paid = _Step("GET", f"/checkout/complete?order={order}&item={item.id}&qty={quantity}&amount={amount}")
    return [paid] if _login() in steps else [_login(), paid]


def _choices(rng: np.random.Generator, decision: str | None) -> dict[str, bool]:
    """Purpose -> granted, for the purposes that are decided on."""
    if decision == "grant":
        return {purpose: bool(rng.random() < PURPOSE_SHARES[purpose]) for purpose in PURPOSES}
    if decision == "withdraw":
        keeps_profile = bool(rng.random() < 0.5)
        return {purpose: keeps_profile and purpose == "profiling" for purpose in PURPOSES}
    return {}


def _timed(rng: np.random.Generator, device: Device, account: str, start: int, steps: list[_Step]) -> list[Hit]:
    """The steps as hits: seconds pass between them, each refers to the one before, and a login stays."""
    logged_in = False
    second, referrer = start, _ENGINES[int(rng.integers(len(_ENGINES)))]
    hits = []
    for step in steps:
        logged_in = logged_in or step == _login()
        hits.append(
            Hit(
                second=second,
                host=device.host,
                account=account if logged_in else None,
                cookie=device.cookie,
                method=step.method,
                target=step.target,
                status=step.status,
                size_bytes=0 if step.status == 204 else int(rng.integers(900, 30_000)),
                referrer="-" if step.email else referrer,
                user_agent=device.user_agent,
                email=step.email,
            )
        )
        if step.method == "GET":
            referrer = f"https://shop.example{step.target.split('?')[0]}"
        second += int(rng.integers(8, 110))
    return hits
