"""Exports of Mastodon statuses, one JSON object a line in the shape of the API's Status entity, and their files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

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
from sample_data.feeds.statuses import account_of, boost_of, bot_account, instant, snowflake, sound_of, status_of
from sample_data.items import Shop
from sample_data.parameters import DAY_SECONDS, Parameters
from sample_data.people import Handle, Person
from sample_data.photos import photo
from sample_data.sounds import RATE, broken, sound
from sample_data.visits import starts_of

SOURCE = "mastodon"

SHARES = {
    "malformed": 0.003,
    "wrong_encoding": 0.002,
    "duplicate": 0.004,
    "late": 0.006,
    "clock_skew": 0.002,
    "bot": 0.012,
}
"""Shares of the people's own statuses."""

UNKNOWN_FIELDS = {"edited_by_moderator": (0.004, True), "x_experiment": (0.01, "feed-ranking-b")}
"""Top-level fields of which no mapping knows: how many statuses have each, and what stands in it."""

PICTURE_SHARE, BOOST_SHARE, REPLY_SHARE = 0.08, 0.12, 0.12
"""Shares of posts with a picture, of statuses that are boosts, and of posts that answer an earlier one."""

SOUND_SHARE = 0.03
"""Of the posts without a picture, those with a sound."""

BROKEN_SOUNDS = ("empty", "silent", "mp3")
BROKEN_SHARE, STEREO_SHARE = 0.02, 0.1
"""Of the sounds, those in which there is nothing to hear, and those of two channels and twice the rate."""

BOTS = ("weatherbot", "trainnews", "quotes_daily")


def social(parameters: Parameters, shop: Shop, people: list[Person], track: Track = silently) -> Feed:
    """All statuses of the town's handles, dirt included, and the pictures and sounds in them."""
    written = _write_all(parameters, shop, people, track)
    sounds = _add_sounds(parameters, written)
    rng = parameters.generator("social dirt")
    unknown = {name: set(planted(rng, written, share)) for name, (share, _) in UNKNOWN_FIELDS.items()}
    clean = []
    for place, (second, _, status) in enumerate(written):
        extra = {name: UNKNOWN_FIELDS[name][1] for name, places in unknown.items() if place in places}
        clean.append(_record(parameters, second, {**status, **extra}, tuple(extra)))
    on_time = delayed(rng, parameters, clean, SHARES["late"])
    records = [*on_time, *_dirt(rng, parameters, written, [record for record in on_time if record.dirt is None])]
    broken_day = parameters.days // 3
    broken = _never_delivered(parameters, written[:60], broken_day)
    files = {f"ds={parameters.ds(broken_day)}/statuses-2.jsonl.gz": broken_archive(broken)}
    for day, lines in by_day(records).items():
        content = b"".join(record.line() for record in lines)
        files[f"ds={parameters.ds(day)}/statuses.jsonl.gz"] = compressed(content)
    for (_, category, status), record in zip(written, on_time, strict=True):
        for attachment in status["media_attachments"]:
            content = sounds[attachment["url"]] if attachment["url"] in sounds else photo(rng, category)
            files[f"ds={parameters.ds(record.day)}/{attachment['url']}"] = content
    return Feed(SOURCE, files, tally(records, broken_archives=1), seen_in(clean))


def _write_all(
    parameters: Parameters, shop: Shop, people: list[Person], track: Track
) -> list[tuple[int, str, dict[str, Any]]]:
    """(second, category, status) of everything that people write, by time."""
    rng = parameters.generator("social")
    wording = parameters.generator("social wording")
    return _write(rng, wording, shop, _plan(rng, parameters, people), PICTURE_SHARE, track)


def _add_sounds(parameters: Parameters, written: list[tuple[int, str, dict[str, Any]]]) -> dict[str, bytes]:
    """Put sounds into some of the posts; returns them by their addresses. It has chance of its own: all else stays."""
    rng = parameters.generator("social sounds")
    sounds = {}
    for _, category, status in written:
        if status["reblog"] is not None or status["media_attachments"] or rng.random() >= SOUND_SHARE:
            continue
        attachment = sound_of(status["id"])
        status["media_attachments"] = [attachment]
        stereo = rng.random() < STEREO_SHARE
        content = sound(rng, category, rate=2 * RATE if stereo else RATE, channels=2 if stereo else 1)
        if rng.random() < BROKEN_SHARE:
            content = broken(BROKEN_SOUNDS[int(rng.integers(len(BROKEN_SOUNDS)))])
        sounds[attachment["url"]] = content
    return sounds


def day_posts(parameters: Parameters, shop: Shop, people: list[Person], day: int) -> tuple[dict[str, bytes], dict]:
    """What people write on one day that comes after the town was laid, without pictures and dirt: a file, its tally."""
    rng = parameters.generator(f"social {day}")
    of_day = replace(parameters, days=1, last_day=parameters.ds(day))
    wording = parameters.generator(f"social wording {day}")
    written = _write(rng, wording, shop, _plan(rng, of_day, people), 0.0, silently)
    records = [_record(parameters, second, status) for second, _, status in written]
    content = compressed(b"".join(record.line() for record in records))
    return {f"ds={parameters.ds(day)}/statuses.jsonl.gz": content}, tally(records)


def _plan(rng: np.random.Generator, parameters: Parameters, people: list[Person]) -> list[tuple[int, Person, Handle]]:
    """When who writes under which handle, by time."""
    plans = []
    for person in people:
        for handle in person.handles:
            count = int(rng.poisson(handle.posts_a_month * parameters.days / 30))
            for second in starts_of(rng, parameters, person, count, apart_seconds=60):
                plans.append((second, person, handle))
    return sorted(plans, key=lambda plan: (plan[0], plan[2].id))


def _write(
    rng: np.random.Generator,
    wording: np.random.Generator,
    shop: Shop,
    plans: list[tuple[int, Person, Handle]],
    picture_share: float,
    track: Track,
) -> list[tuple[int, str, dict[str, Any]]]:
    written: list[tuple[int, str, dict[str, Any]]] = []
    latest: dict[str, dict[str, Any]] = {}
    for number, (second, person, handle) in enumerate(track(plans, "social posts")):
        category = person.taste(rng, shop.categories)
        earlier = latest.get(category)
        if earlier is not None and earlier["account"]["acct"] == handle.acct:
            earlier = None
        account = account_of(handle, second)
        id_ = snowflake(second, number)
        if earlier is not None and rng.random() < BOOST_SHARE:
            written.append((second, category, boost_of(earlier, id_, second, account)))
            continue
        status = status_of(
            rng,
            wording,
            id_,
            second,
            account,
            category=category,
            topics=shop.topics[category],
            email=person.email,
            answers=earlier if rng.random() < REPLY_SHARE else None,
            has_picture=bool(rng.random() < picture_share),
        )
        latest[category] = status
        written.append((second, category, status))
    return written


def _record(parameters: Parameters, second: int, status: dict[str, Any], unknown: tuple[str, ...] = ()) -> Record:
    account = status["account"]
    linked = [field["value"].rsplit("/u/", 1)[1].removesuffix("</a>") for field in account["fields"]]
    return Record(
        second=second,
        day=parameters.day_of(second),
        text=json.dumps(status, ensure_ascii=False, separators=(",", ":")),
        identifiers=frozenset((account["acct"], *linked)),
        unmapped_fields=unknown,
    )


def _dirt(rng: np.random.Generator, parameters: Parameters, written: list, clean: list[Record]) -> list[Record]:
    """The dirty records: cut and repeated lines of clean records, and changed copies of statuses under new ids."""

    def changed(kind: str, change: Callable[[dict[str, Any], int], dict[str, Any]]) -> list[Record]:
        records = []
        for number, place in enumerate(planted(rng, written, SHARES[kind])):
            second, _, status = written[place]
            copy = {**status, "id": snowflake(second, 40_000 + number), "media_attachments": []}
            record = _record(parameters, second, change(copy, second))
            records.append(replace(record, dirt=kind, identifiers=frozenset()))
        return records

    return [
        *copies(rng, clean, SHARES["malformed"], "malformed", lambda record: _cut(rng, record)),
        *duplicates(rng, clean, SHARES["duplicate"]),
        *changed("wrong_encoding", lambda status, _: {**status, "content": f"<p>See you in the {LATIN_1_MARK}</p>"}),
        *changed("clock_skew", lambda status, second: {**status, "created_at": instant(second + skew_seconds(rng))}),
        *changed("bot", lambda status, _: {**status, "account": bot_account(BOTS[int(rng.integers(len(BOTS)))])}),
    ]


def _cut(rng: np.random.Generator, record: Record) -> Record:
    """The line without its end."""
    length = len(record.text)
    return replace(record, text=record.text[: int(rng.integers(length // 3, 2 * length // 3))])


def _never_delivered(parameters: Parameters, written: list, day: int) -> list[Record]:
    """Records of one day for an archive that cannot be read; no other file has them."""
    midnight = parameters.start + day * DAY_SECONDS
    records = []
    for place, (_, _, status) in enumerate(written):
        second = midnight + 60 * place
        fresh = {"id": snowflake(second, 60_000 + place), "created_at": instant(second), "media_attachments": []}
        records.append(_record(parameters, second, {**status, **fresh}))
    return records
