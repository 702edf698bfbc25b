"""Audiences of a town whose scores are written by hand."""

from __future__ import annotations

import datetime
import json

import pandas as pd
import pytest

from activation.audiences.night import in_batches
from activation.export import make_audiences
from contracts.errors import LakeError, SettingsError
from contracts.keys import write_keys
from contracts.lake import Lake
from contracts.settings import Settings
from tests.training.markov_town import DS, build_town, item, person, publish

CHANCES = {"click_chance": 0.5, "purchase_chance": 0.1, "reasons": ["region north"]}


@pytest.fixture
def scored(tmp_path, monkeypatch):
    """A home of 30 people with ten items each, and a folder of campaigns."""
    build_town(tmp_path, people=30)
    people = [person(number) for number in range(30)]
    publish(
        tmp_path,
        "scores",
        [
            {"person_id": one, "rank": rank, "item_id": item(rank), "score": 1.0 / rank, "reason": "popular"}
            for one in people
            for rank in range(1, 11)
        ],
    )
    predictions = {"leave_chance": 0.1, "expected_value": 1.0, "best_campaign": "autumn"}
    publish(tmp_path, "predictions", [{"person_id": one, **predictions} for one in people])
    publish(tmp_path, "responses", [{"person_id": one, "campaign": "autumn", **CHANCES} for one in people])
    (tmp_path / "campaigns").mkdir()
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_CAMPAIGNS", str(tmp_path / "campaigns"))
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "1")
    return tmp_path


def write_campaigns(home, **texts):
    for name, text in texts.items():
        (home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\npurpose: personalisation\n{text}\n")


def test_a_campaign_that_fails_is_named_and_the_others_are_written(scored):
    write_campaigns(
        scored,
        all_of_them="items: {count: 2}",
        gardens="items: {category: gardening}",
        broken="who: [",
        zoo="",
    )
    with pytest.raises(SettingsError, match=r"broken\.yml"):
        make_audiences(DS)
    report = json.loads((scored / "reports" / f"nightly-{DS}.json").read_text())["audiences"]
    assert {name: entry["status"] for name, entry in report.items()} == {
        "all_of_them": "exported",
        "broken": "failed",
        "gardens": "failed",
        "zoo": "exported",
    }
    assert "'gardening'" in report["gardens"]["error"]
    audiences = Lake(scored / "audiences")
    rows = pd.read_parquet(audiences.partition("all_of_them", DS) / "audience.parquet")
    assert len(rows) == report["all_of_them"]["exported"] == 26  # of 30 all but the four that refuse
    assert audiences.days("zoo") == [DS]
    assert audiences.days("gardens") == audiences.days("broken") == []


def know_everybody(home) -> None:
    """The persons of the town, and a key under which they are hashed."""
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    first_ds = datetime.date(2026, 11, 1)
    people = [*map(person, range(30)), "pffffffffffffffff"]
    publish(
        home,
        "persons",
        [{"identifier": f"account:{one[1:]:0>32}", "person_id": one, "first_ds": first_ds} for one in people],
    )


def test_who_is_held_out_is_published_before_and_gets_nothing(scored):
    know_everybody(scored)
    write_campaigns(
        scored,
        all_of_them="items: {count: 2}",
        letters="items: {count: 2}\nexperiment: {holdout: 0.3, variants: {short: 0.4, long: 0.3}}",
    )
    make_audiences(DS)
    assignments = pd.read_parquet(Lake(scored / "lake").partition("assignments", DS))
    assert set(assignments["experiment"]) == {"letters"}
    arm = assignments.set_index("person_id")["arm"]
    assert len(arm) == 27  # who agreed to personalisation: of 31 all but the four that refuse
    audiences = Lake(scored / "audiences")
    everybody = pd.read_parquet(audiences.partition("all_of_them", DS) / "audience.parquet")
    rows = pd.read_parquet(audiences.partition("letters", DS) / "audience.parquet")
    held_out = {one for one in everybody["person_id"] if arm[one] == "holdout"}
    assert held_out
    assert set(rows["person_id"]) == {*everybody["person_id"]} - held_out
    assert rows.set_index("person_id")["arm"].to_dict() == arm[rows["person_id"]].to_dict()
    assert "arm" not in everybody
    account = json.loads((scored / "reports" / f"nightly-{DS}.json").read_text())["audiences"]["letters"]
    assert account["suppressed"]["held_out"] == len(held_out)
    assert account["changed_arm"] == account["left_out"] == 0
    assert account["sample_ratio_p"] > 0.001
    write_campaigns(scored, letters="")
    make_audiences(DS)
    assert Lake(scored / "lake").days("assignments") == [], "an experiment that was taken back leaves nothing"


def test_people_whom_nobody_has_resolved_are_not_assigned(scored):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    write_campaigns(scored, letters="experiment: {holdout: 0.3}")
    with pytest.raises(LakeError, match="table persons of"):
        make_audiences(DS)
    assert not list((scored / "audiences").glob("letters"))


def files_of(home, name: str) -> dict[str, bytes]:
    folder = Lake(home / "audiences").partition(name, DS)
    csv = (folder / "audience.csv").read_bytes()
    return {"csv": csv, "rows": pd.read_parquet(folder / "audience.parquet").to_csv().encode()}


def test_people_in_batches_are_the_audience_of_all_at_once(scored, monkeypatch):
    write_campaigns(
        scored, all_of_them="items: {count: 2}", answers="sends: autumn\nwho: {at_least: {click_chance: 0.1}}"
    )
    make_audiences(DS)
    at_once = {name: files_of(scored, name) for name in ("all_of_them", "answers")}
    account = json.loads((scored / "reports" / f"nightly-{DS}.json").read_text())["audiences"]
    monkeypatch.setattr("activation.audiences.night._PEOPLE_A_BATCH", 7)
    make_audiences(DS)
    assert {name: files_of(scored, name) for name in at_once} == at_once
    assert json.loads((scored / "reports" / f"nightly-{DS}.json").read_text())["audiences"] == account


def test_a_batch_never_ends_within_a_person_and_nobody_at_all_is_an_empty_one(monkeypatch):
    monkeypatch.setattr("activation.audiences.night._PEOPLE_A_BATCH", 2)
    people = pd.DataFrame({"person_id": ["c", "a", "b", "b", "b", "d"]})
    assert [batch["person_id"].tolist() for batch in in_batches(people)] == [["a", "b", "b", "b"], ["c", "d"]]
    assert [len(batch) for batch in in_batches(people.iloc[:0])] == [0]
