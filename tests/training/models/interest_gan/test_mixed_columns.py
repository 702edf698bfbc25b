import numpy as np
import pandas as pd
import pytest

from contracts.errors import ModelError
from training.common_words import common_words, grouped
from training.models.interest_gan.mixed_columns import (
    BOOLEAN,
    CATEGORY,
    NUMBER,
    WHOLE,
    decode,
    encode,
    fit_columns,
)

KINDS = {"colour": CATEGORY, "clicked": BOOLEAN, "acts": WHOLE, "euros": NUMBER}


def random():
    return np.random.default_rng(1)


def table(rows=400):
    draw = random()
    euros = np.where(draw.random(rows) < 0.5, 0.0, draw.normal(80, 10, rows))
    euros[:20] = np.nan
    return pd.DataFrame(
        {
            "colour": np.where(draw.random(rows) < 0.9, "red", "blue"),
            "clicked": pd.Series(draw.random(rows) < 0.2, dtype="boolean").mask(np.arange(rows) < 30),
            "acts": draw.integers(0, 5, rows),
            "euros": euros,
        }
    )


def round_trip(frame, kinds):
    columns = fit_columns(frame, kinds, seed=1)
    return columns, decode(columns, *encode(columns, frame, random()))


def test_everything_but_the_place_within_a_mode_comes_back_exactly():
    frame = table()
    _, back = round_trip(frame, KINDS)
    assert back["colour"].tolist() == frame["colour"].tolist()
    assert back["clicked"].isna().tolist() == frame["clicked"].isna().tolist()
    assert back["clicked"].fillna(False).tolist() == frame["clicked"].fillna(False).tolist()
    assert back["acts"].tolist() == frame["acts"].tolist()
    assert back["euros"].isna().tolist() == frame["euros"].isna().tolist()
    assert (back["euros"] == 0).tolist() == (frame["euros"] == 0).tolist()
    np.testing.assert_allclose(back["euros"].dropna(), frame["euros"].dropna(), atol=1e-3)


def test_a_value_of_many_rows_is_a_mode_of_its_own_and_so_is_null():
    columns, _ = round_trip(table(), KINDS)
    euros = columns[3]
    assert euros.values == (0.0, None)
    assert len(euros.means) >= 1
    assert 50 < min(euros.means) <= max(euros.means) < 110


def test_types_are_whole_boolean_and_object():
    _, back = round_trip(table(), KINDS)
    assert [str(kind) for kind in back.dtypes] == ["object", "boolean", "Int64", "float64"]


def test_two_hills_get_two_modes():
    draw = random()
    frame = pd.DataFrame({"x": np.concatenate([draw.normal(0, 1, 500), draw.normal(100, 1, 500)])})
    [column] = fit_columns(frame, {"x": NUMBER}, seed=1)
    weight_above = sum(weight for mean, weight in zip(column.means, column.weights, strict=True) if mean > 50)
    assert weight_above == pytest.approx(0.5, abs=0.02)
    assert all(abs(mean) < 5 or abs(mean - 100) < 5 for mean in column.means)


def test_nothing_outside_what_was_seen_is_made():
    frame = pd.DataFrame(
        {"x": np.abs(random().normal(0, 3, 500)).round().astype(int) * 7 + random().integers(0, 7, 500)}
    )
    columns = fit_columns(frame, {"x": WHOLE}, seed=1)
    codes = np.arange(2000)[:, None] % columns[0].codes
    made = decode(columns, codes, np.resize([-1.0, 1.0], (2000, 1)))["x"]
    assert made.min() >= frame["x"].min() >= 0
    assert made.max() <= frame["x"].max()


@pytest.mark.parametrize(
    ("values", "kind"), [([None] * 9, NUMBER), ([None] * 9, CATEGORY), ([None] * 9, WHOLE), ([5] * 9, WHOLE)]
)
def test_a_column_without_any_difference_comes_back(values, kind):
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    columns, back = round_trip(frame, {"x": kind})
    assert columns[0].codes == 1
    assert back["x"].isna().all() == (values[0] is None)
    assert values[0] is None or back["x"].tolist() == values


def test_an_infinite_number_is_named():
    with pytest.raises(ModelError, match="finite numbers or nulls in column euros, but received 2 infinite values"):
        fit_columns(pd.DataFrame({"euros": [1.0, np.inf, -np.inf]}), {"euros": NUMBER}, seed=1)


def test_a_word_among_numbers_is_named():
    with pytest.raises(ModelError, match="column euros"):
        fit_columns(pd.DataFrame({"euros": [1.0, "many"]}), {"euros": NUMBER}, seed=1)


def test_of_700_regions_that_respondents_wrote_the_rare_ones_are_other():
    names = [f"region {number:03d}" for number in range(700) for _ in range(2 if number < 499 else 1)]
    frame = pd.DataFrame({"region": [*names, None]})
    columns = fit_columns(frame, {"region": CATEGORY}, seed=1)
    assert len(columns[0].values) == 501  # 499 by name, other, null
    back = decode(columns, *encode(columns, frame, random()))["region"]
    assert back.tolist()[:998] == names[:998]
    assert set(back[998:-1]) == {"other"}
    assert back.iloc[-1] is None
    unseen = pd.DataFrame({"region": ["atlantis"]})
    assert decode(columns, *encode(columns, unseen, random()))["region"].tolist() == ["other"]


def test_a_vocabulary_holds_the_common_words_only():
    counts = pd.Series({"north": 50, "south": 30, "west": 30, "o": 9})
    assert common_words(counts, most=2, fewest=10) == ["north", "south"]
    assert common_words(counts, most=9, fewest=10) == ["north", "south", "west"]
    column = pd.Series(["north"] * 3 + ["o", None])
    assert grouped(column, most=5, fewest=2).tolist() == ["north"] * 3 + ["other", None]


@pytest.mark.parametrize(("frame", "received"), [(pd.DataFrame({"a": []}), "no rows"), (pd.DataFrame({"b": [1]}), "a")])
def test_a_missing_column_or_no_row_at_all(frame, received):
    with pytest.raises(ModelError, match=received):
        fit_columns(frame, {"a": NUMBER}, seed=1)


def test_unseen_values_stay_within_the_known_codes():
    columns = fit_columns(table(), KINDS, seed=1)
    new = pd.DataFrame({"colour": ["green"], "clicked": [None], "acts": [99], "euros": [1e6]})
    back = decode(columns, *encode(columns, new, random()))
    assert back["colour"].tolist() == ["red"]  # the most frequent
    assert back["acts"].tolist() == [4]  # the nearest
    assert back["euros"][0] <= table()["euros"].max()


def test_equal_seeds_give_equal_codes():
    columns = fit_columns(table(), KINDS, seed=1)
    assert columns == fit_columns(table(), KINDS, seed=1)
    one, two = (encode(columns, table(), random()) for _ in range(2))
    np.testing.assert_array_equal(one[0], two[0])
