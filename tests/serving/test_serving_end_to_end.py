import csv
import json

import pandas as pd
import pytest

from activation.export import make_audiences
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.served import SCORES
from contracts.verdicts import last_champions
from serving.score import score
from serving.scoring.recommendations import POPULAR, TOGETHER
from tests.homes import copied_home
from tests.training.markov_town import DS, action_on, build_town, person, publish, sequence_rows
from training.registry.client import Registry


@pytest.fixture
def scores(night):
    return pd.read_parquet(Lake(night / "lake").partition("scores", DS))


def title(item_id):
    return "=Shoe 0" if item_id == "i00" else f"Shoe {int(item_id[1:])}"


def audience(home, name):
    return pd.read_parquet(Lake(home / "audiences").partition(name, DS) / "audience.parquet")


def test_everyone_who_agreed_is_scored_and_nobody_else(scores, report):
    agreed = {person(number) for number in range(120) if number % 7 != 6} | {"pffffffffffffffff"}
    assert set(scores["person_id"]) == agreed
    assert {key: report("score")[key] for key in ("scored_people", "failed_people")} == {
        "scored_people": 104,  # 120 without the 17 that refuse, and the newcomer
        "failed_people": 0,
    }


def test_scores_keep_their_contract(scores):
    assert scores.columns.tolist() == SCORES.column_names
    assert not scores.duplicated(list(SCORES.key)).any()
    assert (scores.groupby("person_id")["rank"].apply(list).map(lambda ranks: ranks == list(range(1, 11)))).all()
    assert set(scores["model_version"]) == {"next_item/2"}


def test_nothing_that_was_seen_is_recommended(scores):
    seen = {(row["person_id"], item) for row in sequence_rows(120) for item in row["item_ids"]}
    assert not seen & set(zip(scores["person_id"], scores["item_id"], strict=True))


def test_every_item_that_a_campaign_can_carry_has_a_reason(scores, night):
    best, said = scores["rank"] <= 2, scores["reason"].notna()  # `contacted` takes two items, `runners_at_home` three
    assert said[best].all()
    assert not said.all()
    assert said[~best].groupby(scores["person_id"]).sum().le(3).all()
    for name in ("contacted", "runners_at_home"):
        rows = audience(night, name)
        items = rows.filter(regex=r"^item_\d+$")
        assert (items.notna().to_numpy() == rows.filter(regex="_why$").notna().to_numpy()).all()
    scores = scores[said]
    newcomer = scores["person_id"] == "pffffffffffffffff"
    assert set(scores.loc[newcomer, "reason"]) == {POPULAR}
    words = {"view": "looked at {}", "cart": "put {} in the cart", "purchase": "bought {}", "rate": "rated {}"}
    because = {
        row["person_id"]: {f"because you {words[action_on(i)].format(title(i))}" for i in row["item_ids"]}
        for row in sequence_rows(120)
    }
    for person_id, reason in scores.loc[~newcomer, ["person_id", "reason"]].itertuples(index=False):
        assert reason in because[person_id] or reason == TOGETHER
    for beginning in ("because you looked at", "because you put", "because you bought", "because you rated"):
        assert scores["reason"].str.startswith(beginning).mean() > 0.1


def test_sequences_of_a_release_that_knew_no_actions_are_scored_with_reasons_of_looking(night, tmp_path, monkeypatch):
    home = copied_home(night, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(home))
    before = pd.read_parquet(Lake(home / "lake").partition("scores", DS))
    consenting = set(before["person_id"])
    publish(home, "scoring_sequences", [row for row in sequence_rows(120) if row["person_id"] in consenting])
    score(DS)
    after = pd.read_parquet(Lake(home / "lake").partition("scores", DS))
    pd.testing.assert_frame_equal(after.drop(columns="reason"), before.drop(columns="reason"))
    assert set(after["reason"].str.extract("^(because you [a-z]+)", expand=False).dropna()) == {"because you looked"}


def test_a_contact_needs_both_consents(night):
    numbers = {int(person_id[1:], 16) for person_id in audience(night, "contacted")["person_id"]}
    # the newcomer has no interests; everyone else likes running with 0.7
    assert numbers == {number for number in range(120) if number % 7 != 6 and number % 2 == 0}


def test_accounts_add_up(report):
    accounts = report("activate")["audiences"]
    assert set(accounts) == {"contacted", "runners_at_home"}
    for account in accounts.values():
        assert account["scored"] == 121
        assert account["scored"] == account["exported"] + sum(account["suppressed"].values()) + account["failed"]
    assert accounts["contacted"]["exported"] == 51
    assert accounts["contacted"]["suppressed"] == {
        "no_consent": 69,
        "outside_audience": 1,
        "no_recommendation": 0,
        "small_group": 0,
    }


def test_items_come_from_the_category_and_seen_from_both_files_alike(night):
    rows = audience(night, "runners_at_home")
    assert rows.columns.tolist()[:4] == ["person_id", "item_1", "item_1_title", "item_1_why"]
    assert all(int(item[1:]) % 2 == 1 for item in rows[["item_1", "item_2", "item_3"]].stack())
    with (Lake(night / "audiences").partition("runners_at_home", DS) / "audience.csv").open(newline="") as file:
        [header, *lines] = csv.reader(file)
    assert header == rows.columns.tolist()
    assert [line[0] for line in lines] == rows["person_id"].tolist() == sorted(rows["person_id"])


def test_a_title_that_is_a_formula_is_harmless_in_the_csv(night):
    with (Lake(night / "audiences").partition("contacted", DS) / "audience.csv").open(newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert "'=Shoe 0" in cells
    assert not [cell for cell in cells if cell.startswith("=")]
    assert "=Shoe 0" in set(audience(night, "contacted")[["item_1_title", "item_2_title"]].stack())


def test_an_audience_below_the_smallest_group_leaves_files_without_people(night, tmp_path, monkeypatch, report):
    before = report("activate")["audiences"]["contacted"]
    home = copied_home(night, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(home))
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "52")
    make_audiences(DS)
    account = json.loads((home / "reports" / DS / "activate.json").read_text())["audiences"]["contacted"]
    assert account["exported"] == 0
    assert account["suppressed"] == before["suppressed"] | {"small_group": before["exported"]}
    rows = audience(home, "contacted")
    assert len(rows) == 0
    text = (Lake(home / "audiences").partition("contacted", DS) / "audience.csv").read_text()
    assert text.split() == [",".join(rows.columns)]


def test_a_rerun_gives_the_same_bytes(night):
    lakes = [(Lake(night / "lake"), "scores"), (Lake(night / "audiences"), "contacted")]
    before = [lake.digest(table, DS) for lake, table in lakes]
    score(DS)
    make_audiences(DS)
    assert [lake.digest(table, DS) for lake, table in lakes] == before


def test_without_a_champion_everyone_gets_what_is_popular(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    build_town(tmp_path, people=12)
    score(DS)
    made = pd.read_parquet(Lake(tmp_path / "lake").partition("scores", DS))
    assert set(made["model_version"]) == {"popularity"}
    assert set(made["reason"]) == {POPULAR}
    assert set(made.groupby("person_id").size()) == {10}
    test_nothing_that_was_seen_is_recommended(made)
    assert "models" not in json.loads((tmp_path / "reports" / DS / "score.json").read_text())


def test_a_champion_that_was_deleted_by_hand_is_an_alert(night, tmp_path, monkeypatch, capsys):
    home = copied_home(night, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(home))
    Registry.of(Settings.from_env()).client.delete_registered_model("next_item")
    score(DS)
    made = pd.read_parquet(Lake(home / "lake").partition("scores", DS))
    assert set(made["model_version"]) == {"popularity"}
    models = json.loads((home / "reports" / DS / "score.json").read_text())["models"]
    champion = last_champions(Settings.from_env().home.ledger)["next_item"]
    alert = f"version {champion} had become champion, and there is no champion any more"
    assert models["next_item"]["alert"].startswith(alert)
    assert f"score: alert: next_item: {alert}" in capsys.readouterr().out


def test_audiences_without_scores(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    build_town(tmp_path, people=12)
    with pytest.raises(LakeError, match=r"serving\.score --ds 2026-11-20"):
        make_audiences(DS)
