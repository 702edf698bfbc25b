"""A whole town: all its feeds, and the truth that the pipeline has to find out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sample_data.browsing import Decision
from sample_data.feeds.catalogue import catalogue
from sample_data.feeds.contacts import contacts
from sample_data.feeds.feed import Feed, Track, silently
from sample_data.feeds.social import social
from sample_data.feeds.survey import survey
from sample_data.feeds.weblog import weblog
from sample_data.items import open_shop
from sample_data.parameters import Parameters
from sample_data.people import Person, settle
from sample_data.visits import plan_visits, shared_cookies


@dataclass(frozen=True)
class Town:
    feeds: tuple[Feed, ...]
    contacts: dict[str, bytes]
    """Files of addresses, which are no feed: nothing maps them."""
    truth: dict[str, Any]

    @property
    def files(self) -> dict[str, bytes]:
        """`<source>/ds=YYYY-MM-DD/<name>` -> content."""
        feeds = {f"{feed.source}/{name}": content for feed in self.feeds for name, content in feed.files.items()}
        return feeds | self.contacts


def found_town(parameters: Parameters, track: Track = silently) -> Town:
    """The town of these parameters: nothing is written, and equal parameters give equal bytes."""
    shop = open_shop(parameters.generator("shop"), parameters.lines)
    people = settle(parameters, shop)
    visits = plan_visits(parameters, people)
    web, web_decisions = weblog(parameters, shop, visits, track)
    answers, survey_decisions = survey(parameters, shop, people, web_decisions, track)
    posts = social(parameters, shop, people, track)
    feeds = (posts, web, answers, catalogue(parameters, shop, track))
    seen = frozenset().union(*(feed.identifiers for feed in feeds))
    consents = final_consents([*web_decisions, *survey_decisions])
    truth = {
        "parameters": parameters.as_dict(),
        "people": [_truth_of(person, seen, consents.get(person.number, {})) for person in people],
        "shared_cookies": shared_cookies(visits),
        "sources": {feed.source: feed.tally for feed in feeds},
    }
    return Town(feeds, contacts(parameters, people), truth)


def final_consents(decisions: list[Decision]) -> dict[int, dict[str, bool]]:
    """Person -> purpose -> the latest decision; purposes never decided on are absent."""
    latest: dict[int, dict[str, bool]] = {}
    for decision in sorted(decisions, key=lambda decision: decision.second):
        latest.setdefault(decision.person, {})[decision.purpose] = decision.granted
    return latest


def _truth_of(person: Person, seen: frozenset[str], consents: dict[str, bool]) -> dict[str, Any]:
    def known(identifiers: list[str]) -> list[str]:
        return [identifier for identifier in identifiers if identifier in seen]

    return {
        "person": person.number,
        "accounts": known(list(person.accounts)),
        "cookies": known([device.cookie for device in person.devices]),
        "emails": known([person.email]),
        "handles": known([handle.acct for handle in person.handles]),
        "interests": list(person.interests),
        "age": person.age,
        "gender": person.gender,
        "region": person.region,
        "price_tier": person.price_tier,
        "consents": consents,
    }
