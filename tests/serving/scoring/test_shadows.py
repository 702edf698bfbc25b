"""A version in shadow: the lists that it would have given, and nothing that anybody is shown."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from contracts.lake import Lake
from contracts.settings import Settings
from serving.score import score
from tests.homes import copied_home
from tests.training.copied_versions import copied
from tests.training.markov_town import DS
from training.registry.client import FORGOTTEN, SHADOW, Registry


@pytest.fixture
def home(night, tmp_path, monkeypatch):
    home = copied_home(night, tmp_path / "home")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(home))
    return home


@pytest.fixture
def shadow(home):  # noqa: ARG001  the home that the settings name
    """Version 3, which is version 2 once more, so that its lists are those of the champion."""
    registry = Registry.of(Settings.from_env())
    version = copied(registry, of="2", without=("promoted",))
    registry.set_alias(version, SHADOW)
    return registry


def rows_of(home, table) -> pd.DataFrame:
    return pd.read_parquet(Lake(home / "lake").partition(table, DS))


def test_it_ranks_everybody_and_changes_nothing_that_is_shown(home, shadow, capsys):
    before = rows_of(home, "scores")
    score(DS)
    found = rows_of(home, "shadow_scores")
    best = before[before["rank"] <= 10].reset_index(drop=True)
    pd.testing.assert_frame_equal(found[["person_id", "rank", "item_id"]], best[["person_id", "rank", "item_id"]])
    assert found["score"].to_numpy() == pytest.approx(best["score"].to_numpy(), rel=1e-4)
    assert set(found["model_version"]) == {"next_item/3"} and found["reason"].isna().all()
    pd.testing.assert_frame_equal(rows_of(home, "scores"), before)
    assert "104 people ranked by next_item/3 in shadow, shown to nobody" in capsys.readouterr().out
    report = json.loads((home / "reports" / DS / "score.json").read_text())
    assert report["shadow"] == {"next_item/3": 104}

    shadow.client.delete_registered_model_alias("next_item", SHADOW)
    score(DS)
    assert not Lake(home / "lake").files("shadow_scores", DS)


def test_one_that_cannot_be_used_is_named_and_the_champion_scores(home, shadow, capsys):
    shadow.client.set_model_version_tag("next_item", "3", FORGOTTEN, "1 people since 2026-11-20")
    score(DS)
    assert "next_item/3 is not scored in shadow: it learned from 1 people since 2026-11-20" in capsys.readouterr().out
    shadow.client.delete_model_version_tag("next_item", "3", FORGOTTEN)
    tag = next(name for name in shadow.version("next_item", "3").tags if name.startswith("sha256."))
    shadow.client.set_model_version_tag("next_item", "3", tag, "0" * 64)
    score(DS)
    assert "next_item/3 is not scored in shadow: expected " in capsys.readouterr().out
    assert not Lake(home / "lake").files("shadow_scores", DS)
    assert len(rows_of(home, "scores"))
