"""How much memory a training takes by the size of its table: sequences of that many people, made by DuckDB.

Makes `training_sequences` of one day (acts are drawn with a few frequent and many rare items), loads it and trains for
some minutes in this process, and prints one JSON line: seconds and the most memory of each step. `anonymous` is what
the process cannot do without; `resident` holds pages of files besides, which the machine takes back when it needs them.

    python -m bench.training_size --model next_item --people 300000 --acts 50 --items 50000 --minutes 0.5
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.entry_point import exit_with_sentence
from contracts.settings import Settings

MODELS = ("next_item", "taste_autoencoder")
DS = "2026-11-20"
_LOOKS_A_SECOND = 20
_PEOPLE_A_FILE = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.training_size", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--people", type=int, default=300_000)
    parser.add_argument("--acts", type=int, default=50, help="mean number of acts of a person (default 50)")
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--minutes", type=float, default=0.5, help="how long to train; 0 only loads (default 0.5)")
    parser.add_argument("--home", type=Path, help="folder that keeps the tables for another call")
    parser.add_argument("--measure", action="store_true", help="measure the model and its baselines too")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(**vars(chosen)))


def bench(
    model: str, people: int, acts: int, items: int, minutes: float, home: Path | None, *, measure: bool
) -> dict[str, Any]:
    """Make the tables, train, write and return the line.

    Raises:
        ModelError: the training failed.
    """
    from bench import result
    from training.arguments import choose_backend
    from training.config import CONFIGS, load_learner, read_config
    from training.learner import Context

    choose_backend()
    learner = load_learner(model)
    config = dataclasses.replace(read_config(CONFIGS / f"{model}.yml", learner.config), minutes=minutes)
    steps: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as passing:
        home = home or Path(passing)
        if not (home / "lake").is_dir():
            make_tables(home, people, acts, items)
        with _peaks(steps, "start"):
            pass
        with _peaks(steps, "load"):
            data = learner.load(Settings.from_env({"NIGHTSHIFT_HOME": str(home)}), DS)
        if minutes:
            with _peaks(steps, "fit"):
                fitted = learner.fit(data, config, Context(say=lambda line: print(line, file=sys.stderr, flush=True)))
        if minutes and measure:
            with _peaks(steps, "measure"):
                learner.measure(fitted, data)
                learner.baselines(data)
            with _peaks(steps, "attack"):
                learner.membership_scores(fitted, data)
    sizes = dict(data.describe())
    line = {"bench": "training_size", "model": model, "minutes": minutes, "sizes": sizes, "steps": steps}
    result.write(line, keep=False)
    return line


def make_tables(home: Path, people: int, acts: int, items: int) -> None:
    """`training_sequences` and `dim_person_consent` of one day; the people stand in no order."""
    import duckdb

    from contracts.lake import Lake

    lake = Lake(home / "lake")
    with duckdb.connect() as connection:
        for table, query in (("training_sequences", _SEQUENCES), ("dim_person_consent", _CONSENTS)):
            folder, files = lake.staging(table), {}
            for start in range(0, people, _PEOPLE_A_FILE):
                file = folder / f"part-{start:012d}.parquet"
                end = min(people, start + _PEOPLE_A_FILE)
                connection.execute(f"COPY ({query.format(start=start, end=end, acts=acts, items=items)}) TO '{file}'")
                files[file.name] = file
            lake.publish(table, DS, files)


_SEQUENCES = """
    WITH drawn AS (
        SELECT p.range AS person, k.range AS act,
            floor({items} * pow(hash(p.range, k.range) / pow(2.0, 64), 3))::INT AS item
        FROM range({start}, {end}) AS p, range(2 * {acts}) AS k
        WHERE k.range < 2 + hash(p.range) % (2 * {acts} - 2)
    ), firsts AS (
        SELECT person, item, min(act) AS act FROM drawn GROUP BY person, item
    )
    SELECT 'p' || lpad(person::VARCHAR, 16, '0') AS person_id,
        list('item-' || lpad(item::VARCHAR, 7, '0') ORDER BY act) AS item_ids,
        list(TIMESTAMP '2026-08-01' + to_seconds(act * 90000 + hash(person, item) % 90000) ORDER BY act) AS occurred_at,
        'unknown' AS age_band, 'unknown' AS gender, 'north' AS region
    FROM firsts GROUP BY person
"""
_CONSENTS = (
    "SELECT 'p' || lpad(range::VARCHAR, 16, '0') AS person_id, true AS consent_training FROM range({start}, {end})"
)


@contextlib.contextmanager
def _peaks(steps: dict[str, dict[str, float]], name: str) -> Iterator[None]:
    """Seconds and GiB at the peak of a step, looked at twenty times a second."""
    highest, ended = {"anonymous": 0, "resident": 0}, threading.Event()

    def look() -> None:
        while True:
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            for kind, field in (("anonymous", "RssAnon"), ("resident", "VmRSS")):
                highest[kind] = max(highest[kind], int(status[field].split()[0]))
            if ended.wait(1 / _LOOKS_A_SECOND):
                return

    thread, started = threading.Thread(target=look), time.perf_counter()
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        gib = {f"{kind}_gib": round(kib / (1 << 20), 2) for kind, kib in highest.items()}
        steps[name] = {"seconds": round(time.perf_counter() - started, 1), **gib}


if __name__ == "__main__":
    main()
