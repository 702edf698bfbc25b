import numpy as np
import pandas as pd
import pytest

from training.models.interest_gan.mixed_columns import CATEGORY, NUMBER
from training.models.interest_gan.quality_charts import draw_quality
from training.models.interest_gan.synthetic_quality import Quality, classifier_chances

KINDS = {"colour": CATEGORY, "shape": CATEGORY, "x": NUMBER, "y": NUMBER}


def rows(count=400, seed=1):
    draw = np.random.default_rng(seed)
    colour = np.where(draw.random(count) < 0.5, "red", "blue")
    x = draw.normal(size=count)
    return pd.DataFrame({"colour": colour, "shape": np.where(colour == "red", "round", "square"), "x": x, "y": x})


def test_equal_tables_are_equal():
    quality = Quality(rows(), rows(), KINDS)
    assert quality.column_shape == pytest.approx(1.0)
    assert quality.pair_trend == pytest.approx(1.0)
    assert quality.minority_modes == 1.0


def test_shapes_by_hand():
    real = pd.DataFrame({"c": ["a", "a", "b", None], "n": [1.0, 2.0, 3.0, np.nan]})
    made = pd.DataFrame({"c": ["a", "b", "b", "b"], "n": [3.0, 3.0, 3.0, 3.0]})
    shapes = Quality(real, made, {"c": CATEGORY, "n": NUMBER}).shapes
    assert shapes["c"] == pytest.approx(1 - 0.5)  # a .5 to .25, b .25 to .75, null .25 to 0
    assert shapes["n"] == pytest.approx(1 - 0.75)  # at 2: null, 1 and 2 are below, of the made none


def test_columns_drawn_alone_keep_shapes_and_lose_pairs():
    real = rows()
    draw = np.random.default_rng(2)
    alone = real.apply(lambda column: column.to_numpy()[draw.permutation(len(real))])
    quality = Quality(real, alone, KINDS)
    assert quality.column_shape == pytest.approx(1.0)
    assert quality.trends.at["colour", "shape"] == pytest.approx(0.5, abs=0.05)  # two of four cells should be empty
    assert quality.trends.at["x", "y"] == pytest.approx(0.5, abs=0.06)  # correlation 1 to 0


def test_a_rare_value_that_is_lost_is_seen():
    real = pd.DataFrame({"c": ["often"] * 180 + ["rare"] * 8 + ["also rare"] * 8 + ["once"] * 4})
    made = pd.DataFrame({"c": ["often"] * 196 + ["rare"] * 4})
    quality = Quality(real, made, {"c": CATEGORY})
    assert sorted(quality.rare["value"]) == ["also rare", "rare"]
    assert quality.minority_modes == 0.5


def test_the_classifier_copes_with_one_class_nulls_and_unseen_categories():
    train = rows().assign(clicked=False)
    assert set(classifier_chances(train, train, KINDS, "clicked", seed=1)) == {0.0}
    train["clicked"] = train["x"] > 0
    test = rows(5).assign(colour="green", x=[np.nan, 2.0, -2.0, 0.5, -0.5], y=[np.nan, 2.0, -2.0, 0.5, -0.5])
    chances = classifier_chances(train, test, KINDS, "clicked", seed=1)
    assert np.isfinite(chances).all()
    assert chances[1] > 0.9 > 0.1 > chances[2]


def test_pictures_are_written(tmp_path):
    real = rows().assign(empty=None)
    files = draw_quality(
        Quality(real, rows(50, 3).assign(empty=None), KINDS | {"empty": NUMBER}), {"real": 0.9}, tmp_path
    )
    assert len(files) == 4
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
