"""A home whose audiences are written by hand: people with accounts and mail addresses, and a delivery of contacts."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.deliver import deliver
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from tests.activation.receiver import SECRET

NIGHT, NEXT_NIGHT = "2026-11-20", "2026-11-21"


def person(number: int) -> str:
    return f"p{number:016x}"


def mail(number: int) -> str:
    return f"p{number}@mail.example"


def publish(home: Path, table: str, ds: str, rows: list[dict], schema: pa.Schema | None = None) -> None:
    lake = Lake(home / "lake")
    file = lake.staging(table) / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema), file)
    lake.publish(table, ds, {file.name: file})


def lay_town(home: Path, people: int, nights: Iterable[str] = (NIGHT, NEXT_NIGHT)) -> None:
    """The marts and persons of some nights, of people who agree to everything, and what the shop knows of them."""
    keys = pseudonym_keys(Settings.from_env({"NIGHTSHIFT_HOME": str(home)}))
    for ds in nights:
        publish(home, "dim_item", ds, [{"item_id": "i-1", "title": "A shoe", "category": "running"}])
        publish(home, "dim_person_profile", ds, [{"person_id": "", "interests": [{"category": "running"}]}])
        let_agree(home, ds, dict.fromkeys(range(people), True))
        rows = [
            {"identifier": pseudonym(keys, kind, name), "person_id": person(one), "first_ds": datetime.date(2026, 1, 1)}
            for one in range(people)
            for kind, name in (("account", f"acc-{one}"), ("email", mail(one)))
        ]
        publish(home, "persons", ds, rows)
    (home / "campaigns").mkdir(exist_ok=True)
    lay_contacts(home, [f"acc-{one},{mail(one)},+49 30 55 {one:04d}" for one in range(people)])


def let_agree(home: Path, ds: str, people: Mapping[int, bool]) -> None:
    purposes = ("profiling", "training", "personalisation", "marketing_contact")
    rows = [
        {"person_id": person(one), **{f"consent_{purpose}": agrees for purpose in purposes}}
        for one, agrees in people.items()
    ]
    publish(home, "dim_person_consent", ds, rows)


def lay_contacts(home: Path, lines: list[str], ds: str = NIGHT) -> None:
    folder = home / "raw" / "contacts" / f"ds={ds}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contacts.csv").write_text("\n".join(["account,email,phone", *lines, ""]))


def lay_audience(home: Path, name: str, ds: str, people: Iterable[int], channel: str = "mail") -> None:
    """The campaign, and the audience that `activation.export` would have made."""
    (home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\npurpose: marketing_contact\nchannel: {channel}\n")
    columns = ("item_1", "item_1_title", "item_1_why")
    rows = [{"person_id": person(one), **dict.fromkeys(columns, "i-1"), "click_chance": 0.5} for one in people]
    schema = pa.schema([("person_id", pa.string()), *((one, pa.string()) for one in columns)])
    schema = schema.append(pa.field("click_chance", pa.float64()))
    audiences = Lake(home / "audiences")
    file = audiences.staging("made") / "audience.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema), file)
    audiences.publish(name, ds, {file.name: file})


def configure(home: Path, url: str, *, batch: int = 10, more: str = "") -> None:
    """A webhook `crm` and a folder `post`, with their secrets."""
    secret = home / "secrets" / "crm"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(SECRET)
    secret.chmod(0o600)
    (home / "destinations.yml").write_text(
        f"destinations:\n  crm:\n    kind: webhook\n    url: {url}\n    secret: secrets/crm\n"
        f"    messages_a_batch: {batch}\n    timeout_seconds: 0.2\n{more}"
        f"  post: {{kind: file, folder: ../delivered}}\n"
    )


def home_with_audience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """A home of 30 people, of whom 25 are in an audience, and its destinations; a webhook is tried again at once."""
    home = tmp_path / "home"
    home.mkdir()
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("activation.destinations.webhook._FIRST_PAUSE_SECONDS", 0.001)
    lay_town(home, 30)
    lay_audience(home, "letters", NIGHT, range(25))
    configure(home, url)
    return home


def environment(home: Path) -> dict[str, str]:
    return {
        "NIGHTSHIFT_HOME": str(home),
        "NIGHTSHIFT_CAMPAIGNS": str(home / "campaigns"),
        "NIGHTSHIFT_DESTINATIONS": str(home / "destinations.yml"),
    }


def receipts(home, ds: str = NIGHT) -> pd.DataFrame:
    return pd.concat(pd.read_parquet(file) for file in Lake(home / "lake").files("deliveries", ds))


def books(home, ds: str = NIGHT, to: str = "crm") -> dict:
    return json.loads((home / "reports" / f"nightly-{ds}.json").read_text())["deliveries"][to]["campaigns"]


def mails(people) -> list[str]:
    return sorted(mail(one) for one in people)


def deliver_until_killed(
    night: str, destination: str, moment: random.Random, within: tuple[float, float], had: Callable[[], int] | None
) -> tuple[bool, bool]:
    """Deliver in another process, which is killed with -9 some seconds later, if it has not ended by then.

    Args:
        within: seconds, of which the lot draws.
        had: how much the receiver has had; the seconds begin when that grows. None: they begin with the process.

    Returns:
        Whether it was killed, and whether it ended well.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["activation.deliver", "asyncssh"])
    run = context.Process(target=_deliver_here, args=(dict(os.environ), night, destination))
    run.start()
    before = had() if had is not None else 0
    while had is not None and had() == before and run.is_alive():
        time.sleep(0.0005)
    time.sleep(moment.uniform(*within))
    killed = run.is_alive()
    if killed:
        os.kill(run.pid, signal.SIGKILL)
    run.join()
    assert run.exitcode in (0, -signal.SIGKILL), "it failed by itself"
    return killed, run.exitcode == 0


def _deliver_here(environment: Mapping[str, str], night: str, destination: str) -> None:
    """The process that forks was begun by whichever test came first, in that test's home."""
    os.environ.clear()
    os.environ.update(environment)
    deliver(night, destination)
