"""The shop's web server log: Apache's combined format and an eleventh field, the cookie header."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count

import numpy as np

from sample_data.browsing import Decision, Hit, browse
from sample_data.feeds.dirt import (
    LATIN_1_MARK,
    Record,
    broken_archive,
    by_day,
    compressed,
    copies,
    delayed,
    duplicates,
    planted,
    skew_seconds,
    tally,
)
from sample_data.feeds.feed import Feed, Track, seen_in, silently
from sample_data.items import Item, Shop
from sample_data.parameters import DAY_SECONDS, Parameters, moment
from sample_data.people import USER_AGENTS
from sample_data.visits import Visit

SOURCE = "apache_combined"

SHARES = {
    "malformed": 0.003,
    "wrong_encoding": 0.002,
    "duplicate": 0.004,
    "late": 0.006,
    "clock_skew": 0.001,
    "bot": 0.045,
    "not_served": 0.022,
    "page_asset": 0.055,
    "passer_by": 0.02,
}
"""Shares of the people's own hits; a passer-by is a clean hit without cookie and account."""

LATE_DELIVERY_DAYS = 3
"""Every third day has a second file with what arrived late."""

BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
)

_ASSETS = ("/static/app.css", "/static/app.js", "/static/logo.png")
_FAILURES = (("/item/i-9999", 404), ("/old/summer-sale", 404), ("/search?q=", 500), ("/item/i-0001", 500))
_THEMES = ("vid={vid}; theme=dark", "theme=light; vid={vid}", "vid={vid}")


def weblog(
    parameters: Parameters, shop: Shop, visits: list[Visit], track: Track = silently
) -> tuple[Feed, list[Decision]]:
    """The log of all visits, dirt included, and the decisions on consent that can be read from it."""
    hits, decisions, _ = _browse_all(parameters, shop, visits, track)
    rng = parameters.generator("weblog dirt")
    strangers = [_as_passer_by(rng, shop, hit) for hit in _sample(rng, hits, SHARES["passer_by"])]
    clean = [_record(parameters, hit) for hit in _apart(parameters, [*hits, *strangers])]
    on_time = delayed(rng, parameters, clean, SHARES["late"], _has_late_file)
    records = [*on_time, *_dirt(rng, parameters, shop, hits, [each for each in on_time if each.dirt is None])]
    broken_day = parameters.days // 2
    broken = _never_delivered(parameters, hits[:60], broken_day)
    files = {f"ds={parameters.ds(broken_day)}/access-2.log.gz": broken_archive(broken)}
    for day, lines in by_day(records).items():
        folder = f"ds={parameters.ds(day)}"
        late = [record for record in lines if record.dirt == "late"]
        files[f"{folder}/access.log.gz"] = compressed(_joined(record for record in lines if record.dirt != "late"))
        if late:
            files[f"{folder}/access-late.log"] = _joined(late)
    return Feed(SOURCE, files, tally(records, broken_archives=1), seen_in(clean)), decisions


def day_log(
    rng: np.random.Generator, parameters: Parameters, shop: Shop, day: int, hits: list[Hit]
) -> tuple[dict[str, bytes], list[Record]]:
    """The log of one day that comes after the town was laid, dirt included: its files, and their records."""
    strangers = [_as_passer_by(rng, shop, hit) for hit in _sample(rng, hits, SHARES["passer_by"])]
    clean = [_record(parameters, hit) for hit in _apart(parameters, [*hits, *strangers])]
    records = [*clean, *_dirt(rng, parameters, shop, hits, clean)]
    content = _joined(record for lines in by_day(records).values() for record in lines)
    return {f"ds={parameters.ds(day)}/access.log.gz": compressed(content)}, records


def last_items(parameters: Parameters, shop: Shop, visits: list[Visit]) -> dict[int, Item]:
    """The item on which each person's last visit ended."""
    return _browse_all(parameters, shop, visits, silently)[2]


def _browse_all(
    parameters: Parameters, shop: Shop, visits: list[Visit], track: Track
) -> tuple[list[Hit], list[Decision], dict[int, Item]]:
    rng = parameters.generator("browsing")
    hits: list[Hit] = []
    decisions: list[Decision] = []
    last: dict[int, Item] = {}
    for visit in track(visits, "web log"):
        number = visit.person.number
        made, decided, last[number] = browse(rng, parameters, shop, visit, last.get(number))
        hits.extend(hit for hit in made if hit.second < parameters.end)
        decisions.extend(decision for decision in decided if decision.second < parameters.end)
    return hits, decisions, last


def _apart(parameters: Parameters, hits: list[Hit]) -> list[Hit]:
    """The hits in order of time, never two of one visitor in one second: a later one moves on by a second."""
    taken: set[tuple[str, int]] = set()
    moved = []
    for hit in sorted(hits, key=lambda hit: hit.second):
        second = next(free for free in count(hit.second) if (hit.cookie or hit.host, free) not in taken)
        taken.add((hit.cookie or hit.host, second))
        moved.append(replace(hit, second=second))
    return [hit for hit in moved if hit.second < parameters.end]


def _record(parameters: Parameters, hit: Hit) -> Record:
    identifiers = frozenset(filter(None, (hit.account, hit.cookie, hit.email)))
    return Record(hit.second, parameters.day_of(hit.second), _line(hit), identifiers=identifiers)


def _line(hit: Hit) -> str:
    cookies = _THEMES[int(hit.cookie[0], 16) % len(_THEMES)].format(vid=hit.cookie) if hit.cookie else "-"
    return (
        f"{hit.host} - {hit.account or '-'} [{moment(hit.second):%d/%b/%Y:%H:%M:%S} +0000] "
        f'"{hit.method} {hit.target} HTTP/1.1" {hit.status} {hit.size_bytes or "-"} '
        f'"{hit.referrer}" "{hit.user_agent}" "{cookies}"'
    )


def _dirt(
    rng: np.random.Generator, parameters: Parameters, shop: Shop, hits: list[Hit], clean: list[Record]
) -> list[Record]:
    """The dirty records: cut and repeated lines of clean records, and changed copies of the people's own hits."""

    def changed(kind: str, change: Callable[[Hit], Hit]) -> list[Record]:
        records = []
        for hit in _sample(rng, hits, SHARES[kind]):
            record = _record(parameters, change(replace(hit, method="GET", status=200, email=None)))
            records.append(replace(record, day=parameters.day_of(hit.second), dirt=kind, identifiers=frozenset()))
        return records

    return [
        *copies(rng, clean, SHARES["malformed"], "malformed", lambda record: _cut(rng, record)),
        *duplicates(rng, clean, SHARES["duplicate"]),
        *changed("wrong_encoding", lambda hit: replace(hit, target=f"/search?q={LATIN_1_MARK}")),
        *changed("clock_skew", lambda hit: replace(hit, target="/", second=hit.second + skew_seconds(rng))),
        *changed("bot", lambda hit: _as_bot(rng, shop, hit)),
        *changed("not_served", lambda hit: _failed(rng, hit)),
        *changed("page_asset", lambda hit: replace(hit, target=_ASSETS[int(rng.integers(len(_ASSETS)))])),
    ]


def _cut(rng: np.random.Generator, record: Record) -> Record:
    """The line without its end, from somewhere in the request on."""
    end = record.text.index(" HTTP/1.1")
    return replace(record, text=record.text[: int(rng.integers(end - 4, end))])


def _sample(rng: np.random.Generator, hits: list[Hit], share: float) -> list[Hit]:
    return [hits[place] for place in planted(rng, hits, share)]


def _failed(rng: np.random.Generator, hit: Hit) -> Hit:
    target, status = _FAILURES[int(rng.integers(len(_FAILURES)))]
    return replace(hit, target=target, status=status)


def _some_item_page(rng: np.random.Generator, shop: Shop) -> str:
    category = shop.categories[int(rng.integers(len(shop.categories)))]
    return f"/item/{shop.enter(rng, category, 'middle').id}"


def _as_bot(rng: np.random.Generator, shop: Shop, hit: Hit) -> Hit:
    bot = int(rng.integers(len(BOTS)))
    return replace(
        hit,
        host=f"203.0.113.{20 * bot + int(rng.integers(1, 20))}",
        account=None,
        cookie=None,
        target=_some_item_page(rng, shop),
        referrer="-",
        user_agent=BOTS[bot],
    )


def _as_passer_by(rng: np.random.Generator, shop: Shop, hit: Hit) -> Hit:
    agents = [agent for kind in USER_AGENTS.values() for agent in kind]
    return replace(
        hit,
        host=f"100.{int(rng.integers(64, 128))}.{int(rng.integers(256))}.{int(rng.integers(1, 255))}",
        account=None,
        cookie=None,
        method="GET",
        target=_some_item_page(rng, shop),
        status=200,
        referrer="https://www.google.com/",
        user_agent=agents[int(rng.integers(len(agents)))],
        email=None,
    )


def _never_delivered(parameters: Parameters, hits: list[Hit], day: int) -> list[Record]:
    """Records of one day for an archive that cannot be read; no other file has them."""
    midnight = parameters.start + day * DAY_SECONDS
    return [_record(parameters, replace(hit, second=midnight + 60 * place)) for place, hit in enumerate(hits)]


def _has_late_file(day: int) -> bool:
    return day % LATE_DELIVERY_DAYS == LATE_DELIVERY_DAYS - 1


def _joined(records: Iterable[Record]) -> bytes:
    return b"".join(record.line() for record in records)
