"""The web server's log on disk, counted without the code that made it."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from contracts.tables.vocabulary import PURPOSES

LINE = re.compile(
    r'(?P<host>\S+) - (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<target>\S+) HTTP/1\.1" '
    r'(?P<status>\d{3}) (?P<size>\d+|-) "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)" "(?P<cookie>[^"]*)"'
)
BOT = re.compile(r"Googlebot|bingbot|AhrefsBot|SemrushBot|YandexBot|facebookexternalhit")
COOKIE = re.compile(r"\bvid=([0-9a-f]{16})\b")
PURCHASE = re.compile(r"order=o-[0-9a-f]+&item=i-\d{4}&qty=\d+&amount=\d+\.\d\d")


def sort_out(town) -> tuple[Counter, list[tuple[Path, dict]]]:
    """Count every kind of dirt from the bytes alone; return the hits that are left with their files."""
    counts, kept = Counter(), []
    for file in town.files("apache_combined", "*.log*"):
        try:
            lines = (gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()).splitlines()
        except EOFError:
            counts["truncated_gzip"] += 1
            continue
        seen = set()
        for line in lines:
            kind, hit = judge(file, line, line in seen)
            counts[kind] += 1
            seen.add(line)
            if kind in ("clean", "late"):
                kept.append((file, hit))
    return counts, kept


def judge(file: Path, line: bytes, is_repeated: bool) -> tuple[str, dict]:
    try:
        match = LINE.fullmatch(line.decode())
    except UnicodeDecodeError:
        return "wrong_encoding", {}
    if match is None:
        return "malformed", {}
    hit = match.groupdict()
    delivered = date.fromisoformat(file.parent.name.removeprefix("ds="))
    days_ahead = (datetime.strptime(hit["time"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC).date() - delivered).days
    assert -5 <= days_ahead <= 400
    kinds = {
        "bot": BOT.search(hit["agent"]) is not None,
        "not_served": int(hit["status"]) >= 400,
        "page_asset": hit["target"].startswith("/static/"),
        "duplicate": is_repeated,
        "clock_skew": days_ahead >= 2,
        "late": days_ahead < 0,
    }
    assert sum(kinds.values()) <= 1, f"two kinds of dirt in one line: {line!r}"
    assert (file.name == "access-late.log") == kinds["late"]
    return next((kind for kind, holds in kinds.items() if holds), "clean"), hit


def test_every_kind_of_dirt_is_counted_in_the_truth(small_town):
    counts, kept = sort_out(small_town)
    tally = small_town.truth["sources"]["apache_combined"]
    del counts["clean"]
    assert {**tally["quarantined_reasons"], **tally["dropped"], **tally["noted"]} == dict(counts)
    assert len(counts) == 9
    assert tally["mapped"] == len(kept)
    assert tally["read"] == tally["mapped"] + tally["quarantined"] + sum(tally["dropped"].values())


def test_identifiers_are_those_of_the_truth(small_town):
    _, kept = sort_out(small_town)
    people = small_town.truth["people"]
    cookies = {match[1] for _, hit in kept if (match := COOKIE.search(hit["cookie"]))}
    assert cookies == {cookie for person in people for cookie in person["cookies"]}
    accounts = {account: person for person in people for account in person["accounts"]}
    assert {hit["user"] for _, hit in kept} - {"-"} <= set(accounts)
    emails = {email for person in people for email in person["emails"]}
    clicked = {email for _, hit in kept for email in parse_qs(urlsplit(hit["target"]).query).get("subscriber", [])}
    assert clicked
    assert clicked <= emails


def test_targets_are_those_that_the_shop_has(small_town):
    _, kept = sort_out(small_town)
    paths = Counter(urlsplit(hit["target"]).path.split("/")[1] for _, hit in kept)
    assert set(paths) == {"", "category", "search", "item", "cart", "checkout", "login", "consent"}
    for _, hit in kept:
        target = urlsplit(hit["target"])
        if target.path == "/login":
            assert (hit["method"], hit["status"]) == ("POST", "302")
            assert hit["user"] != "-"
        if target.path == "/consent":
            assert hit["status"] == "204"
            assert set(parse_qs(target.query)) == set(PURPOSES)
        if target.path == "/checkout/complete":
            assert hit["user"] != "-"
            assert PURCHASE.fullmatch(target.query)


def test_no_visitor_does_two_things_in_one_second(small_town):
    _, kept = sort_out(small_town)
    moments = Counter((COOKIE.search(hit["cookie"]) or [hit["host"]])[0] + hit["time"] for _, hit in kept)
    assert max(moments.values()) == 1
