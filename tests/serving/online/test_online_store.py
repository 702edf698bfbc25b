"""The store of a night: equal to its tables, refused where it was changed, switched in one step."""

import datetime
import os
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.settings import Settings
from serving.online import layout
from serving.online.layout import FORMAT, ITEMS, MANIFEST, PEOPLE, Manifest
from serving.online.opened_store import OpenedStore
from serving.online.recommending import Act, recommend
from serving.store import build_store
from tests.training.markov_town import DS, item, person, publish, sequence_rows


@pytest.fixture
def store(stored_home):
    opened = OpenedStore.open((stored_home / "online" / "current").resolve())
    yield opened
    opened.close()


def test_every_list_is_the_nights_with_scores_reasons_and_versions(store, stored_home):
    scores = pd.read_parquet(Lake(stored_home / "lake").partition("scores", DS))
    assert scores["person_id"].nunique() == 104
    for person_id, rows in scores[scores["rank"] <= 10].groupby("person_id"):
        found = recommend(store, layout.person_key(person_id)).items
        assert [store.item(one.item)["item_id"] for one in found] == rows["item_id"].tolist()
        assert [one.score for one in found] == rows["score"].tolist()
        assert [one.reason for one in found] == [None if pd.isna(one) else one for one in rows["reason"]]
        assert {one.version for one in found} == {"next_item/2"}


def test_an_arm_of_people_has_the_lists_of_the_version_in_shadow(home):
    lake = Lake(home / "lake")
    scores = pd.read_parquet(lake.partition("scores", DS))
    some = [person(0), person(1)]
    shadow = scores[scores["person_id"].isin(some) & (scores["rank"] <= 10)].assign(model_version="next_item/3")
    shadow["item_id"] = shadow.groupby("person_id")["item_id"].transform(lambda items: items.tolist()[::-1])
    publish(home, "shadow_scores", shadow.to_dict("records"))
    arms = zip([*some, person(2)], ("challenger", "holdout", "challenger"), strict=True)  # the last was not ranked
    publish(home, "assignments", [{"person_id": one, "experiment": "challenger", "arm": arm} for one, arm in arms])
    build_store(DS)
    opened = OpenedStore.open((home / "online" / "current").resolve())
    try:
        for one, version in zip([*some, person(2)], ("next_item/3", "next_item/2", "next_item/2"), strict=True):
            found = recommend(opened, layout.person_key(one)).items
            lists = shadow if version == "next_item/3" else scores
            expected = lists[(lists["person_id"] == one) & (lists["rank"] <= 10)]
            assert [opened.item(item.item)["item_id"] for item in found] == expected["item_id"].tolist()
            assert {item.version for item in found} == {version}
        assert opened.person(layout.person_key(some[0])).arms == {"challenger": "challenger"}
        # of that version there is nothing in the registry, so that its people's sessions get its lists
        acts = [Act(opened.code_of(item(15)), "view", 0.0)]
        answers = [recommend(opened, layout.person_key(one), acts) for one in (some[0], some[1], person(2))]
        assert [answer.passed.get("session") for answer in answers] == ["other_arm", None, None]
    finally:
        opened.close()


def test_sessions_of_the_arm_are_ranked_by_the_version_in_shadow(home, monkeypatch):
    from serving.scoring.champions import Champions

    scores = pd.read_parquet(Lake(home / "lake").partition("scores", DS))
    some = [person(0), person(1), person(2)]
    shadow = scores[scores["person_id"] == some[0]].assign(model_version="next_item/3")
    publish(home, "shadow_scores", shadow.to_dict("records"))
    arms = zip(some, ("challenger", "holdout", "challenger"), strict=True)  # the last was not ranked
    publish(home, "assignments", [{"person_id": one, "experiment": "challenger", "arm": arm} for one, arm in arms])
    # the net of the champion once more, by another name
    monkeypatch.setattr(Champions, "shadows", lambda self: [replace(self.get("next_item"), name="next_item/3")])
    build_store(DS)
    opened = OpenedStore.open((home / "online" / "current").resolve())
    try:
        manifest = opened.manifest
        assert (manifest.session_version, manifest.challenger_version) == ("next_item/2", "next_item/3")
        acts = [Act(opened.code_of(item(15)), "view", 0.0)]
        answers = [recommend(opened, layout.person_key(one), acts) for one in some] + [recommend(opened, None, acts)]
        assert [answer.spoke for answer in answers] == ["session"] * 4
        assert [answer.version for answer in answers] == ["next_item/3", "next_item/2", "next_item/3", "next_item/2"]
    finally:
        opened.close()


def test_who_did_not_agree_is_not_in_it(store, stored_home):
    refusing = [number for number in range(120) if number % 7 == 6]
    assert store.manifest.people == 121 - len(refusing) == 104
    for number in refusing:
        key = layout.person_key(person(number))
        assert store.person(key) is None
        assert store.night_list(key) == []
        assert len(store.history(key)[0]) == 0
    persons = pd.read_parquet(Lake(stored_home / "lake").partition("persons", DS))
    found = {row.person_id: store.person_of(row.identifier) for row in persons.itertuples()}
    assert found[person(5)] == layout.person_key(person(5))
    assert {found[person(number)] for number in refusing} == {layout.NOBODY}


def test_a_session_is_scored_as_the_registered_model_scores_it(store, home):  # noqa: ARG001  where the settings point to
    from serving.scoring.champions import Champions
    from training.registry.client import Registry

    champion = Champions(Registry.of(Settings.from_env())).get("next_item")
    row = next(row for row in sequence_rows(120) if row["person_id"] == person(1))
    acted = [item(3), item(17), row["item_ids"][0]]
    history = [one for one in row["item_ids"] if one not in acted] + acted
    answer = champion.predict(pd.DataFrame({"history": [history]}), k=10)
    found = recommend(store, layout.person_key(person(1)), [Act(store.code_of(one), "view", 0.0) for one in acted])
    assert found.spoke == "session"
    assert [store.item(one.item)["item_id"] for one in found.items] == answer["items"][0]
    assert [one.score for one in found.items] == pytest.approx(answer["scores"][0], abs=1e-4)


def test_arms_and_segments_are_those_of_the_night(store):
    assert store.person(layout.person_key(person(0))).arms == {"letter": "short"}
    assert store.person(layout.person_key(person(2))).arms == {"letter": "holdout"}
    assert store.person(layout.person_key(person(1))).arms == {}
    # everybody is in the segment of commuters, so that regions say less
    segment = store.person(layout.person_key(person(1))).segment
    assert store.manifest.segments[segment - 1] == "segment commuters"
    counts = {}
    for row in sequence_rows(120):
        if int(row["person_id"][1:], 16) % 7 != 6:
            for one in row["item_ids"]:
                counts[one] = counts.get(one, 0) + 1
    best = sorted(counts, key=lambda one: (-counts[one], one))
    assert [store.item(code)["item_id"] for code in store.popular(segment)] == best


@pytest.mark.parametrize("broken", ["changed", "cut", "missing", "no manifest", "other format"])
def test_a_store_that_is_half_copied_or_was_changed_is_refused(stored_home, tmp_path, broken):
    folder = tmp_path / "2026-11-20-copy"
    shutil.copytree((stored_home / "online" / "current").resolve(), folder)
    file = folder / PEOPLE
    if broken == "changed":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif broken == "cut":
        os.truncate(file, file.stat().st_size // 2)
    elif broken == "missing":
        (folder / ITEMS).unlink()
    elif broken == "no manifest":
        (folder / MANIFEST).unlink()
    else:
        text = (folder / MANIFEST).read_text()
        (folder / MANIFEST).write_text(text.replace(f'"format": {FORMAT}', '"format": 99'))
    with pytest.raises(LakeError, match=r"serving\.store --ds 2026-11-20"):
        OpenedStore.open(folder)


def test_a_difference_to_the_scores_keeps_the_old_store(home, monkeypatch):
    before = (home / "online" / "current").resolve()

    def wrong(store, key, *_, **__):
        answer = recommend(store, key)
        answer.items.reverse()
        return answer

    monkeypatch.setattr("serving.storing.comparison.recommend", wrong)
    with pytest.raises(LakeError, match="others for 104 of them, the first of them from rank 1 on"):
        build_store(DS)
    assert (home / "online" / "current").resolve() == before
    assert [one.name for one in (home / "online" / "stores").iterdir()] == [before.name]
    assert "others for 104" in (home / "reports" / DS / "store.json").read_text()


def test_a_session_model_that_says_something_else_is_left_out(home, monkeypatch):
    from serving.online.session_model import SessionModel

    score = SessionModel.score
    monkeypatch.setattr(SessionModel, "score", lambda self, *inputs: score(self, *inputs) + np.arange(len(self)))
    build_store(DS)
    manifest = Manifest.read(home / "online" / "current")
    assert manifest.session_version == ""
    assert "differ" in manifest.no_session
    store = OpenedStore.open((home / "online" / "current").resolve())
    answer = recommend(store, layout.person_key(person(1)), [Act(store.code_of(item(3)), "view", 0.0)])
    assert (answer.spoke, answer.passed["session"]) == ("sequence", "no_model")
    store.close()


def test_who_withdrew_since_and_items_that_ended_are_not_in_the_next_store(home):
    lake, keys_of = Lake(home / "lake"), pd.read_parquet(Lake(home / "lake").partition("persons", DS))
    identifier = keys_of.loc[keys_of["person_id"] == person(5), "identifier"].item()
    row = {"consent_id": "0" * 32, "source": "esp_events", "identifier": identifier, "purpose": "personalisation"}
    publish(home, "consents", [row | {"granted": False, "occurred_at": pd.Timestamp(DS, tz="UTC")}])
    items = pd.read_parquet(lake.partition("dim_item", DS))
    items["available"] = items["item_id"] != item(0)
    publish(home, "dim_item", items.to_dict("records"))
    from serving.score import score

    score(DS)
    build_store(DS)
    store = OpenedStore.open((home / "online" / "current").resolve())
    assert store.manifest.people == 103
    assert store.person_of(identifier) == layout.NOBODY
    assert not store.may_be_shown(store.code_of(item(0)))
    assert store.code_of(item(0)) not in store.popular()
    stores = sorted(one.name for one in (home / "online" / "stores").iterdir())
    assert len(stores) == 2  # the one before stays
    store.close()


RULES = """\
excluded: {items: [i05]}
pinned: {items: [i07]}
at_most: {category: 4}
"""


def test_lists_and_sessions_keep_stock_and_rules(home, tmp_path, monkeypatch):
    """No list has what cannot be had on its day, is excluded, or is too much of a category; what is pinned leads."""
    monkeypatch.setenv("NIGHTSHIFT_RULES", str(tmp_path / "rules.yml"))
    (tmp_path / "rules.yml").write_text(RULES)
    from serving.score import score

    lake = Lake(home / "lake")
    items = pd.read_parquet(lake.partition("dim_item", DS)).drop(columns=["in_stock"], errors="ignore")
    ends = datetime.date.fromisoformat(DS) + datetime.timedelta(days=3)
    items = items.assign(in_stock=items["item_id"] != item(1), available_until=None)
    items.loc[items["item_id"] == item(2), "available_until"] = ends
    publish(home, "dim_item", items.to_dict("records"))
    score(DS)
    build_store(DS)  # compares the lists with the table
    store = OpenedStore.open((home / "online" / "current").resolve())
    category_of = dict(zip(items["item_id"], items["category"], strict=True))
    named = set()
    for number in range(120):
        for acts in ((), (Act(store.code_of(item(number)), "view", 0.0),)):
            for day in (None, ends + datetime.timedelta(days=1)):
                answer = recommend(store, layout.person_key(person(number)), acts, day=day)
                ids = [store.item(one.item)["item_id"] for one in answer.items]
                seen = {
                    store.item(code)["item_id"] for code in store.history(layout.person_key(person(number)))[0].tolist()
                }
                seen |= {item(number)} if acts else set()
                assert not {item(1), item(5)} & set(ids)
                assert day is None or item(2) not in ids
                assert max(Counter(category_of[one] for one in ids).values()) <= 4
                assert ids[0] == item(7) or item(7) in seen
                assert len(ids) == 8
                named |= set(ids)
    assert item(2) in named
    pinned = recommend(store, None, [Act(store.code_of(item(20)), "view", 0.0)]).items[0]
    assert (pinned.item, pinned.by, pinned.reason) == (store.code_of(item(7)), "session", "chosen by the shop")
    store.close()
