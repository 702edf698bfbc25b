"""Experiments from the lake to a registered form that scores the same, and what is too little to learn from."""

from __future__ import annotations

import datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import NothingToLearn
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.marts import CONSENT, TRAINING_UPLIFT
from lake_tables.arrow import arrow_schema
from training.learner import Context
from training.models.uplift.learner import LEARNER
from training.models.uplift.measures import best_share, of_people
from training.models.uplift.network import UpliftConfig
from training.parts import Part

DS = "2026-11-20"
PEOPLE = 1_500


def rows() -> pd.DataFrame:
    """Two experiments, a half of the people in each; the letter brings those who carry carts, the postcard nobody."""
    random = np.random.default_rng(5)
    size = 2 * PEOPLE
    campaign = np.repeat(["letter", "postcard"], PEOPLE)
    carts, treated = random.integers(0, 2, size) * 6, random.random(size) < 0.6
    chance = 0.2 + 0.5 * ((campaign == "letter") & treated & (carts > 0))
    visited = random.random(size) < chance
    purchased = visited & (random.random(size) < 0.4)
    return pd.DataFrame(
        {
            "person_id": [f"p{n:05}" for n in np.tile(np.arange(PEOPLE), 2)],
            "campaign": campaign,
            "sent_on": datetime.date(2026, 11, 13),
            "treated": treated,
            **dict.fromkeys(("age_band", "gender", "region", "main_device", "favourite_category"), "unknown"),
            "recency_days": 3,
            "tenure_days": 27,
            "acts_7_days": 1,
            "acts_28_days": 2,
            "carts": carts,
            "purchases": 0,
            "monetary": 0.0,
            "weekend_share": 0.5,
            "campaign_visits": 0,
            "visited": visited,
            "purchased": purchased,
            "euros": np.where(purchased, 30.0, 0.0),
        }
    )


def publish(home, table: pd.DataFrame) -> Settings:
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home)})
    lake = Lake(settings.home.lake)
    consents = pd.DataFrame({"person_id": table["person_id"].unique()})
    for purpose in ("profiling", "training", "personalisation", "marketing_contact"):
        consents[f"consent_{purpose}"] = True
    for contract, frame in ((TRAINING_UPLIFT, table), (CONSENT, consents)):
        file = lake.staging("test") / "part-0.parquet"
        pq.write_table(pa.Table.from_pandas(frame, schema=arrow_schema(contract), preserve_index=False), file)
        lake.publish(contract.name, DS, {file.name: file})
    return settings


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data = LEARNER.load(publish(tmp_path_factory.mktemp("home"), rows()), DS)
    config = UpliftConfig(learning_rate=0.02, batch_size=128, epochs=10)
    return data, LEARNER.fit(data, config, Context(say=lambda _: None))


def test_people_are_in_one_part_and_the_lot_is_known(trained):
    data, _ = trained
    parts = pd.DataFrame({"person": data.people, "part": data.table.parts}).groupby("person")["part"].nunique()
    assert (parts == 1).all()
    assert np.bincount(data.table.parts) / len(data.table.parts) == pytest.approx([0.5, 0.2, 0.3], abs=0.05)
    letter = (data.table.rows["campaign"] == "letter").to_numpy()
    assert data.table.propensity[letter] == pytest.approx(data.table.treated[letter].mean())
    assert data.describe()["experiments"] == 2


def test_the_one_whom_sending_changes_is_first(trained):
    data, fitted = trained
    found, baselines = LEARNER.measure(fitted, data), LEARNER.baselines(data)
    # A quarter has an effect of 0.5: the area is that of the triangle above the line to the mean effect, 0.125.
    assert found.value == pytest.approx(0.5 * 0.25 * 0.75 / 2, abs=0.02)
    assert found.value > baselines["two_logistic_regressions"].value - 0.005
    assert baselines["random"].value == 0
    assert set(baselines) == {"two_logistic_regressions", "class_transformation", "response_ranking", "random"}
    assert len(found.values) == len(LEARNER.slices(data)) == len(np.unique(data.people[data.table.parts == Part.TEST]))
    # Euros of the best half beat a random half by half of the effect: 0.5 * 0.4 * 30 euros for a quarter of the rows.
    assert found.metrics["policy_euros"] == pytest.approx(0.5 * 0.4 * 30 * 0.25 / 2, abs=0.5)
    assert found.metrics["policy_euros_low"] < found.metrics["policy_euros"] < found.metrics["policy_euros_high"]
    assert next(iter(LEARNER.attributions(fitted, data))) in ("carts", "campaign")


def test_the_served_form_scores_the_same(trained, tmp_path):
    from training.models.uplift.pyfunc import UpliftModel

    data, fitted = trained

    served = UpliftModel()
    served.load_context(SimpleNamespace(artifacts=fitted.save(tmp_path)))
    inputs = LEARNER.parity_inputs(fitted, data)
    assert served.score(*inputs) == pytest.approx(fitted.score(*inputs), abs=1e-6)
    answers = served.predict(None, LEARNER.example(data).drop(columns=["carts", "region"]))
    assert list(answers) == list(LEARNER.signature.outputs)
    assert served.predict(None, data.table.rows[:3])["uplift_euros"].to_numpy() == pytest.approx(
        fitted.score(*fitted.encode(data.table.rows[:3]))[:, 1] * 30.0, abs=1e-6
    )
    (one,) = LEARNER.explain(served, data, 1)
    assert one["completeness"] < 0.1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: table.head(0), "expected people of an experiment whose window is over"),
        (lambda table: table.head(30), "expected at least 5 people of each arm who came"),
        (lambda table: table.assign(treated=True), "expected at least 5 people of each arm who came"),
    ],
)
def test_too_little_is_nothing_to_learn(tmp_path, change, sentence):
    with pytest.raises(NothingToLearn, match=sentence):
        LEARNER.load(publish(tmp_path, change(rows())), DS)


def test_a_border_is_shared_and_a_person_counts_once():
    assert best_share(np.array([3.0, 2.0, 2.0, 1.0])).tolist() == [1, 0.5, 0.5, 0]
    assert best_share(np.zeros(4)).tolist() == [0.5] * 4
    found = of_people(np.array([1.0, 2.0, 6.0]), np.array([0, 0, 1]))
    assert found.tolist() == [3 * 2 / 3, 6 * 2 / 3]
    assert found.mean() == pytest.approx(3.0)
