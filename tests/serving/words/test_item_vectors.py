"""The table `item_vectors` of a night, and the model of texts that makes it."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError, SettingsError
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.served import ITEM_VECTORS
from lake_tables.arrow import arrow_schema
from serving.words.__main__ import publish_words
from serving.words.model import TextModel, in_steps, text_model

DS = "2026-11-20"


class Shoes(TextModel):
    """Says of a text how often shoe and how often lamp is in it."""

    name, dimensions = "shoes 1", 2

    def embed(self, texts):
        return np.array([[text.count("shoe"), text.count("lamp")] for text in texts], "float32").reshape(-1, 2)


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_TEXT_MODEL", "tests.serving.words.test_item_vectors:Shoes")
    return Lake(tmp_path / "lake")


def publish_items(lake: Lake, **titles: str) -> None:
    tables = {
        "dim_item": {"item_id": list(titles), "title": list(titles.values()), "category": ["unknown"] * len(titles)},
        "persons": {"identifier": ["cookie:1"], "person_id": ["p1"]},
        "dim_person_consent": {"person_id": ["p1"], "consent_profiling": [True], "consent_training": [True]},
    }
    for name, columns in tables.items():
        file = lake.staging(name) / "part-0.parquet"
        pq.write_table(pa.table(columns), file)
        lake.publish(name, DS, {file.name: file})


def test_a_title_has_a_vector_and_no_title_has_none(lake, tmp_path, capsys):
    publish_items(lake, i1="red shoe", i2="i2", i3="shoe with a lamp", i4="???", i5="red shoe", i6=" ")
    publish_words(DS)
    file = next(lake.partition(ITEM_VECTORS.name, DS).glob("*.parquet"))
    before, found = file.read_bytes(), pq.ParquetFile(file).read()
    assert found.schema.equals(arrow_schema(ITEM_VECTORS))
    half = 362 / 512  # the step nearest to the square root of 1/2
    vectors = {"i1": [1.0, 0.0], "i2": None, "i3": [half, half], "i4": None, "i5": [1.0, 0.0], "i6": None}
    assert found.to_pylist() == [
        {"item_id": item, "text_vector": vector, "text_model": vector and "shoes 1"} for item, vector in vectors.items()
    ]
    report = json.loads((tmp_path / "reports" / DS / "words.json").read_text())
    assert report["words"]["items"] == {"items": 6, "untitled": 2, "unread": 1, "with_vector": 3}
    assert "words: vectors of 3 of 6 items by shoes 1" in capsys.readouterr().out
    publish_words(DS)
    assert next(lake.partition(ITEM_VECTORS.name, DS).glob("*.parquet")).read_bytes() == before


def test_a_catalogue_without_titles_is_no_error(lake, capsys):
    publish_items(lake, i1="i1", i2="i2")
    publish_words(DS)
    assert "WARNING: no item has a title that the model can read" in capsys.readouterr().out


@pytest.mark.usefixtures("lake")
def test_without_the_marts_the_sentence_names_the_command():
    with pytest.raises(LakeError, match=r"run `python -m dbt_project\.build --ds 2026-11-20` first"):
        publish_words(DS)


@pytest.mark.parametrize("named", ["no.such:model", "json:nothing", "json:loads", "json:JSONDecoder"])
def test_a_setting_that_names_no_model_is_a_sentence(named):
    with pytest.raises(SettingsError, match="NIGHTSHIFT_TEXT_MODEL"):
        text_model(named)


def test_a_setting_that_is_no_name_of_a_function_is_a_sentence():
    with pytest.raises(SettingsError, match="expected module:function in NIGHTSHIFT_TEXT_MODEL"):
        Settings.from_env({"NIGHTSHIFT_TEXT_MODEL": "wordllama"})


def test_steps_move_no_cosine_by_more_than_they_say():
    vectors = np.random.default_rng(0).normal(size=(50, 256)).astype("float32")
    exact = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    stepped = in_steps(vectors)
    assert np.abs(stepped @ stepped.T - exact @ exact.T).max() < 0.004
    assert np.all(stepped * 512 == np.round(stepped * 512))


@pytest.fixture(scope="module")
def packaged():
    return text_model("serving.words.packaged:wordllama")


def test_the_packaged_model_knows_what_is_alike(packaged):
    shoe, boot, tree = packaged.embed(["Trail running shoe", "Boots for a jog in the woods", "Cat tree"])
    assert packaged.dimensions == 256
    assert np.linalg.norm(shoe) == pytest.approx(1, abs=1e-6)
    assert shoe @ boot > shoe @ tree + 0.1


def test_what_the_packaged_model_cannot_read_has_zeros(packaged):
    silent = ["", "😀😀👟", "วันนี้วิ่งมาราธอน", "1234 :-)", "\ud800"]
    assert not packaged.embed(silent).any()


def test_of_a_long_text_the_beginning_counts(packaged):
    beginning = "We ran up the hill. " * 100  # 2,000 letters
    long, short = packaged.embed([beginning + "cat " * 25_000, beginning])
    assert np.array_equal(long, short)


def test_a_vector_does_not_depend_on_the_texts_beside_it(packaged):
    texts = [f"A {word} for the garden" for word in ("fork", "hose", "bench", "rose")]
    assert np.array_equal(packaged.embed(texts)[2], packaged.embed(texts[2:3])[0])
