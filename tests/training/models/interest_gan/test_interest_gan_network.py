import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest

from training.models.interest_gan.learner import FittedInterestGan
from training.models.interest_gan.mixed_columns import BOOLEAN, CATEGORY, NUMBER, encode, fit_columns
from training.models.interest_gan.network import InterestGanConfig, build, counted_steps
from training.models.interest_gan.row_vectors import Layout, draw_codes, draw_conditions, layout_of
from training.models.interest_gan.sampling import synthesise

CONFIG = InterestGanConfig(
    noise=16,
    generator_units=48,
    critic_units=48,
    dropout=0.0,
    pack=5,
    batch_size=200,
    steps=100,
    learning_rate=0.003,
    ema_momentum=0.95,
)
KINDS = {"a": CATEGORY, "b": CATEGORY, "x": NUMBER, "clicked": BOOLEAN}


def tied_rows(count=1000):
    """b repeats a, x lies at ten times a, and those above 1 clicked."""
    draw = np.random.default_rng(0)
    a = draw.integers(0, 4, count)
    return pd.DataFrame(
        {"a": a.astype(str), "b": a.astype(str), "x": a * 10 + draw.normal(size=count), "clicked": a > 1}
    )


@pytest.fixture(scope="module")
def fitted():
    rows = tied_rows()
    columns = fit_columns(rows, KINDS, seed=1)
    codes, offsets = encode(columns, rows, np.random.default_rng(1))
    model = build(CONFIG, layout_of(columns, "clicked"), codes, offsets)
    model.fit(counted_steps(CONFIG), epochs=4, verbose=0, shuffle=False)
    return FittedInterestGan(model.average, columns, [[0.25] * 4, [0.25] * 4, [0.5, 0.5]], CONFIG.noise)


def test_learns_what_belongs_together(fitted):
    made = synthesise(fitted, 1000, seed=1)
    assert (made["a"] == made["b"]).mean() > 0.7  # a quarter by chance
    assert (np.abs(made["x"] - made["a"].astype(int) * 10) < 4).mean() > 0.7
    assert ((made["a"].astype(int) > 1) == made["clicked"]).mean() > 0.8
    assert made["a"].value_counts(normalize=True).min() > 0.15


def test_meets_the_condition(fitted):
    condition = np.tile(np.eye(10, dtype="float32")[2], (500, 1))  # a has its third code
    noise = np.random.default_rng(1).normal(size=(500, CONFIG.noise)).astype("float32")
    layout = layout_of(fitted.columns, "clicked")
    codes, _ = draw_codes(fitted.score(noise, condition), layout, np.random.default_rng(1))
    assert (codes[:, 0] == 2).mean() > 0.8


def test_saves_and_loads_to_the_same_scores_without_our_code(fitted, tmp_path):
    files = fitted.save(tmp_path)
    loaded = keras.saving.load_model(files["generator"], safe_mode=True)
    noise, condition = np.ones((3, CONFIG.noise), "float32"), np.eye(10, dtype="float32")[:3]
    np.testing.assert_allclose(loaded([noise, condition]), fitted.score(noise, condition), atol=1e-5)


def test_layout_by_hand():
    layout = Layout(widths=(3, 4, 2), exact=(3, 1, 2), conditions=(0, 2), target=2)
    assert layout.wide == (1,)
    assert layout.starts.tolist() == [0, 3, 7]
    assert (layout.size, layout.codes, layout.condition_size) == (10, 9, 5)
    assert layout.offset_mask()[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0]


def test_drawn_rows_meet_their_conditions():
    rows = tied_rows(200)
    columns = fit_columns(rows, KINDS, seed=1)
    codes, offsets = encode(columns, rows, np.random.default_rng(1))
    layout = layout_of(columns, "clicked")
    model = build(dataclasses.replace(CONFIG, batch_size=500), layout, codes, offsets)
    values, vectors = (np.asarray(one) for one in model.rows.draw(500, model.random))
    wide = len(layout.wide)
    starts = [wide + int(layout.starts[at]) for at in layout.conditions]
    conditional = np.concatenate(
        [vectors[:, start : start + width] for start, width in zip(starts, (4, 4, 2), strict=True)], axis=1
    )
    assert conditional[np.arange(500), values].all()
    # each block of codes is one-hot
    np.testing.assert_array_equal(vectors[:, wide:].sum(axis=1), len(columns))


def test_moments_are_those_of_the_draws():
    rows = tied_rows(200)
    columns = fit_columns(rows, KINDS, seed=1)
    codes, offsets = encode(columns, rows, np.random.default_rng(1))
    model = build(CONFIG, layout_of(columns, "clicked"), codes, offsets)
    _, drawn = model.rows.draw(20_000, model.random)
    drawn = np.asarray(drawn)
    np.testing.assert_allclose(drawn.T @ drawn / len(drawn), np.asarray(model.rows.moments), atol=0.02)


def test_conditions_follow_the_real_shares():
    values = draw_conditions([[0.9, 0.1], [0.5, 0.5]], 20_000, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(values) / 20_000, [0.45, 0.05, 0.25, 0.25], atol=0.02)
