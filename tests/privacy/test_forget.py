"""A person who asks is gone from raw, the lake with all its runs, logs and tables; and does not come back."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.erasure import DRY_RUN, OpenRequest
from contracts.errors import BusyError, LakeError, ModelError
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import REPOSITORY
from privacy.forget import forget
from privacy.matcher import SearchPatterns
from privacy.request import Request
from privacy.scan import scan
from privacy.search import files_below, search
from privacy.subject import find_subject
from privacy.waiting_requests import WaitingRequests
from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping.job import map_source
from tests.spark_fixtures import INTERPRETING
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    books,
    deliver,
    log_line,
    post,
    response,
    responses,
    rows_of,
    settings_in,
    truncated_gzip,
)

EVE = "2026-11-18"
RAW = {
    "anna_berg01": "account",
    "cookie-anna1": "cookie",
    "anna.berg@example.org": "email",
    "anna_b1@far.example": "handle",
}
"""Anna, by all her raw names; her login, survey and profile join them."""


def link(account: str) -> list[dict]:
    return [{"name": "Shop", "value": f'<a href="https://shop.example/u/{account}">', "verified_at": "2026-01-01"}]


def anna_s_line(target: str, **more) -> str:
    return log_line(target, user="anna_berg01", cookie="cookie-anna1", **more)


WEB = [
    log_line("/login", user="Anna_Berg01", cookie="cookie-anna1"),
    anna_s_line("/item/i-1"),
    log_line("/item/i-2", cookie="cookie-anna1"),
    anna_s_line("/item/i-3", at="25/Nov/2026:10:00:00 +0000"),
    'broken line of anna_berg01 "',
    log_line("/item/i-4", user="ben_holm02", cookie="cookie-anna1"),
    log_line("/login", user="ben_holm02", cookie="cookie-ben02"),
    log_line("/item/i-5", user="ben_holm02", cookie="cookie-ben02"),
    log_line("/item/i-6", user="anna_berg012", cookie="cookie-other"),
]
"""Of the nine, four are Anna's, one is nobody's but names her, and one is Ben's on her device."""

POSTS = [
    post(
        "1",
        account={"acct": "anna_b1@far.example", "bot": False, "fields": link("anna_berg01")},
        media_attachments=[
            {"id": "m1", "type": "image", "url": "media/m1.png"},
            {"id": "m2", "type": "audio", "url": "media/m2.wav"},
        ],
    ),
    post(
        "2",
        content="<p>for @anna_b1 and all</p>",
        mentions=[{"username": "anna_b1", "acct": "anna_b1@far.example"}],
        account={"acct": "carl_9", "bot": False, "fields": []},
    ),
]


CONTACTS = [
    "account;email;phone",
    "Anna_Berg01;anna.berg@example.org;+49 30 901820",
    "ben_holm02;ben@example.org;+49 30 901821",
]
MORE_CONTACTS = [
    '{"email": "Anna.Berg@example.org", "phone": "+49 171 5550199"}',
    '{"account": "ben_holm02", "email": "anna.berg@example.org"}',
]
"""In the last row Ben has given her address as his: the row is his, and it loses the address."""


@pytest.fixture(scope="module")
def night(tmp_path_factory, spark):  # noqa: ARG001
    """A home after two days of three feeds, with what later steps would have left."""
    settings = settings_in(tmp_path_factory.mktemp("night"))
    fill(settings)
    return settings


def fill(settings) -> None:
    deliver(settings, "apache_combined", "access.log.gz", WEB)
    deliver(settings, "apache_combined", "access.log", [log_line("/item/i-0", cookie="cookie-anna1")], ds=EVE)
    lines = [anna_s_line(f"/x?n={number}") for number in range(500)]
    (settings.raw / "apache_combined" / f"ds={EVE}" / "access-2.log.gz").write_bytes(truncated_gzip(lines))
    deliver(settings, "mastodon", "statuses.jsonl", POSTS)
    deliver(settings, "mastodon", "media/m1.png", b"\x89PNG of hers")
    deliver(settings, "mastodon", "media/m2.wav", b"RIFF of hers")
    mine = response("R_1", email="Anna.Berg@example.org", account="anna_berg01")
    ben = response("R_2", email="ben@example.org", account="ben_holm02", comment="two\nlines")
    deliver(settings, "qualtrics_csv", "responses.csv", responses(mine, ben))
    deliver(settings, "contacts", "contacts.csv", CONTACTS)
    deliver(settings, "contacts", "more.jsonl.gz", MORE_CONTACTS, ds=EVE)
    for source in ("apache_combined", "mastodon", "qualtrics_csv"):
        map_source(settings, source, DAY)
    resolve_identities(settings, DAY)
    # each table of two sources has an earlier run of the day, which stays for its readers
    assert len(list(settings.home.lake.glob(f".runs/identity_edges/{DAY}/*"))) == 2
    name = pseudonym(pseudonym_keys(settings), "email", "anna.berg@example.org")
    [anna] = {row["person_id"] for row in rows_of(settings, "persons") if row["identifier"] == name}
    staging = Lake(settings.home.audiences).staging("activate")
    (staging / "audience.csv").write_text(f"person_id,items\n{anna},i-1\np0123456789abcdef,i-2\n")
    pq.write_table(pa.table({"person_id": [anna, "p0123456789abcdef"], "items": [["i"], ["j"]]}), staging / "a.parquet")
    Lake(settings.home.audiences).publish("letter", DAY, {file.name: file for file in sorted(staging.iterdir())})
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        connection.execute("create table dim_person_profile as select ? as person_id", [anna])
        columns = "unnest([?, 'p0123456789abcdef']) as person_id, timestamp '2026-11-19' as as_of"
        connection.execute(f"create table history_person_profile as select {columns}", [anna])
    settings.home.logs.mkdir()
    (settings.home.logs / "night.log").write_text(f"all is well\nfailed for {anna}\n")
    settings.home.dbt.mkdir()
    (settings.home.dbt / "cache.bin").write_bytes(zlib.compress(b"nothing") + b"\0" + anna.encode())
    settings.home.checkpoints.mkdir()
    (settings.home.checkpoints / "state").write_bytes(b"\0weights")


def occurrences(settings) -> dict[str, int]:
    """Every raw name and pseudonym of Anna that a search still finds below home."""
    keys = pseudonym_keys(settings)
    hashed = {pseudonym(keys, kind, value).partition(":")[2]: "pseudonym" for value, kind in RAW.items()}
    return search(settings.home.root, files_below(settings.home.root), SearchPatterns(RAW | hashed)).by_file()


def copied(settings, folder, **more: str):
    """The same home once more, with further settings."""
    subprocess.run(["cp", "-a", str(settings.home), str(folder / "home")], check=True)
    return settings_in(folder / "home", **more)


def test_a_dry_run_lists_and_changes_nothing(night, tmp_path):
    settings = copied(night, tmp_path)
    before = {file: file.read_bytes() for file in files_below(settings.home.root)}
    receipt = forget(settings, "account:anna_berg01", enforce=False, wait_seconds=0)
    assert receipt.outcome == "would be forgotten"
    assert {"lake/events", "lake/persons", "raw/mastodon", "logs", "warehouse.duckdb"} <= set(receipt.found)
    after = {file: file.read_bytes() for file in files_below(settings.home.root) if "erasures" not in file.parts}
    assert {file: content for file, content in after.items() if ".locks" not in file.parts} == {
        file: content for file, content in before.items() if ".locks" not in file.parts
    }
    assert sorted(one.name for one in receipt.folder.iterdir()) == ["receipt.html", "receipt.json"]


def test_a_person_is_gone_from_everything_and_a_new_delivery_does_not_bring_her_back(night, tmp_path):
    settings = copied(night, tmp_path)
    assert len(occurrences(settings)) > 10
    receipt = forget(settings, "email:anna.berg@example.org", enforce=True, wait_seconds=0)
    assert (receipt.outcome, receipt.remaining) == ("forgotten", 0)
    assert occurrences(settings) == {}

    day = settings.raw / "apache_combined" / f"ds={DAY}"
    lines = subprocess.run(["zcat", str(day / "access.log.gz")], capture_output=True, text=True, check=True).stdout
    assert [line.split('"')[1].split()[1] for line in lines.splitlines()] == [
        "/item/i-4",
        "/login",
        "/item/i-5",
        "/item/i-6",
    ]
    assert '"vid="' in lines.splitlines()[0]
    contacts = (settings.raw / "contacts" / f"ds={DAY}" / "contacts.csv").read_text().splitlines()
    assert contacts == [CONTACTS[0], CONTACTS[2]]
    packed = (settings.raw / "contacts" / f"ds={EVE}" / "more.jsonl.gz").read_bytes()
    assert gzip.decompress(packed).decode().splitlines() == ['{"account": "ben_holm02", "email": ""}']
    numbers = SearchPatterns({"+49 30 901820": "phone", "+49 171 5550199": "phone"})
    assert search(settings.home.root, files_below(settings.home.root), numbers).total == 0
    posts = (settings.raw / "mastodon" / f"ds={DAY}" / "statuses.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in posts] == ["2"]
    assert json.loads(posts[0])["mentions"] == [{"username": "", "acct": ""}]
    assert not list((settings.raw / "mastodon" / f"ds={DAY}").glob("media/*"))
    answers = (settings.raw / "qualtrics_csv" / f"ds={DAY}" / "responses.csv").read_text()
    assert "R_1" not in answers and "two\nlines" in answers
    assert (settings.home.logs / "night.log").read_text() == "all is well\nfailed for [erased]\n"
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        assert connection.execute("select person_id from history_person_profile").fetchall() == [("p0123456789abcdef",)]
    assert "p0123456789abcdef,i-2" in (settings.home.audiences / "letter" / f"ds={DAY}" / "audience.csv").read_text()
    assert not (settings.home.checkpoints / "state").exists()
    keys = pseudonym_keys(settings)
    assert pseudonym(keys, "account", "ben_holm02") in {row["identifier"] for row in rows_of(settings, "events")}

    assert sorted(one.name for one in receipt.folder.iterdir()) == ["receipt.html", "receipt.json"]
    kept = json.loads((receipt.folder / "receipt.json").read_text())
    assert (kept["rescan"]["found"], kept["tombstones"]) == (0, 5)
    assert all(len(change["before"]) == 64 for change in kept["changes"])

    again = forget(settings, "account:Anna_Berg01", enforce=True, wait_seconds=0)
    assert (again.outcome, again.changes) == ("already forgotten", [])

    deliver(settings, "apache_combined", "access.log.gz", WEB)
    map_source(settings, "apache_combined", DAY)
    resolve_identities(settings, DAY)
    book = books(settings, "apache_combined")
    assert (book["read"], book["dropped erased"]) == (9, 4)
    assert book["read"] == sum(
        rows for name, rows in book.items() if name.split()[0] in ("mapped", "quarantined", "dropped")
    )
    for table in ("events", "persons", "identity_edges"):
        assert not {pseudonym(keys, kind, value) for value, kind in RAW.items()} & {
            value for row in rows_of(settings, table) for value in row.values() if isinstance(value, str)
        }


def test_nothing_is_left_of_a_dry_run_that_failed(night, tmp_path, monkeypatch):
    settings = copied(night, tmp_path)
    settings.home.registry_database.touch()
    monkeypatch.setenv("NIGHTSHIFT_APPROVAL", "nonsense")  # the models' part, a process of its own, refuses it
    with pytest.raises(ModelError, match="NIGHTSHIFT_APPROVAL"):
        forget(settings, "account:anna_berg01", enforce=False, wait_seconds=0)
    assert list(settings.home.erasures.iterdir()) == []
    assert not settings.home.tombstones.exists()


def test_an_erasure_ends_what_killed_runs_and_other_requests_left_of_the_person(night, tmp_path):
    settings = copied(night, tmp_path, raw=str(tmp_path / "raw"))
    shutil.move(settings.home.raw, settings.raw)
    person = find_subject(settings, "account:anna_berg01")
    killed = Request.new(settings.home.erasures)
    killed.begin(OpenRequest(DRY_RUN, person, ()))
    draft = settings.raw / "mastodon" / f"ds={DAY}" / ".erasing-statuses.jsonl.draft"
    draft.write_text("by anna_berg01")
    WaitingRequests(settings).add("cookie:cookie-anna1")

    receipt = forget(settings, "account:anna_berg01", enforce=True, wait_seconds=0)
    assert (receipt.outcome, receipt.remaining) == ("forgotten", 0)
    assert not draft.exists()
    assert [folder.name for folder in settings.home.erasures.glob("2*")] == [receipt.request]
    assert WaitingRequests(settings).all() == []
    for root in (settings.home.root, settings.raw):
        assert search(root, files_below(root), SearchPatterns(RAW)).total == 0


def test_a_file_that_cannot_be_read_is_named_and_the_erasure_goes_on_without_it(night, tmp_path):
    settings = copied(night, tmp_path)
    broken = settings.home.lake / ".runs" / "events" / "broken.parquet"
    broken.write_bytes(b"PAR1 and then nothing of the kind")
    with pytest.raises(LakeError, match=r"broken\.parquet.*same command"):
        forget(settings, "account:anna_berg01", enforce=True, wait_seconds=0)
    broken.unlink()
    assert forget(settings, "account:anna_berg01", enforce=True, wait_seconds=0).outcome == "forgotten"
    assert occurrences(settings) == {}


def test_nobody_known_is_a_receipt_and_no_change(night, tmp_path):
    settings = copied(night, tmp_path)
    receipt = forget(settings, "account:nobody_here", enforce=True, wait_seconds=0)
    assert (receipt.outcome, receipt.changes, receipt.tombstones) == ("nothing known", [], 0)
    assert "nobody_here" not in (receipt.folder / "receipt.json").read_text()
    assert not settings.home.tombstones.exists()
    assert scan(settings, None, "pfedcba9876543210").total == 0


def test_an_erasure_is_refused_while_a_step_is_at_work(night, tmp_path):
    settings = copied(night, tmp_path)
    with Lake(settings.home.lake).among_others(), pytest.raises(BusyError, match="nothing was changed"):
        forget(settings, "account:anna_berg01", enforce=True, wait_seconds=0)
    assert not settings.home.erasures.exists()


def test_a_killed_erasure_goes_on_with_the_same_command(night, tmp_path):
    settings = copied(night, tmp_path)
    command = [sys.executable, "-m", "privacy", "forget", "--subject", "account:anna_berg01", "--enforce"]
    environment = os.environ | {
        "NIGHTSHIFT_HOME": str(settings.home),
        "NIGHTSHIFT_SPARK_MASTER": "local[2]",
        "PYSPARK_SUBMIT_ARGS": " ".join([*INTERPRETING, "pyspark-shell"]),
    }
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    deadline = time.monotonic() + 200
    while not list(settings.home.erasures.glob("*/changes.jsonl")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    [request] = settings.home.erasures.iterdir()
    assert (request / "subject.json").stat().st_mode & 0o777 == 0o600
    assert occurrences(settings) != {}
    receipt = forget(settings, "account:anna_berg01", enforce=True, wait_seconds=0)
    assert (receipt.request, receipt.outcome) == (request.name, "forgotten")
    assert occurrences(settings) == {}
    assert not (request / "subject.json").exists()
