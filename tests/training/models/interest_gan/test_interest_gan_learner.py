import dataclasses
import datetime
import importlib.util
import types

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ModelError, NothingToLearn
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings
from contracts.tables.served import SYNTHETIC_RESPONSES
from training.config import CONFIGS, read_config
from training.learner import Context
from training.models.interest_gan.constraints import repaired
from training.models.interest_gan.learner import LEARNER
from training.models.interest_gan.mixed_rows import from_responses, parts_of
from training.models.interest_gan.network import InterestGanConfig
from training.models.interest_gan.sampling import synthesise
from training.parts import Part

CONFIG = InterestGanConfig(
    noise=16,
    generator_units=32,
    critic_units=32,
    pack=5,
    batch_size=100,
    steps=50,
    epochs=4,
    learning_rate=0.004,
    ema_momentum=0.9,
)
QUIET = Context(say=lambda _: None)


def responses(people=150, seed=1):
    """Three campaigns and two weeks a person; the young click on autumn."""
    draw = np.random.default_rng(seed)
    rows = people * 6
    of = np.repeat(np.arange(people), 6)
    young = (of % 2).astype(bool)
    campaign = np.tile(["autumn", "winter", "spring"], people * 2)
    clicked = young & (campaign == "autumn") & (draw.random(rows) < 0.8)
    acts = draw.poisson(np.where(young, 8, 2))
    never = acts == 0
    table = {
        "person_id": [f"p{number:016x}" for number in of],
        "campaign": campaign,
        "sent_on": np.where(np.arange(rows) % 6 < 3, datetime.date(2026, 10, 1), datetime.date(2026, 10, 8)),
        "age_band": np.where(young, "18-24", "65+"),
        "gender": "unknown",  # constant
        "region": draw.choice(["north", "south"], rows),
        "main_device": draw.choice(["mobile", "desktop"], rows),
        "favourite_category": draw.choice(["music", "running"], rows),
        "recency_days": np.where(never, np.nan, draw.integers(0, 30, rows)),
        "tenure_days": np.where(never, np.nan, draw.integers(30, 300, rows)),
        "acts_7_days": acts,
        "acts_28_days": acts * 3,
        "carts": draw.poisson(1, rows),
        "purchases": draw.poisson(0.5, rows),
        "monetary": draw.gamma(2, 20, rows) * (draw.random(rows) < 0.4),
        "weekend_share": np.nan,  # null throughout
        "campaign_visits": draw.poisson(1, rows),
        "same_campaign_visits": draw.poisson(0.3, rows),
        "clicked": clicked,
        "purchased": clicked & (draw.random(rows) < 0.3),
        "order_value": np.where(clicked, 20.0, 0.0),
    }
    names = SYNTHETIC_RESPONSES.column_names
    for column in SYNTHETIC_RESPONSES.columns[names.index("clicked") :]:
        table.setdefault(column.name, draw.random(rows) < 0.2)
    return pd.DataFrame(table)


@pytest.fixture(scope="module")
def data():
    return from_responses(responses())


@pytest.fixture(scope="module")
def fitted(data):
    return LEARNER.fit(data, CONFIG, QUIET)


@pytest.fixture(scope="module")
def served(fitted, tmp_path_factory):
    """The object behind the registered model, as MLflow runs its file."""
    files = fitted.save(tmp_path_factory.mktemp("saved") / "artifacts")
    spec = importlib.util.spec_from_file_location("served_gan", REPOSITORY / "training/models/interest_gan/pyfunc.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlflow.models.set_model", lambda _: None)
        spec.loader.exec_module(module)
    model = module.InterestGan()
    model.load_context(types.SimpleNamespace(artifacts={name: str(file) for name, file in files.items()}))
    return model


def ask(served, **columns):
    return served.predict(None, pd.DataFrame(columns))


def test_nobody_is_in_two_parts(data):
    table = responses()
    parts = pd.Series(parts_of(table["person_id"])).groupby(table["person_id"]).nunique()
    assert parts.eq(1).all()
    assert set(data.parts) == set(Part)
    assert data.features[-1] == "same_campaign_visits"


def test_without_an_answer_nothing_is_learned():
    table = responses()
    table["clicked"] = table["clicked"].astype("boolean").mask(np.arange(len(table)) < 100)
    assert len(from_responses(table).frame) == len(table) - 100


@pytest.mark.parametrize(
    ("table", "received"),
    [
        (responses(20), "120 rows"),
        (responses().assign(clicked=False), "0 of "),
        (responses().assign(clicked=True), "rows clicked"),
        (responses()[:0], "0 rows"),
    ],
)
def test_too_little_to_learn_from(table, received):
    with pytest.raises(NothingToLearn, match=received):
        from_responses(table)


def test_an_infinite_number_is_named():
    table = responses()
    table["monetary"] = np.inf
    with pytest.raises(ModelError, match="column monetary"):
        LEARNER.fit(from_responses(table), CONFIG, QUIET)


def test_a_batch_of_broken_packs_is_refused(data):
    with pytest.raises(ModelError, match="set batch_size to 98"):
        LEARNER.fit(data, dataclasses.replace(CONFIG, batch_size=100, pack=7), QUIET)


def test_the_table_of_the_lake_is_read(tmp_path):
    lake = Lake(tmp_path / "lake")
    file = lake.staging("training_responses") / "part-0.parquet"
    pq.write_table(pa.Table.from_pandas(responses()), file)
    lake.publish("training_responses", "2026-11-20", {file.name: file})
    people = sorted(set(responses()["person_id"]))
    file = lake.staging("dim_person_consent") / "part-0.parquet"
    pq.write_table(pa.table({"person_id": people, "consent_training": [True] * len(people)}), file)
    lake.publish("dim_person_consent", "2026-11-20", {file.name: file})
    loaded = LEARNER.load(Settings.from_env({"NIGHTSHIFT_HOME": str(tmp_path)}), "2026-11-20")
    assert loaded.content_hash() == from_responses(responses()).content_hash()
    assert loaded.content_hash() != from_responses(responses(seed=2)).content_hash()
    assert loaded.describe()["rows"] == 900


def test_columns_and_types_are_those_of_the_contract(fitted):
    made = synthesise(fitted, 300, seed=1)
    assert list(made.columns) == SYNTHETIC_RESPONSES.column_names
    dtypes = {"int": "Int64", "double": "float64", "boolean": "boolean", "string": "object"}
    assert {name: str(kind) for name, kind in made.dtypes.items()} == {
        column.name: dtypes[column.type] for column in SYNTHETIC_RESPONSES.columns
    }
    whole = made.select_dtypes("Int64")
    assert (whole.min().dropna() >= 0).all()
    required = [column.name for column in SYNTHETIC_RESPONSES.columns if column.required]
    assert made[required].notna().all().all()
    assert made["weekend_share"].isna().all()
    assert set(made["gender"]) == {"unknown"}
    assert 0 < made["recency_days"].isna().mean() < 1


def share_of_equal_cells(left, right):
    """Texts and truth values that are the same, numbers that are the same to a thousandth."""
    shares = []
    for name in left:
        pair = left[name], right[name]
        if pd.api.types.is_numeric_dtype(left[name]) and left[name].dtype != "boolean":
            numbers = (column.to_numpy("float64", na_value=np.nan) for column in pair)
            shares.append(np.isclose(*numbers, rtol=1e-3, equal_nan=True).mean())
        else:
            shares.append((pair[0].astype(str) == pair[1].astype(str)).mean())
    return np.mean(shares)


def test_equal_seeds_equal_rows_and_a_resumed_training_has_nothing_left_to_do(data, fitted, tmp_path):
    kept = Context(folder=tmp_path, say=lambda _: None)
    again, resumed = (LEARNER.fit(data, CONFIG, kept) for _ in range(2))
    assert len(again.epochs) == len(resumed.epochs) == CONFIG.epochs
    one = synthesise(fitted, 50, seed=3)
    # threads add up in any order: after another training, a draw on the edge may fall to the other side
    assert share_of_equal_cells(synthesise(again, 50, seed=3), one) > 0.95
    assert share_of_equal_cells(synthesise(resumed, 50, seed=3), synthesise(again, 50, seed=3)) > 0.99
    assert share_of_equal_cells(synthesise(fitted, 50, seed=4), one) < 0.9
    assert len(synthesise(fitted, 0, seed=1)) == 0


def test_the_loaded_artefact_answers_the_same(data, fitted, served):
    inputs = LEARNER.parity_inputs(fitted, data)
    np.testing.assert_allclose(served.score(*inputs), fitted.score(*inputs), atol=1e-5)
    loaded = {type(layer).__module__.split(".")[0] for layer in served.generator.layers}
    assert loaded == {"keras"}
    pd.testing.assert_frame_equal(synthesise(served, 40, seed=2), synthesise(fitted, 40, seed=2))


def test_the_served_file_decodes_like_training(fitted, served):
    made = served.predict(None, pd.DataFrame({"rows": [200]}))
    assert list(made.columns) == [*SYNTHETIC_RESPONSES.column_names, "condition_met"]
    expected = repaired(synthesise(fitted, 200, seed=1), fitted.constraints)
    assert made.drop(columns="condition_met").dtypes.tolist() == expected.dtypes.tolist()
    pd.testing.assert_frame_equal(made.drop(columns="condition_met"), expected)
    assert made["condition_met"].all()


def test_rows_are_counted_and_nothing_asks_for_nothing(served):
    assert len(ask(served, rows=[3, 0, 2])) == 5
    assert len(ask(served, rows=[None, -4, np.nan, np.inf])) == 0
    assert len(ask(served, rows=["many", "2"])) == 2
    assert len(ask(served, rows=[])) == 0


def test_a_condition_is_met_mostly_and_reported(served):
    made = ask(served, rows=[200, 3], column=["campaign", None], value=["autumn", None])
    assert (made["condition_met"][:200] == (made["campaign"][:200] == "autumn")).all()
    assert made["condition_met"][:200].mean() > 0.4  # a third without asking
    assert made["condition_met"][200:].all()
    yes = ask(served, rows=[100], column=["clicked"], value=["TRUE"])
    assert (yes["condition_met"] == yes["clicked"]).all()


@pytest.mark.parametrize(("column", "value"), [("campaign", "summer"), ("shoe size", "44"), (None, "autumn")])
def test_an_unseen_value_is_not_met(served, column, value):
    made = ask(served, rows=[20], column=[column], value=[value])
    assert len(made) == 20
    assert not made["condition_met"].any()


def test_measured_by_whoever_answers(data, fitted, served):
    one, two = LEARNER.measure(fitted, data), LEARNER.measure(served, data)
    np.testing.assert_allclose(one.values, two.values)
    assert one.value == pytest.approx(one.metrics["tstr_auc"])
    assert len(one.values) == len(LEARNER.slices(data)) == data.part(Part.TEST)["clicked"].sum()
    assert set(LEARNER.slices(data)["campaign"]) == {"autumn"}  # nobody clicked on another
    baselines = LEARNER.baselines(data)
    assert baselines["real"].value > 0.9
    assert baselines["independent_columns"].value < 0.8
    assert all(len(baseline.values) == len(one.values) for baseline in baselines.values())


def test_signature_example_and_configurations(data, served):
    assert set(LEARNER.signature.outputs) == {*SYNTHETIC_RESPONSES.column_names, "condition_met"}
    assert len(served.predict(None, LEARNER.example(data))) == LEARNER.example(data)["rows"].sum()
    for name in ("interest_gan", "adult_interest_gan"):
        config = read_config(CONFIGS / f"{name}.yml", InterestGanConfig)
        assert config.batch_size % config.pack == 0


def test_charts_and_admission_of_the_learner(data, fitted, tmp_path):
    files = LEARNER.charts(fitted, data, LEARNER.measure(fitted, data), LEARNER.baselines(data), tmp_path)
    assert all(file.stat().st_size > 1000 for file in files)
    admission = LEARNER.admission(fitted, data)
    assert admission.admitted in (True, False)
    assert {"lift_1", "lift_2", "lift_3", "nearest_distance", "membership_auc"} <= set(admission.numbers)


def test_keras_is_the_tensorflow_one():
    assert keras.backend.backend() == "tensorflow"


def test_of_the_week_that_response_is_tested_on_no_synthetic_row_knows():
    rows = responses(people=120)
    rows["sent_on"] = np.resize([datetime.date(2026, 10, day) for day in (1, 8, 15)], len(rows))
    data = from_responses(rows)
    tested = parts_of(rows["person_id"]) == Part.TEST
    assert len(data.part(Part.TEST)) == np.count_nonzero(tested)
    others = [len(data.part(part)) for part in (Part.TRAIN, Part.VALIDATION)]
    assert sum(others) == np.count_nonzero(~tested & (rows["sent_on"] < datetime.date(2026, 10, 15)))
