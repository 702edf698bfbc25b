"""The comparison with the truth, against figures worked out by hand."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.report import Report
from contracts.settings import REPOSITORY
from sample_data.truth import compare
from tests.sample_data.town_on_disk import settings_in

DS = "2026-11-19"
ADA = {"person": 0, "accounts": ["acc-1"], "cookies": ["c1"], "emails": ["ada@mail.example"], "handles": ["ada"]}
BEN = {"person": 1, "accounts": ["acc-2"], "cookies": ["c2"], "emails": [], "handles": []}
TALLY = {"read": 12, "mapped": 9, "quarantined": 2, "quarantined_reasons": {"malformed": 2}, "dropped": {"bot": 1}}


@pytest.fixture
def town(tmp_path):
    """A home with the truth on two people: Ada has four identifiers, that is six pairs, Ben two, that is one."""
    settings = settings_in(tmp_path)
    settings.home.truth.mkdir(parents=True)
    people = [{**ADA, "interests": ["running", "home", "pets"]}, {**BEN, "interests": ["music", "travel", "home"]}]
    sources = {"mastodon": {**TALLY, "noted": {"late": 3}, "unmapped_fields": {}}}
    (settings.home.truth / "town.json").write_text(json.dumps({"people": people, "sources": sources}))
    return settings


def hashed(settings, identifier: str) -> str:
    kind, raw = identifier.split(":", 1)
    key = bytes.fromhex(settings.pseudonym_key_file.read_text().strip())
    return f"{kind}:{hmac.new(key, f'{kind}:{raw}'.encode(), hashlib.sha256).hexdigest()[:32]}"


def publish(settings, persons: dict[str, str], interests: dict[str, list[str]]) -> None:
    pseudonym_keys(settings)
    rows = [{"identifier": hashed(settings, name), "person_id": person} for name, person in persons.items()]
    profiles = [
        {"person_id": person, "interests": [{"category": each, "weight": 0.5} for each in named]}
        for person, named in interests.items()
    ]
    lake = Lake(settings.home.lake)
    for table, content in (("persons", rows), ("dim_person_profile", profiles)):
        staged = lake.staging(table) / "part-0.parquet"
        pq.write_table(pa.Table.from_pylist(content), staged)
        lake.publish(table, DS, {"part-0.parquet": staged})


ALL_RIGHT = {
    "account:acc-1": "p1",
    "cookie:c1": "p1",
    "email:ada@mail.example": "p1",
    "handle:ada": "p1",
    "account:acc-2": "p2",
    "cookie:c2": "p2",
}


def test_everything_found_is_one(town):
    publish(town, ALL_RIGHT, {"p1": ["pets", "home", "running"], "p2": ["music", "travel", "home", "pets"]})
    report = {"sources": {"mastodon": {**TALLY, "noted": {"late": 3, "masked": 40}, "unmapped_fields": {}}}}
    found = compare(town, DS, report)
    assert found["identity_f1"] == found["identity_precision"] == found["identity_recall"] == 1.0
    assert found["interest_recall@3"] == 1.0
    assert found["dirt"]["equal"]


def test_two_people_taken_for_one_lower_precision(town):
    publish(town, dict.fromkeys(ALL_RIGHT, "p1"), {"p1": ["running"]})
    found = compare(town, DS, {})
    assert found["identity_precision"] == round(7 / 15, 4)
    assert found["identity_recall"] == 1.0
    assert found["identity_f1"] == round(2 * 7 / (15 + 7), 4)


def test_missing_and_separated_identifiers_lower_recall(town):
    persons = {name: person for name, person in ALL_RIGHT.items() if name != "handle:ada"} | {"cookie:c2": "p3"}
    publish(town, persons, {"p1": ["running", "music", "travel"], "p2": [], "p9": ["music"]})
    found = compare(town, DS, {})
    assert found["identity_precision"] == 1.0
    assert found["identity_recall"] == round(3 / 7, 4)
    assert found["interest_recall@3"] == round(1 / 3, 4)


def test_dirt_that_the_mapping_missed_is_not_equal(town):
    publish(town, ALL_RIGHT, {"p1": ["running"]})
    missed = {**TALLY, "mapped": 10, "quarantined": 1, "quarantined_reasons": {"malformed": 1}, "noted": {"late": 3}}
    dirt = compare(town, DS, {"sources": {"mastodon": missed}})["dirt"]
    assert not dirt["equal"]
    assert dirt["planted"]["mastodon"]["quarantined_reasons"] == {"malformed": 2}
    assert dirt["found"]["mastodon"]["quarantined_reasons"] == {"malformed": 1}


def run_truth(settings) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "sample_data.truth", "--ds", DS],
        cwd=REPOSITORY,
        env={"NIGHTSHIFT_HOME": str(settings.home), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_adds_its_fragment_to_the_report(town):
    publish(town, ALL_RIGHT, {"p1": ["running"]})
    Report(town.home.reports, DS).write("map", {"sources": {"mastodon": TALLY}})
    ended = run_truth(town)
    assert ended.returncode == 0, ended.stderr
    assert Report(town.home.reports, DS).merge()["truth"]["identity_f1"] == 1.0


def test_without_a_town_the_command_ends_quietly(tmp_path):
    ended = run_truth(settings_in(tmp_path))
    assert ended.returncode == 0
    assert "nothing to compare" in ended.stdout


def test_without_a_lake_the_command_says_what_to_run(town):
    ended = run_truth(town)
    assert ended.returncode == 2
    assert "resolve" in ended.stderr
