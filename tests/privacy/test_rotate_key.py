"""A rotation of keys: the same people under other names, nothing left of the old ones, and a kill changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.erasure import DRY_RUN, ENFORCE, OpenRequest, Subject
from contracts.errors import LakeError, SettingsError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import REPOSITORY, Settings
from privacy.rekeying import keys_of, retired
from privacy.request import Request
from privacy.rotate_key import rotate_key
from privacy.waiting_requests import WaitingRequests
from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import DAY, deliver, log_line, post, response, responses, rows_of, settings_in

NEXT_DAY = "2026-11-20"
TABLES = ("events", "answers", "consents", "identity_edges", "media", "quarantine")


def deliver_day(settings: Settings, ds: str, day: str) -> None:
    """Anna buys, clicks a mail and answers; Bo only looks; a post has a picture; a line is broken."""
    at, *later = (f"{day}/Nov/2026:10:0{minute}:00 +0000" for minute in range(4))
    lines = [
        log_line("/login", user="anna01", cookie="c-anna", at=at),
        log_line("/item/i-1?utm_campaign=spring&subscriber=anna%40example.org", cookie="c-anna", at=later[0]),
        log_line("/checkout/complete?item=i-1&amount=9", user="anna01", cookie="c-anna", at=later[1]),
        log_line("/item/i-2", cookie="c-bo", at=later[2]),
        "anna@example.org was here",
    ]
    deliver(settings, "apache_combined", "access.log", lines, ds=ds)
    picture = {"id": "m1", "type": "image", "url": "media/m1.png"}
    status = post(day, created_at=f"{ds}T10:00:00Z", media_attachments=[picture])
    deliver(settings, "mastodon", "statuses.jsonl", [status], ds=ds)


def map_day(settings: Settings, ds: str) -> None:
    for source in ("apache_combined", "mastodon"):
        map_source(settings, source, ds)


@pytest.fixture(scope="module")
def home(tmp_path_factory, spark) -> Path:  # noqa: ARG001
    """A home after one night: a lake, a mart, an audience and a history by hand, and old runs of partitions."""
    settings = settings_in(tmp_path_factory.mktemp("before"))
    deliver_day(settings, DAY, "19")
    deliver(settings, "qualtrics_csv", "responses.csv", responses(response("R_1")))
    map_source(settings, "qualtrics_csv", DAY)
    map_day(settings, DAY)
    resolve_identities(settings, DAY)
    # each table of two sources has an earlier run of the day, which stays for its readers
    assert len(list(settings.home.lake.glob(f".runs/identity_edges/{DAY}/*"))) == 2

    persons = sorted({row["person_id"] for row in rows_of(settings, "persons")})
    lake, audiences = Lake(settings.home.lake), Lake(settings.home.audiences)
    [picture] = rows_of(settings, "media")
    by_hand = {
        "scores": {"person_id": [*persons, "p" + "0" * 16], "rank": [1] * (len(persons) + 1)},
        **{
            table: {column: [f"media:{picture['media_id']}", "item:i-1"], "person_id": [persons[0], None]}
            for table, column in (("training_pictures", "picture_id"), ("training_sounds", "sound_id"))
        },
    }
    for table, columns in by_hand.items():
        file = lake.staging("by-hand") / "part-00000.parquet"
        pq.write_table(pa.table(columns), file)
        lake.publish(table, DAY, {file.name: file})
    folder = audiences.staging("by-hand")
    pq.write_table(pa.table({"person_id": persons, "item_1": ["i-1"] * len(persons)}), folder / "audience.parquet")
    lines = [f'{person},"a, ""b"""\r\n' for person in persons]
    (folder / "audience.csv").write_bytes("".join(["person_id,item_1_title\r\n", *lines]).encode())
    audiences.publish("spring", DAY, {file.name: file for file in sorted(folder.iterdir())})
    (settings.home.encrypted / "owner").mkdir(parents=True)
    (settings.home.encrypted / "owner" / f"people-{DAY}.json").write_text(json.dumps(persons))
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        connection.execute("create table history_person_profile (person_id varchar, dbt_valid_from timestamp)")
        connection.execute("create table int_events__identified (person_id varchar, identifier varchar)")
        for row in rows_of(settings, "persons"):
            connection.execute(
                "insert into int_events__identified values (?, ?)", [row["person_id"], row["identifier"]]
            )
        for person in persons:
            connection.execute("insert into history_person_profile values (?, timestamp '2026-11-19')", [person])
    return settings.home.root


def copy_of(home: Path, target: Path) -> Settings:
    shutil.copytree(home, target, symlinks=True)
    return settings_in(target)


@pytest.fixture(scope="module")
def rotated(home, tmp_path_factory) -> Settings:
    settings = copy_of(home, tmp_path_factory.mktemp("rotated") / "home")
    rotate_key(settings)
    return settings


def content(settings: Settings) -> dict[str, bytes]:
    """All published files of a home, by path."""
    found = {}
    for lake in (settings.home.lake, settings.home.audiences):
        for link in lake.glob("[!.]*/ds=*"):
            found |= {
                f"{link.relative_to(settings.home.root)}/{file.name}": file.read_bytes() for file in link.iterdir()
            }
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as connection:
        history = connection.execute("select * from history_person_profile order by all").fetchall()
    return found | {"history": repr(history).encode()}


def people(settings: Settings, ds: str = DAY) -> dict[str, str]:
    return {row["identifier"]: row["person_id"] for row in rows_of(settings, "persons", ds)}


def old_names(home: Path) -> set[bytes]:
    """What pseudonyms, ids of rows and people were called before."""
    settings = settings_in(home)
    named = people(settings)
    hashes = {
        row[key][:32]
        for table in TABLES
        for row in rows_of(settings, table)
        for key in row
        if key.endswith("_id") and key not in ("item_id", "session_id") and row[key]
    }
    return {name.encode() for name in {*(one.partition(":")[2] for one in named), *named.values(), *hashes}}


def texts_of(home: Path):
    """Every file of a home but raw, as its bytes and, for Parquet and DuckDB, its values."""
    for file in (path for path in home.rglob("*") if path.is_file()):
        if not file.is_relative_to(home / "raw"):
            yield file, file.read_bytes()
            if file.suffix == ".parquet":
                yield file, str(pq.ParquetFile(file).read().to_pylist()).encode()


def test_no_old_name_is_left_anywhere(home, rotated):
    names = old_names(home)
    assert len(names) > 20
    before = {name for _, text in texts_of(home) for name in names if name in text}
    assert before == names, "the search finds them where they are"
    assert [(file, name) for file, text in texts_of(rotated.home.root) for name in names if name in text] == []
    assert not rotated.home.rotation.exists()
    assert not list(rotated.home.lake.glob(".runs/.staging/*"))


def test_pseudonyms_are_those_of_the_chain_of_keys(rotated):
    keys = pseudonym_keys(rotated)
    assert len(keys) == 2
    assert stat.S_IMODE(rotated.pseudonym_key_file.stat().st_mode) == 0o600
    assert {pseudonym(keys, "account", "anna01"), pseudonym(keys, "cookie", "c-bo")} <= people(rotated).keys()


def test_a_delivery_mapped_from_scratch_under_the_chain_gives_the_same_rows(rotated, tmp_path):
    scratch = settings_in(tmp_path, pseudonym_key_file=str(rotated.pseudonym_key_file))
    shutil.copytree(rotated.raw, scratch.raw)
    map_day(scratch, DAY)
    for table in TABLES:
        mine = [row for row in rows_of(rotated, table) if row.get("source") != "qualtrics_csv"]
        theirs = rows_of(scratch, table)
        assert sorted(map(repr, mine)) == sorted(map(repr, theirs)), table
    assert len(rows_of(rotated, "quarantine")) == 1


def test_people_of_marts_audiences_and_history_are_those_of_the_new_persons(home, rotated):
    before, after = people(settings_in(home)), people(rotated)
    assert len(set(before.values())) == len(set(after.values())) == 3
    assert not set(before.values()) & set(after.values())
    [lost] = {row["person_id"] for row in rows_of(rotated, "scores")} - set(after.values())
    assert lost == retired("p" + "0" * 16)
    assert len(rows_of(rotated, "scores")) == 4
    for table, column in (("training_pictures", "picture_id"), ("training_sounds", "sound_id")):
        media, item = sorted((row[column] for row in rows_of(rotated, table)), reverse=True)
        assert (media, item) == (f"media:{rows_of(rotated, 'media')[0]['media_id']}", "item:i-1")
    folder = Lake(rotated.home.audiences).partition("spring", DAY)
    listed = (folder / "audience.csv").read_bytes().decode().split("\r\n")
    assert set(listed[1:-1]) == {f'{person},"a, ""b"""' for person in after.values()}
    with duckdb.connect(str(rotated.home.warehouse), read_only=True) as connection:
        history = connection.execute("select person_id from history_person_profile").fetchall()
    assert {person for (person,) in history} == set(after.values())


def test_after_a_rotation_known_people_stay_who_they_are(rotated, tmp_path):
    settings = copy_of(rotated.home.root, tmp_path / "home")
    before = people(settings)
    resolve_identities(settings, DAY)
    assert people(settings) == before, "from scratch, the persons are those that were renamed"
    deliver_day(settings, NEXT_DAY, "20")
    map_source(settings, "apache_combined", NEXT_DAY)
    resolve_identities(settings, NEXT_DAY)
    assert people(settings, NEXT_DAY) == before


def test_a_rotation_waits_for_requests_that_name_people_under_the_old_keys(home, tmp_path):
    settings = copy_of(home, tmp_path / "home")
    dry_run = Request.new(settings.home.erasures)
    dry_run.begin(OpenRequest(DRY_RUN, Subject("p0", (), ("p0",), ()), ()))
    waiting = WaitingRequests(settings)
    waiting.add("account:anna01")
    by_pseudonym = waiting.add(next(iter(people(settings))))
    with pytest.raises(LakeError, match=by_pseudonym):
        rotate_key(settings)
    waiting.withdraw(by_pseudonym)
    erasure = Request.new(settings.home.erasures)
    erasure.begin(OpenRequest(ENFORCE, Subject("p0", (), ("p0",), ()), ()))
    with pytest.raises(LakeError, match=erasure.id):
        rotate_key(settings)
    assert not settings.home.rotation.exists()
    erasure.end()
    rotate_key(settings)  # the request by a raw name, and the dry run that was killed, are no hindrance
    assert not dry_run.folder.exists()


class Killed(Exception):  # noqa: N818
    """Stands for the end of the process, at a place that the test chooses."""


@pytest.mark.parametrize("published", [0, 3, 9], ids=str)
def test_a_rotation_that_was_cut_off_goes_on_and_gives_the_same_bytes(home, rotated, tmp_path, monkeypatch, published):
    settings = copy_of(home, tmp_path / "home")
    shutil.copy(rotated.pseudonym_key_file, tmp_path / "new.key")
    done, publish = [], Lake.publish

    def dying(lake, table, *arguments, **words):
        if len(done) == published:
            raise Killed
        done.append(table)
        publish(lake, table, *arguments, **words)

    monkeypatch.setattr(Lake, "publish", dying)
    with pytest.raises(Killed):
        rotate_key(settings, tmp_path / "new.key")
    monkeypatch.setattr(Lake, "publish", publish)
    for step in (lambda: map_source(settings, "mastodon", DAY), lambda: resolve_identities(settings, DAY)):
        with pytest.raises(LakeError, match="rotate-key"):
            step()
    assert all(key.hex() not in settings.home.rotation.read_text() for key in pseudonym_keys(rotated))
    rotate_key(settings)
    assert content(settings) == content(rotated)
    with pytest.raises(SettingsError, match="keys cannot be rotated"):
        pseudonym_keys(settings)  # the new keys have not taken the secret's place yet
    shutil.copy(tmp_path / "new.key", settings.pseudonym_key_file)
    assert pseudonym_keys(settings) == pseudonym_keys(rotated)


def test_a_kill_in_the_middle_leaves_whole_partitions(home, rotated, tmp_path):
    settings = copy_of(home, tmp_path / "home")
    shutil.copy(rotated.pseudonym_key_file, tmp_path / "new.key")
    command = [sys.executable, "-m", "privacy", "rotate-key", "--new-key-file", str(tmp_path / "new.key")]
    environment = os.environ | {"NIGHTSHIFT_HOME": str(settings.home)}
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, start_new_session=True)
    lake = Lake(settings.home.lake)
    deadline = time.monotonic() + 60
    while keys_of(lake.files("answers", DAY)) != 2 and process.poll() is None:
        assert time.monotonic() < deadline
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
    for table in TABLES:
        files = lake.files(table, DAY)
        keys = {(pq.read_schema(file).metadata or {}).get(b"nightshift.keys") for file in files}
        assert len(keys) == 1, table
    if process.returncode:  # it may have ended before the kill on a fast machine
        assert json.loads(settings.home.rotation.read_text())["generation"] == 2
        rotate_key(settings)
    assert content(settings) == content(rotated)


def test_a_key_that_cannot_be_written_asks_for_a_file(home, tmp_path, monkeypatch):
    settings = copy_of(home, tmp_path / "home")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write what is mounted for reading
    with pytest.raises(SettingsError, match="--new-key-file FILE"):
        rotate_key(settings)
    (tmp_path / "other.key").write_text("ab" * 32 + "\n" + "cd" * 32 + "\n")
    with pytest.raises(SettingsError, match="one more behind them"):
        rotate_key(settings, tmp_path / "other.key")
    assert not settings.home.rotation.exists()
