"""The statuses on disk, counted without the code that made them."""

from __future__ import annotations

import gzip
import json
import re
import wave
import zlib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

HANDLE_FIELD = re.compile(r'<a href="https://shop\.example/u/(acc-\d+)" rel="me">shop\.example/u/\1</a>')


def lines_of(file: Path) -> list[bytes]:
    return gzip.decompress(file.read_bytes()).splitlines()


def sort_out(town) -> tuple[Counter, list[tuple[Path, dict]]]:
    """Count every kind of dirt from the bytes alone; return the statuses that are left with their files."""
    counts, kept = Counter(), []
    for file in town.files("mastodon", "*.jsonl.gz"):
        try:
            lines = lines_of(file)
        except EOFError:
            counts["truncated_gzip"] += 1
            continue
        seen = set()
        for line in lines:
            try:
                text = line.decode()
            except UnicodeDecodeError:
                counts["wrong_encoding"] += 1
                continue
            try:
                status = json.loads(text)
            except json.JSONDecodeError:
                counts["malformed"] += 1
                continue
            delivered = date.fromisoformat(file.parent.name.removeprefix("ds="))
            days_ahead = (date.fromisoformat(status["created_at"][:10]) - delivered).days
            if status["account"]["bot"]:
                counts["bot"] += 1
            elif line in seen:
                counts["duplicate"] += 1
            elif days_ahead > 0:
                assert 2 <= days_ahead <= 400
                counts["clock_skew"] += 1
            else:
                assert days_ahead >= -5
                counts["late"] += days_ahead < 0
                counts.update(key for key in ("x_experiment", "edited_by_moderator") if key in status)
                kept.append((file, status))
            seen.add(line)
    return counts, kept


def test_every_kind_of_dirt_is_counted_in_the_truth(small_town):
    counts, kept = sort_out(small_town)
    tally = small_town.truth["sources"]["mastodon"]
    planted = {**tally["quarantined_reasons"], **tally["dropped"], **tally["noted"], **tally["unmapped_fields"]}
    assert planted == dict(counts)
    assert set(planted) >= {"malformed", "wrong_encoding", "clock_skew", "truncated_gzip", "bot", "duplicate", "late"}
    assert tally["mapped"] == len(kept)
    assert tally["read"] == tally["mapped"] + tally["quarantined"] + sum(tally["dropped"].values())


def test_ids_are_unique_and_fields_are_those_of_a_status(small_town):
    _, kept = sort_out(small_town)
    assert len({status["id"] for _, status in kept}) == len(kept)
    for _, status in kept:
        assert set(status) >= {"id", "created_at", "content", "reblog", "account", "media_attachments", "tags", "poll"}
        assert status["content"].startswith("<p>")
        assert status["tags"]


def test_handles_and_their_proven_accounts_are_in_the_truth(small_town):
    _, kept = sort_out(small_town)
    owner = {handle: person for person in small_town.truth["people"] for handle in person["handles"]}
    assert set(owner) == {status["account"]["acct"] for _, status in kept}
    for _, status in kept:
        for field in status["account"]["fields"]:
            assert HANDLE_FIELD.fullmatch(field["value"])[1] in owner[status["account"]["acct"]]["accounts"]


def test_pictures_and_sounds_stand_beside_their_statuses(small_town):
    _, kept = sort_out(small_town)
    attached = [(file.parent, each) for file, status in kept for each in status["media_attachments"]]
    pictures, sounds = (
        {folder / each["url"] for folder, each in attached if each["type"] == kind} for kind in ("image", "audio")
    )
    assert pictures == set(small_town.files("mastodon", "media/*.png"))
    assert sounds == set(small_town.files("mastodon", "media/*.wav"))
    for file in pictures:
        with Image.open(file) as picture:
            assert picture.size == (64, 64)
    for file in sounds:
        with wave.open(str(file)) as heard:
            assert heard.getframerate() == 8000 * heard.getnchannels()


def test_a_broken_archive_holds_nothing_that_is_delivered_elsewhere(small_town):
    (broken,) = small_town.files("mastodon", "statuses-2.jsonl.gz")
    with pytest.raises(EOFError):
        gzip.decompress(broken.read_bytes())
    readable = zlib.decompressobj(wbits=31).decompress(broken.read_bytes())
    lost = set(re.findall(rb'^\{"id":"(\d+)"', readable, re.MULTILINE))
    assert lost
    _, kept = sort_out(small_town)
    assert not lost & {status["id"].encode() for _, status in kept}
