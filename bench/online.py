"""How fast the API answers, what a store costs, and whether a switch of nights is noticed.

    python -m bench.online --people 100000 --items 20000 --rate 200 --seconds 60
    python -m bench.online --only store --store-people 1000000
    python -m bench.online --only switch

latency  made-up people with histories of 5 to 40 items are scored by `serving.score` with a champion of `next_item`
         that was trained on 5,000 of them (one epoch: what it says is not looked at); `GET /recommendations`, and
         `POST /recommendations` with a session of 20 acts; beside it `mlflow models serve` on the same champion and
         histories of 20 items, at a rate that it can bear
store    made-up lists of ten for many people: seconds of the build with its checks, bytes, memory of the server
switch   10,000 requests while the store is switched between two nights, twice, and a person withdraws in the middle

The client (`bench/online_load.py`) is another process on the same machine, and talks over the loopback. What else the
machine does meanwhile is in the line as `load_before`. A JSON line each, in `bench/results/online.jsonl`.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.result import write
from contracts.entry_point import exit_with_sentence
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import hashed
from contracts.settings import REPOSITORY, Settings
from contracts.tables.served import SCORES
from contracts.tables.vocabulary import PURPOSES
from lake_tables.arrow import arrow_schema
from serving.online import layout
from serving.store import switch_to

DAYS = ("2026-11-19", "2026-11-20")
"""Of odd days the made-up scores are from 0 to 1, of even days from 2 to 3."""
PARTS = ("latency", "store", "switch")
_TRAINED_ON = 5_000
_PEOPLE_A_FILE = 100_000
_CONFIG = "epochs: 1\nvalidation_people: 200\nmax_items: 0\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.online", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=100_000, help="(%(default)s)")
    parser.add_argument("--items", type=int, default=20_000, help="(%(default)s)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of each load (%(default)s)")
    parser.add_argument("--store-people", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--switch-people", type=int, default=20_000, help="(%(default)s)")
    parser.add_argument("--mlflow-rate", type=float, default=5, help="requests a second; 0: without (%(default)s)")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="by default all")
    options = parser.parse_args()
    measures = {"latency": latency, "store": store, "switch": switch}
    exit_with_sentence(lambda: [write(_line(part, measures[part], options)) for part in options.only])


def _line(part: str, measure: Any, options: argparse.Namespace) -> dict[str, Any]:
    before = round(os.getloadavg()[0], 1)
    with _home():
        return {"bench": "online", "part": part, "cores": os.cpu_count(), "load_before": before, **measure(options)}


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    """A home of its own, which the environment names meanwhile; one campaign carries one item."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-online-"))
    campaigns = folder / "campaigns"
    campaigns.mkdir()
    (campaigns / "one.yml").write_text("name: one\nabout: One item.\nitems: {count: 1}\n")
    os.environ["NIGHTSHIFT_HOME"] = str(folder)
    os.environ["NIGHTSHIFT_CAMPAIGNS"] = str(campaigns)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def latency(options: argparse.Namespace) -> dict[str, Any]:
    """Times of answers with a champion."""
    from training.registry.client import CHALLENGER, CHAMPION, Registry

    settings = Settings.from_env()
    ds = DAYS[0]
    lay(settings, ds, options.people, options.items, histories=True)
    config = settings.home.root / "config.yml"
    config.write_text(_CONFIG)
    train = ["training.train", "--model", "next_item", "--ds", ds, "--config", str(config)]
    seconds = {"train": _run(*train)}
    registry = Registry.of(settings)
    registry.set_alias(registry.aliased("next_item", CHALLENGER), CHAMPION)
    seconds["score"] = _run("serving.score", "--ds", ds)
    seconds["store"] = _run("serving.store", "--ds", ds)
    report = json.loads((settings.home.reports / ds / "store.json").read_text())["store"]
    with _server(settings) as (port, key, server):
        idle = _memory(server)
        _load(options, port, key, "list", seconds=3)  # pages of the store are read once
        lists = _load(options, port, key, "list")
        sessions = _load(options, port, key, "session")
        memory = _memory(server)
    found = {
        "people": options.people,
        "items": options.items,
        "rate": options.rate,
        "command_seconds": seconds,
        "store": report,
        "get_recommendations_ms": lists,
        "session_of_20_acts_ms": sessions,
        "server_mib": {"at_start": idle, "after": memory},
    }
    if options.mlflow_rate:
        with _mlflow(settings) as port:
            rate = options.mlflow_rate
            _load(options, port, "none", "mlflow", seconds=5, rate=rate)
            found["mlflow_models_serve_ms"] = _load(options, port, "none", "mlflow", rate=rate) | {"rate": rate}
    return found


def store(options: argparse.Namespace) -> dict[str, Any]:
    """What a store of many people costs."""
    settings, ds = Settings.from_env(), DAYS[0]
    lay(settings, ds, options.store_people, options.items, histories=False)
    lay_scores(settings, ds, options.store_people, options.items)
    seconds = _run("serving.store", "--ds", ds)
    report = json.loads((settings.home.reports / ds / "store.json").read_text())
    with _server(settings) as (port, key, server):
        idle = _memory(server)
        lists = _load(options, port, key, "list", people=options.store_people, seconds=min(20, options.seconds))
        memory = _memory(server)
    return {
        "people": options.store_people,
        "items_each": 10,
        "seconds": seconds,
        "seconds_without_start": report["seconds"]["store"],
        "store": report["store"],
        "get_recommendations_ms": lists,
        "server_mib": {"at_start": idle, "after": memory},
    }


def switch(options: argparse.Namespace) -> dict[str, Any]:
    """Requests while nights are switched and a person withdraws."""
    settings, people = Settings.from_env(), options.switch_people
    for ds in DAYS:
        lay(settings, ds, people, options.items, histories=False)
        lay_scores(settings, ds, people, options.items)
    folders = []
    for ds in DAYS:
        _run("serving.store", "--ds", ds)
        folders.append(layout.current_of(settings.home).resolve())
    with _server(settings) as (port, key, _):
        command = _load_command(options, port, key, "list", people=people, seconds=10_000 / options.rate)
        client = subprocess.Popen([*command, "--withdraw"], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for folder in folders:
            time.sleep(10_000 / options.rate / 3)
            switch_to(settings, folder)
        found = json.loads(client.communicate()[0])
    return {"people": people, "rate": options.rate, **found}


def lay(settings: Settings, ds: str, people: int, items: int, *, histories: bool) -> None:
    """Write the tables of a night about made-up people; everybody agreed to everything.

    Args:
        histories: as by popularity; else in equal steps through the first half of the items, which no made-up list has.
    """
    random = np.random.default_rng(7)
    keys, lake = pseudonym_keys(settings), Lake(settings.home.lake)
    ids = [_person(number) for number in range(people)]
    names = [hashed(keys, "account", f"acc-{number}") for number in range(people)]
    first = [datetime.date.fromisoformat(ds)] * people
    _publish(lake, "persons", ds, [pa.table({"identifier": names, "person_id": ids, "first_ds": first})])
    agreed = {f"consent_{purpose}": [True] * people for purpose in PURPOSES}
    _publish(lake, "dim_person_consent", ds, [pa.table({"person_id": ids, **agreed})])
    shares = 1 / np.arange(1, items + 1) ** 0.8
    shares /= shares.sum()
    catalogue = {
        "item_id": [_item(number) for number in range(items)],
        "title": [f"Article {number}" for number in range(items)],
        "category": [f"category {number % 20}" for number in range(items)],
        "price": np.round(random.gamma(2, 20, items), 2),
        "available": [True] * items,
        "interactions": (shares * 1e6).astype("int64"),
    }
    _publish(lake, "dim_item", ds, [pa.table(catalogue)])
    _publish(lake, "training_sequences", ds, [_sequences(random, ids[:_TRAINED_ON], shares)])
    parts = (ids[start : start + _PEOPLE_A_FILE] for start in range(0, people, _PEOPLE_A_FILE))
    drawn = (_sequences(random, part, shares) if histories else _steps(random, part, items) for part in parts)
    _publish(lake, "scoring_sequences", ds, drawn)


def lay_scores(settings: Settings, ds: str, people: int, items: int) -> None:
    """Write made-up lists of ten; the scores say whether the day is odd or even."""
    random = np.random.default_rng(int(ds[-2:]))
    base = 2.0 if int(ds[-2:]) % 2 == 0 else 0.0

    def parts() -> Iterator[pa.Table]:
        for start in range(0, people, _PEOPLE_A_FILE):
            ids = [_person(number) for number in range(start, min(people, start + _PEOPLE_A_FILE))]
            first = random.integers(0, items - items // 2, len(ids))
            chosen = items // 2 + (first[:, None] + np.arange(10)) % (items - items // 2)  # (people, 10)
            columns = {
                "person_id": np.repeat(ids, 10),
                "rank": np.tile(np.arange(1, 11, dtype="int32"), len(ids)),
                "item_id": np.array([_item(number) for number in range(items)])[chosen.ravel()],
                "score": base + np.tile(np.linspace(0.95, 0.05, 10), len(ids)),
                "reason": np.array([f"because you looked at Article {number}" for number in range(items)])[
                    np.repeat(first, 10)
                ],
                "model_version": ["next_item/1"] * (10 * len(ids)),
            }
            yield pa.table(columns).cast(arrow_schema(SCORES))

    _publish(Lake(settings.home.lake), "scores", ds, parts())


def _sequences(random: np.random.Generator, ids: list[str], shares: np.ndarray) -> pa.Table:
    """Histories of 5 to 40 draws by popularity, each item once."""
    lengths = random.integers(5, 41, len(ids))
    drawn = random.choice(len(shares), lengths.sum(), p=shares)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    parts = [random.permutation(np.unique(drawn[start:end])) for start, end in pairwise(offsets)]
    return _histories(ids, np.concatenate(parts), np.array([len(part) for part in parts]), len(shares))


def _steps(random: np.random.Generator, ids: list[str], items: int) -> pa.Table:
    """Histories of 20 items in equal steps."""
    first = random.integers(0, items // 2, len(ids))
    drawn = (first[:, None] + np.arange(20)) % (items // 2)
    return _histories(ids, drawn.ravel(), np.full(len(ids), 20), items)


def _histories(ids: list[str], drawn: np.ndarray, lengths: np.ndarray, items: int) -> pa.Table:
    """Sequences as the mart has them."""
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype("int32"))
    names = pa.array([_item(number) for number in range(items)]).take(pa.array(drawn))
    times = pa.array(1_790_000_000_000_000 + 3_600_000_000 * np.arange(len(drawn))).cast(pa.timestamp("us", "UTC"))
    views = pa.array(["view"]).take(pa.array(np.zeros(len(drawn), "int64")))
    return pa.table(
        {
            "person_id": ids,
            "item_ids": pa.ListArray.from_arrays(offsets, names),
            "occurred_at": pa.ListArray.from_arrays(offsets, times),
            "age_band": ["25-34"] * len(ids),
            "gender": ["unknown"] * len(ids),
            "region": ["north"] * len(ids),
            "strongest_actions": pa.ListArray.from_arrays(offsets, views),
        }
    )


def _publish(lake: Lake, table: str, ds: str, parts: Any) -> None:
    folder, files = lake.staging(table), {}
    for number, part in enumerate(parts):
        file = folder / f"part-{number}.parquet"
        pq.write_table(part, file)
        files[file.name] = file
    lake.publish(table, ds, files)


def _person(number: int) -> str:
    return f"p{number + 1:016x}"


def _item(number: int) -> str:
    return f"i{number:06d}"


def _run(*arguments: str) -> float:
    """Run a command; returns its seconds."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", *arguments], check=True, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    return round(time.monotonic() - started, 1)


def _load_command(
    options: argparse.Namespace,
    port: int,
    key: str,
    what: str,
    *,
    people: int | None = None,
    seconds: float | None = None,
    rate: float | None = None,
) -> list[str]:
    numbers = {
        "--port": port,
        "--key": key,
        "--what": what,
        "--people": people or options.people,
        "--items": options.items,
        "--rate": rate or options.rate,
        "--seconds": seconds or options.seconds,
    }
    return [sys.executable, "-m", "bench.online_load", *(str(word) for pair in numbers.items() for word in pair)]


def _load(*arguments: Any, **more: Any) -> dict[str, Any]:
    command = _load_command(*arguments, **more)
    found = json.loads(subprocess.run(command, check=True, cwd=REPOSITORY, capture_output=True, text=True).stdout)
    return {
        name: value for name, value in found.items() if name == "failed" or (value and name not in ("mixed", "nights"))
    }


@contextlib.contextmanager
def _server(settings: Settings) -> Iterator[tuple[int, str, int]]:
    """The API on a free port: the port, a caller's key, and the id of its process."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.online", "--port", str(port)], cwd=REPOSITORY, stdout=subprocess.DEVNULL
    )
    try:
        _when_up(f"http://127.0.0.1:{port}/readyz", process)
        callers = json.loads((settings.home.secrets / "online_callers.json").read_text())
        yield port, callers["shop"]["key"], process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextlib.contextmanager
def _mlflow(settings: Settings) -> Iterator[int]:
    """`mlflow models serve` on the same champion: its port."""
    port = _free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", "models:/next_item@champion"]
    os.environ["MLFLOW_TRACKING_URI"] = settings.registry_uri
    os.environ["DO_NOT_TRACK"] = "true"
    process = subprocess.Popen(
        [*command, "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)],
        cwd=settings.home.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _when_up(f"http://127.0.0.1:{port}/ping", process)
        yield port
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _when_up(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=2)
            return
        time.sleep(0.2)
    raise TimeoutError(f"{address} did not answer")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _memory(process: int) -> dict[str, float]:
    """MiB of a process: what is its own, and with pages of files that it has read."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    found = {line.partition(":")[0]: line.split() for line in lines if line.startswith(("VmRSS", "RssAnon"))}
    return {"own": round(int(found["RssAnon"][1]) / 1024), "with_files": round(int(found["VmRSS"][1]) / 1024)}


if __name__ == "__main__":
    main()
