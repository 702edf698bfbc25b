"""A champion of yesterday on today's tables: what it never saw counts as wrong, and nothing ends its evaluation."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.training.models.interest_gan.test_interest_gan_learner import responses
from training.baselines import each_baseline
from training.media.labelled import Labelled
from training.media.learner import measured as measured_files
from training.models.interest_audio.learner import LEARNER as INTEREST_AUDIO
from training.models.interest_gan.learner import LEARNER as INTEREST_GAN
from training.models.interest_gan.mixed_columns import fit_columns
from training.models.interest_gan.mixed_rows import from_responses
from training.models.interest_gan.row_vectors import layout_of
from training.models.interest_vision.learner import LEARNER as INTEREST_VISION
from training.models.next_item.learner import LEARNER as NEXT_ITEM
from training.models.response.features import learn_features
from training.models.response.learner import LEARNER as RESPONSE
from training.models.response.loading import CATEGORIES, NUMBERS, Responses
from training.models.response.table import LabelledTable
from training.models.taste_autoencoder.baskets import baskets_from
from training.models.taste_autoencoder.learner import LEARNER as TASTE
from training.models.taste_autoencoder.learner import TasteData
from training.parts import Part
from training.sequences.histories import Sequences

YESTERDAY = np.array([f"word {number:02d}" for number in range(12)])
TODAYS = {
    "the same": YESTERDAY,
    "one more": np.array([*YESTERDAY, "word 12"]),
    "many more, sorted before": np.array([*(f"a {number}" for number in range(40)), *YESTERDAY]),
    "one less": YESTERDAY[1:],
    "another half": np.array([*YESTERDAY[:6], *(f"z {number}" for number in range(6))]),
    "all others": np.array([f"z {number}" for number in range(12)]),
}
"""What there is to know today, beside the twelve words that yesterday's champion has learned."""


@pytest.fixture(params=TODAYS.values(), ids=TODAYS)
def words(request):
    return request.param


def sequences(items: np.ndarray, people: int = 60) -> Sequences:
    """Each person acts on six items, one an hour."""
    items = np.sort(items)
    draw = np.random.default_rng(3)
    acts = np.concatenate([draw.choice(len(items), 6, replace=False) for _ in range(people)])
    times = np.tile(np.arange(6).astype("timedelta64[h]"), people) + np.datetime64("2026-11-01", "us")
    groups = {name: np.full(people, "unknown") for name in ("age_band", "gender", "region")}
    return Sequences(
        person_ids=np.array([f"p{number:03d}" for number in range(people)]),
        item_ids=items,
        acts=acts.astype("int32"),
        times=times,
        offsets=6 * np.arange(people + 1),
        groups=groups,
    )


def test_next_item_is_measured(words):
    draw = np.random.default_rng(1)
    champion = SimpleNamespace(
        item_ids=YESTERDAY,
        counts=np.ones(12),
        max_length=10,
        time_gap=True,
        taste=3,
        score=lambda codes, *_: draw.random((len(codes), 12)),
    )
    today = sequences(words)
    found = NEXT_ITEM.measure(champion, today)
    last = words[np.argsort(words)][today.acts[5::6]]
    assert len(found.values) == len(NEXT_ITEM.slices(today)) == 60
    assert (found.values[~np.isin(last, YESTERDAY)] == 0).all()
    assert all(np.isfinite(value) for value in found.metrics.values())


def test_taste_autoencoder_is_measured(words):
    draw = np.random.default_rng(1)
    champion = SimpleNamespace(item_ids=YESTERDAY, score=lambda padded: draw.random((len(padded), 12)))
    today = TasteData(baskets_from(sequences(words, people=200)))
    found = TASTE.measure(champion, today)
    assert len(found.values) == len(TASTE.slices(today)) > 0
    if not np.isin(words, YESTERDAY).any():
        assert found.value == 0
    assert all(np.isfinite(value) for value in found.metrics.values())


@pytest.mark.parametrize("learner", [INTEREST_VISION, INTEREST_AUDIO], ids=lambda learner: learner.name)
def test_interests_in_files_are_measured(words, learner):
    draw = np.random.default_rng(1)

    def score(files):
        chances = draw.random((len(files), 12))
        return chances / chances.sum(axis=1, keepdims=True)

    count = 5 * len(words)
    today = Labelled(
        kind=learner.kind,
        ids=np.array([f"item:{number}" for number in range(count)]),
        values=np.zeros((count, 2), "uint8"),
        categories=np.sort(words),
        labels=np.arange(count) % len(words),
        parts=np.full(count, Part.TEST),
        remarks={},
        rare=0,
    )
    found = learner.measure(SimpleNamespace(categories=YESTERDAY, score=score), today)
    assert len(found.values) == len(learner.slices(today)) == count
    assert (found.values[~np.isin(np.sort(words)[today.labels], YESTERDAY)] == 0).all()
    assert all(np.isfinite(value) for value in found.metrics.values())


def test_an_unknown_category_counts_as_wrong_with_a_chance_of_nothing():
    chances = np.array([[0.9, 0.1], [0.2, 0.8]])
    found = measured_files(chances, np.array([0, -13]))
    assert found.values.tolist() == [1.0, 0.0]
    assert found.metrics["log_loss"] == pytest.approx(-(np.log(0.9) + np.log(1e-6)) / 2)


def response_rows(words: np.ndarray, rows: int = 120) -> pd.DataFrame:
    """Campaigns, regions and categories of today."""
    draw = np.random.default_rng(2)
    table = {name: draw.choice(words, rows) for name in CATEGORIES} | {name: draw.random(rows) for name in NUMBERS}
    return pd.DataFrame(table)


def test_response_is_measured(words):
    space = learn_features(response_rows(YESTERDAY), numbers=NUMBERS, categories=CATEGORIES)
    draw = np.random.default_rng(1)
    champion = SimpleNamespace(
        encode=space.encode,
        score=lambda numbers, _: draw.random((len(numbers), 3)),
        order_value=20.0,
        order_values={YESTERDAY[0]: 30.0},
    )
    rows = response_rows(words)
    labels = (draw.random((len(rows), 3)) < 0.4).astype("float32")
    parts = np.full((len(rows), 3), Part.TEST, "int8")
    table = LabelledTable(rows, labels, parts, NUMBERS, CATEGORIES, ("click", "purchase", "leave"))
    people = np.arange(len(rows)).astype(str)
    today = Responses(
        table, people, order_values=np.where(labels[:, 1] > 0, 25.0, 0.0), split_by_person=0, not_finite=0
    )
    found = RESPONSE.measure(champion, today)
    assert len(found.values) == int(labels[:, 0].sum()) == len(RESPONSE.slices(today))
    assert all(np.isfinite(value) for value in found.metrics.values())


def test_interest_gan_is_measured(words):
    def with_words(vocabulary):
        rows, draw = responses(people=60), np.random.default_rng(4)
        for name in ("campaign", "region", "favourite_category"):
            rows[name] = draw.choice(vocabulary, len(rows))
        return from_responses(rows)

    yesterday = with_words(YESTERDAY)
    columns = fit_columns(yesterday.part(Part.TRAIN), yesterday.kinds, 1)
    layout, draw = layout_of(columns, "clicked"), np.random.default_rng(1)
    champion = SimpleNamespace(
        columns=columns,
        chances=[[1.0] * layout.widths[at] for at in layout.conditions],
        noise=4,
        score=lambda noise, _: draw.standard_normal((len(noise), layout.size)),
    )
    today = with_words(words)
    found = INTEREST_GAN.measure(champion, today)
    assert len(found.values) == len(INTEREST_GAN.slices(today))
    assert all(np.isfinite(value) for value in found.metrics.values())


def test_a_baseline_that_cannot_be_computed_is_left_out_and_named(capsys):
    found = each_baseline("response", {"rate": lambda: 1, "trees": lambda: np.zeros(0).max(), "linear": lambda: 2})
    assert found == {"rate": 1, "linear": 2}
    output = capsys.readouterr().out
    assert "response: without the baseline trees, which cannot be computed: ValueError: zero-size array" in output


def test_columns_without_a_number_cost_no_baseline_of_response():
    rows = response_rows(YESTERDAY, rows=200).assign(
        recency_days=np.nan, tenure_days=None, weekend_share=pd.Series([pd.NA] * 200, dtype="Float64")
    )
    draw = np.random.default_rng(1)
    labels = (draw.random((200, 3)) < 0.4).astype("float32")
    parts = np.repeat([[part] * 3 for part in Part], [120, 40, 40], axis=0).astype("int8")
    table = LabelledTable(rows, labels, parts, NUMBERS, CATEGORIES, ("click", "purchase", "leave"))
    data = Responses(table, np.arange(200).astype(str), np.zeros(200), split_by_person=0, not_finite=0)
    assert set(RESPONSE.baselines(data)) == {"rate", "logistic_regression", "boosted_trees"}
