"""A day of the town on whose morning messages went out: its visits, its deliveries and its diary."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sample_data.browsing import Hit, browse
from sample_data.feeds import send_log, social, weblog
from sample_data.feeds.dirt import Record, tally
from sample_data.feeds.send_log import SENDS_SECONDS, SENT_SECOND, Letter, log_of
from sample_data.items import Item, Shop, pick
from sample_data.parameters import DAY_SECONDS, Parameters
from sample_data.people import Person
from sample_data.responses.diary import Diary, MessageOfDay, VisitOfDay
from sample_data.responses.effects import KINDS, MEMORY_DAYS, Crowd
from sample_data.responses.planned import Planned
from sample_data.responses.reaction import NOBODY, Messages, Reaction, react
from sample_data.visits import LATER_LOGIN_SHARE, QUIET_SECONDS, Link, Shown, Visit

CLICK_NAMES = {"autumn_letter": "autumn"}
"""Campaigns whose clicks come back under another name than their own, as the campaign's `sends` says."""

LATEST_SECOND = 21 * 3600
"""Of the day, at which a visit begins that follows a message."""


@dataclass(frozen=True)
class Town:
    """A town that lives on after its feeds were laid."""

    parameters: Parameters
    """Those that it was laid by."""
    shop: Shop
    people: list[Person]


def live(
    town: Town, ds: str, night: str | None, planned: list[Planned], diaries: list[Diary], last: dict[int, Item]
) -> tuple[dict[str, bytes], Diary]:
    """The deliveries of a day, `<source>/ds=YYYY-MM-DD/<name>` -> content, and its diary.

    Args:
        night: the night whose plan went out on the morning; None where none did.
        planned: the messages of that plan.
        diaries: of the days before, oldest first.
        last: the item on which each person's last visit ended.
    """
    longer = town.parameters.until(ds)
    day = longer.days - 1
    midnight = longer.start + day * DAY_SECONDS
    bounced, left = (set(diaries[-1].bounced), set(diaries[-1].left)) if diaries else (set(), set())
    sent = [one for one in planned if one.channel != "site"]
    messages = _messages(town, day, sent)
    reaction = react(longer, Crowd.of(town.people), day, messages, earlier_messages(diaries, len(town.people)))
    visits, hits, ended = _visits(town, longer, midnight, night, planned, sent, reaction, last)
    letters = _letters(longer, midnight, night, sent, reaction, visits, town, bounced)
    held_up = [Record(second, day, text) for second, text in diaries[-1].held_up] if diaries else []
    rng = longer.generator(f"deliveries {ds}")
    logged, records = weblog.day_log(rng, longer, town.shop, day, hits)
    lines, later, sent_tally = log_of(rng, letters, day, midnight + DAY_SECONDS, held_up)
    posted, posts_tally = social.day_posts(longer, town.shop, town.people, day)
    files = {f"{weblog.SOURCE}/{name}": content for name, content in logged.items()}
    files |= {f"{social.SOURCE}/{name}": content for name, content in posted.items()}
    if lines:
        files[f"{send_log.SOURCE}/ds={ds}/events.jsonl"] = b"".join(line.line() for line in lines)
    diary = Diary(
        ds=ds,
        plan=night,
        visits=[
            VisitOfDay(one.visit.person.number, round(one.euros, 2), one.came_by, one.kept_away_by) for one in visits
        ],
        messages=_remembered(sent, reaction),
        sources={
            weblog.SOURCE: tally(records),
            social.SOURCE: posts_tally,
            **({send_log.SOURCE: sent_tally} if lines else {}),
        },
        held_up=[(record.second, record.text) for record in later],
        last_items={str(number): item.id for number, item in sorted(ended.items())},
        bounced=sorted(bounced | {one.person for one, dead in zip(sent, reaction.dead, strict=True) if dead}),
        left=sorted(left | {one.person for one, leaves in zip(sent, reaction.leaves, strict=True) if leaves}),
        sent_after_leaving=sum(one.person in left for one in sent),
    )
    return files, diary


def _messages(town: Town, day: int, sent: list[Planned]) -> Messages:
    by_id = {item.id: item for item in town.shop.items}
    first = [next((by_id[id_] for id_ in one.items if id_ in by_id), None) for one in sent]
    update_day = town.parameters.price_update_day
    return Messages(
        person=np.array([one.person for one in sent], int),
        campaign=np.array([one.campaign for one in sent], object),
        price=np.array([item.price_on(day, update_day) if item else 0.0 for item in first], float),
        fits=np.array(
            [
                item is not None and item.category in town.people[one.person].interests
                for one, item in zip(sent, first, strict=True)
            ],
            bool,
        ),
    )


def earlier_messages(diaries: list[Diary], people: int) -> np.ndarray:
    """Messages that reached each person in the days before: (people,)."""
    reached = [one.person for diary in diaries[-(MEMORY_DAYS - 1) :] for one in diary.messages if one.arrived]
    return np.bincount(np.array(reached, int), minlength=people)


@dataclass(frozen=True)
class _Lived:
    """A visit with what it left, whether it is in the log or was prevented."""

    visit: Visit
    euros: float
    came_by: str | None
    kept_away_by: str | None
    clicked: int | None
    """The place of the message that it began with."""


def _visits(
    town: Town,
    longer: Parameters,
    midnight: int,
    night: str | None,
    planned: list[Planned],
    sent: list[Planned],
    reaction: Reaction,
    last: dict[int, Item],
) -> tuple[list[_Lived], list[Hit], dict[int, Item]]:
    """The visits of the day, their hits, and the items on which people's visits ended."""
    by_id = {item.id: item for item in town.shop.items}
    shown = {
        one.person: Shown(one.campaign, night or "", tuple(by_id[id_] for id_ in one.items if id_ in by_id))
        for one in planned
        if one.channel == "site"
    }
    of_person: dict[int, list[int]] = {}
    for place, one in enumerate(sent):
        of_person.setdefault(one.person, []).append(place)
    lived: list[_Lived] = []
    hits: list[Hit] = []
    ended = dict(last)

    def add(name: str, visit: Visit, came_by: str | None, kept_by: str | None, clicked: int | None) -> None:
        number = visit.person.number
        rng = longer.generator(f"visit {name} {midnight} {number}")
        made, _, item = browse(rng, town.parameters, town.shop, visit, ended.get(number))
        made = [hit for hit in made if hit.second < midnight + DAY_SECONDS]
        lived.append(_Lived(visit, sum(hit.euros for hit in made), came_by, kept_by, clicked))
        if kept_by is None:
            ended[number] = item
            hits.extend(made)

    for person in town.people:
        own = of_person.get(person.number, [])
        if not reaction.would_visit[person.number] and not any(reaction.comes[place] for place in own):
            continue
        rng = longer.generator(f"hours {midnight} {person.number}")
        start = midnight + max(600, int(rng.normal(person.peak_hour, 2.0) * 3600) % DAY_SECONDS)
        earliest = midnight + SENT_SECOND + SENDS_SECONDS + 3600 + int(rng.integers(3600))
        anyway = _visit_of(rng, person, start)
        if reaction.would_visit[person.number]:
            keeper = int(reaction.kept_away_by[person.number])
            if keeper != NOBODY:
                add("anyway", anyway, None, sent[keeper].campaign, None)
            else:
                begins = [place for place in own if reaction.clicks[place] and not reaction.comes[place]][:1]
                visit = replace(anyway, shown=shown.get(person.number))
                if begins:
                    start = max(start, earliest)
                    visit = replace(anyway, start=start, link=_link(town, rng, person, sent[begins[0]], by_id))
                add("anyway", visit, None, None, begins[0] if begins else None)
        for place in own:
            if reaction.comes[place]:
                earliest = max(earliest, start + QUIET_SECONDS if abs(earliest - start) < QUIET_SECONDS else earliest)
                visit = _visit_of(rng, person, min(earliest, midnight + LATEST_SECOND))
                link = _link(town, rng, person, sent[place], by_id)
                visit = replace(visit, link=link, buys=bool(reaction.buys[place]))
                add(sent[place].campaign, visit, sent[place].campaign, None, place)
                earliest += 2 * QUIET_SECONDS
    return lived, hits, ended


def _visit_of(rng: np.random.Generator, person: Person, start: int) -> Visit:
    number = pick(rng, (0.65, 0.25, 0.10)[: len(person.devices)])
    return Visit(
        person=person,
        device=person.devices[number],
        account=person.accounts[-1 if number == len(person.devices) - 1 else 0],
        start=start,
        logs_in=bool(rng.random() < LATER_LOGIN_SHARE),
    )


def _link(town: Town, rng: np.random.Generator, person: Person, one: Planned, by_id: dict[str, Item]) -> Link:
    """The first item of the message; where the shop does not have it, one that the person has a taste for."""
    item = next((by_id[id_] for id_ in one.items if id_ in by_id), None)
    item = item or town.shop.enter(rng, person.taste(rng, town.shop.categories), person.price_tier)
    return Link(CLICK_NAMES.get(one.campaign, one.campaign), item)


def _letters(
    longer: Parameters,
    midnight: int,
    night: str | None,
    sent: list[Planned],
    reaction: Reaction,
    visits: list[_Lived],
    town: Town,
    bounced: set[int],
) -> list[Letter]:
    """The messages that went out by mail, of which alone there is a log."""
    rng = longer.generator(f"letters {midnight}")
    begun = {one.clicked: one.visit for one in visits if one.clicked is not None}
    letters = []
    for place, one in enumerate(sent):
        seconds = rng.integers(0, (SENDS_SECONDS, 14 * 3600, 3600)).tolist()
        if one.channel != "mail":
            continue
        start = midnight + SENT_SECOND + seconds[0]
        visit = begun.get(place)
        # a visit of several letters begins with one of them: of the others nothing but the opening is seen
        opened = visit.start - 40 if visit else start + 3600 + seconds[1]
        item = visit.link.item.id if visit and visit.link else ""
        letters.append(
            Letter(
                person=town.people[one.person],
                campaign=one.campaign,
                plan=night or "",
                sent=start,
                url=f"https://shop.example/item/{item}?utm_source=nightshift&utm_medium=email"
                f"&utm_campaign={CLICK_NAMES.get(one.campaign, one.campaign)}",
                blocked=one.person in bounced,
                bounces=bool(reaction.dead[place]),
                is_put_off=bool(reaction.full[place]),
                machine_opens=bool(reaction.machine_opens[place]),
                opened=opened if reaction.opens[place] else None,
                clicked=visit.start - 2 if visit else None,
                left=opened + 60 + seconds[2] if reaction.leaves[place] else None,
                complains=bool(reaction.complains[place]),
            )
        )
    return letters


def _remembered(sent: list[Planned], reaction: Reaction) -> list[MessageOfDay]:
    return [
        MessageOfDay(
            one.person,
            one.campaign,
            bool(reaction.arrives[place]),
            bool(reaction.leaves[place]),
            KINDS[reaction.kind[place]],
            round(float(reaction.expected.visits[place]), 4),
            round(float(reaction.expected.euros[place]), 4),
        )
        for place, one in enumerate(sent)
    ]
