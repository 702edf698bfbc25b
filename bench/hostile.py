"""What a night makes of hostile raw rows: it ends, and nobody else loses a profile.

A town is laid twice. Beside the deliveries of the second one's last day stand files of rows whose every field, in every
format, holds what a stranger could write into it: no number, an endless or absurd one, dates of the year 1 and 9999,
identifiers that are nobody's, joined objects, bytes that are no text. Both towns are mapped, resolved and profiled; the
second one's steps must end with status 0, and everybody who has a profile in the first must have one in the second.

    python -m bench.hostile --rows 10000 --people 300

Days are mapped with --accept-quarantine: the limit, which refuses a day of which too much cannot be mapped, protects
from a broken delivery, and half of these rows are meant to be quarantined.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb

from bench import result
from contracts.report import Report
from contracts.settings import REPOSITORY, Settings

DAY = "2026-11-19"
SOURCES = ("catalogue", "mastodon", "qualtrics_csv", "apache_combined")

VALUES = (
    *("", " ", "-", "NaN", "Infinity", "-Infinity", "-1", "0", "1e300", "-1e300", "1e-300", "99999999999999999999"),
    *("undefined", "null", "none", "0000", "anonymous", "true", "[]", "{}", "i-0001", "19,90", "1.234,50", "\u20ac5"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-13-45", "1e9", "2026-11-19T10:00:00Z", "43788"),
    *("\x00", "\u200b", "\u202e", "\ud7ff", "\U0001f600" * 9, "a" * 5000, "' or 1=1 --", "${env:HOME}", "%00%ff%"),
    *("../../etc/passwd", "<script>", "::ffff:127.0.0.1", "[2001:db8::1]:443", "a\tb", "zo\u00e9", "zoe\u0301", '"'),
)
"""What stands in the fields."""


def web_line(rng: random.Random) -> bytes:
    """A line of a web server's log."""
    value = lambda: rng.choice(VALUES)  # noqa: E731  read as one word below
    target = rng.choice(
        (
            f"/item/{value()}",
            f"/cart/add?item={value()}",
            f"/checkout/complete?item={value()}&amount={value()}",
            f"/consent?profiling={value()}&training={value()}",
            f"/login?subscriber={value()}",
            f"/search?q={value()}&utm_campaign={value()}",
            value(),
        )
    )
    host = rng.choice(("203.0.113.7", value()))
    time = rng.choice(("19/Nov/2026:10:00:00 +0000", "01/Jan/0001:00:00:00 +0000", value()))
    status = rng.choice(("200", value()))
    line = f'{host} - {value()} [{time}] "GET {target} HTTP/1.1" {status} 1 "-" "{value()}" "vid={value()}"'
    return line.encode() if rng.random() < 0.95 else line.encode("utf-16-le")


def post(rng: random.Random) -> bytes:
    """A line of posts: one object, several, or what is none."""
    value = lambda: rng.choice((*VALUES, None, -1, 1e308, 0, True, [], {}, [None]))  # noqa: E731
    found = {
        "id": value(),
        "created_at": rng.choice(("2026-11-19T10:00:00Z", value())),
        "content": value(),
        "account": rng.choice(({"acct": value(), "bot": value(), "fields": value()}, value())),
        "tags": rng.choice(([{"name": value()}] * rng.choice((1, 99)), value())),
        "media_attachments": rng.choice(([{"id": value(), "type": "image", "url": value()}], value())),
    }
    text = json.dumps(found, ensure_ascii=rng.random() < 0.5)
    return rng.choice((text, text, text, text + text, text + " words", text[:-9], f"[{text}]", "[" * 500)).encode()


def item(rng: random.Random) -> bytes:
    """A line of the catalogue."""
    value = lambda: rng.choice((*VALUES, None, -1, 1e300, [], {}))  # noqa: E731
    price = rng.choice(({"amount": value(), "currency": rng.choice(("EUR", value()))}, value()))
    found = {"id": f"h-{rng.random()}{value()}", "title": value(), "category": value(), "price": price}
    return json.dumps(found).replace("1e+300", "NaN").encode()


def response(rng: random.Random, header: list[str]) -> bytes:
    """A row of the survey's export."""
    fields = [rng.choice((*VALUES, "34", "Yes", "2026-11-19 09:00:00")).replace('"', '""') for _ in header]
    return ",".join(f'"{field}"' for field in fields[: rng.choice((len(fields), len(fields), 3))]).encode()


def deliver(raw: Path, rows: int, seed: int) -> None:
    """Lay hostile files beside the good ones of the last day, a quarter of the rows a source."""
    rng = random.Random(seed)
    each = rows // len(SOURCES)
    makers = {
        "apache_combined": ("access-hostile.log", web_line),
        "mastodon": ("statuses-hostile.jsonl", post),
        "catalogue": ("items-hostile.jsonl", item),
    }
    for source, (name, make) in makers.items():
        folder = raw / source / f"ds={DAY}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"".join(make(rng).replace(b"\n", b" ") + b"\n" for _ in range(each)))
    good = next(iter(sorted((raw / "qualtrics_csv").glob("ds=*/responses*.csv"))))
    lines = good.read_bytes().splitlines(keepends=True)
    head = lines[: 1 + next(place for place, line in enumerate(lines) if b"ImportId" in line)]
    titles = head[0].decode("utf-8-sig").strip().split(",")
    folder = raw / "qualtrics_csv" / f"ds={DAY}"
    folder.mkdir(parents=True, exist_ok=True)
    body = [response(rng, titles).replace(b"\n", b" ") + b"\n" for _ in range(each)]
    (folder / "responses-hostile.csv").write_bytes(b"".join([*head, *body]))


def night(settings: Settings) -> dict[str, int]:
    """Map, resolve and profile; step -> exit status."""
    main = [sys.executable, "spark_jobs/main.py"]
    steps = {f"map {one}": [*main, "map", "--source", one, "--ds", DAY, "--accept-quarantine"] for one in SOURCES}
    steps["resolve"] = [*main, "resolve", "--ds", DAY]
    steps["profile"] = [sys.executable, "-m", "dbt_project.build", "--ds", DAY]
    ended = {}
    for name, command in steps.items():
        done = _run(command, settings)
        ended[name] = done.returncode
        if done.returncode:
            print(f"{name}: {done.stderr[-600:]}", file=sys.stderr)
    return ended


def _run(command: list[str], settings: Settings) -> subprocess.CompletedProcess[str]:
    """A command on the home of these settings."""
    at_home = ["env", f"NIGHTSHIFT_HOME={settings.home.root}", *command]
    return subprocess.run(at_home, cwd=REPOSITORY, capture_output=True, text=True)


def people_with_profiles(settings: Settings) -> set[str]:
    """The identifiers of everybody who has a profile on the day."""
    lake = settings.home.lake
    query = f"""
        select identifier from read_parquet('{lake}/persons/ds={DAY}/*.parquet')
        where person_id in (select person_id from read_parquet('{lake}/dim_person_profile/ds={DAY}/*.parquet'))
    """
    return {identifier for (identifier,) in duckdb.sql(query).fetchall()}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.hostile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000, help="hostile rows (default %(default)s)")
    parser.add_argument("--people", type=int, default=300, help="people of the town (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another number, other rows (default %(default)s)")
    chosen = parser.parse_args()
    root = Settings.from_env().home.bench / "hostile"
    shutil.rmtree(root, ignore_errors=True)
    homes = {name: Settings.from_env({"NIGHTSHIFT_HOME": str(root / name)}) for name in ("good", "hostile")}
    town = [sys.executable, "-m", "sample_data.town", "--people", str(chosen.people), "--days", "6"]
    _run(town, homes["good"]).check_returncode()
    night(homes["good"])
    for part in ("raw", "secrets"):  # the same keys, so that the same people have the same names
        shutil.copytree(homes["good"].home.root / part, homes["hostile"].home.root / part)
    deliver(homes["hostile"].raw, chosen.rows, chosen.seed)
    ended = night(homes["hostile"])
    good, hostile = people_with_profiles(homes["good"]), people_with_profiles(homes["hostile"])
    sources = Report(homes["hostile"].home.reports, DAY).merge()["sources"]
    result.write(
        {
            "bench": "hostile",
            "rows": chosen.rows,
            "seed": chosen.seed,
            "steps_stopped": sorted(name for name, status in ended.items() if status),
            "with_profile_before": len(good),
            "without_profile_because_of_them": len(good - hostile),
            "quarantined": {name: entry["quarantined"] for name, entry in sources.items()},
            "records_quarantined": {name: entry["records"]["quarantined"] for name, entry in sources.items()},
        }
    )


if __name__ == "__main__":
    main()
