"""The learner of responses on a small town: split by week, answers that are not known, served form, broken data."""

import dataclasses
import datetime
import importlib.util
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import LakeError, NothingToLearn
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings
from contracts.tables.marts import CONSENT, TRAINING_RESPONSES
from contracts.tables.served import SYNTHETIC_RESPONSES
from serving.scoring.champions import Champion
from serving.scoring.responses import predict_responses
from training.learner import Context
from training.models.response.learner import LEARNER, synthetic_rows
from training.models.response.loading import CLICK, NUMBERS, PURCHASE, load_responses
from training.models.response.network import ResponseConfig
from training.models.response.orders import mean_orders
from training.models.response.table import NOWHERE, STRANGERS
from training.parts import Part

DS = "2026-11-19"
WEEKS = [datetime.date(2026, 10, 23) + datetime.timedelta(days=7 * week) for week in range(5)]
CONFIG = ResponseConfig(
    deep_layers=1, deep_units=8, embedding_dimensions=2, epochs=6, learning_rate=0.02, fewest_rows=1, seed=5
)
QUIET = Context(say=lambda _: None)
CONSENTS = [column.name for column in CONSENT.columns if column.type == "boolean"]
ARROW = {
    "string": pa.string(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def town(people: int = 60) -> pd.DataFrame:
    """People in five weeks: who came from campaigns before clicks again, mostly; the last week is to be scored."""
    random = np.random.default_rng(1)
    rows = pd.DataFrame(
        [(f"p{person:016x}", campaign, week) for week in WEEKS for person in range(people) for campaign in ("a", "b")],
        columns=["person_id", "campaign", "sent_on"],
    )
    count = len(rows)
    loyal = np.tile(np.repeat(np.arange(people) % 3 == 0, 2), len(WEEKS))
    rows["campaign_visits"] = np.where(loyal, 5, 0)
    rows["same_campaign_visits"] = rows["campaign_visits"] // 2
    for name in NUMBERS:
        if name not in rows:
            rows[name] = random.integers(0, 9, count)
    rows["recency_days"] = rows["recency_days"].astype("Int32").mask(random.random(count) < 0.3)
    for name in ("age_band", "gender", "region", "main_device", "favourite_category"):
        rows[name] = random.choice(["unknown", "one", "other"], count)
    clicked = random.random(count) < np.where(loyal, 0.8, 0.05)
    coming, recent = rows["sent_on"] == WEEKS[-1], rows["sent_on"] >= WEEKS[-2]
    rows["clicked"] = pd.Series(clicked).astype("boolean").mask(coming)
    bought = clicked & (random.random(count) < 0.5)
    rows["purchased"] = pd.Series(bought).astype("boolean").mask(coming)
    rows["churned"] = pd.Series(random.random(count) < 0.3).astype("boolean").mask(recent)
    rows["treatment"] = np.where(rows["campaign"] == "a", "sent", "assumed")
    rows["order_value"] = pd.Series(np.where(bought, np.where(rows["campaign"] == "a", 40.0, 20.0), 0.0)).mask(coming)
    return rows


def settings_of(home) -> Settings:
    return Settings.from_env({"NIGHTSHIFT_HOME": str(home)})


def publish(home, rows: pd.DataFrame, *, table=TRAINING_RESPONSES, ds: str = DS, without: str = "") -> Settings:
    settings = settings_of(home)
    lake = Lake(settings.home.lake)
    schema = pa.schema([(one.name, ARROW[one.type]) for one in table.columns if one.name != without])
    file = lake.staging("responses") / "part-00000.parquet"
    pq.write_table(pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False), file)
    lake.publish(table.name, ds, {file.name: file})
    if table is TRAINING_RESPONSES:
        agree(lake, rows["person_id"].unique(), ds)
    return settings


def agree(lake: Lake, people, ds: str, *, not_to_training=()) -> None:
    """Publish what people agree to: everything, but for some to training."""
    file = lake.staging("consents") / "part-00000.parquet"
    consents = {name: [name != "consent_training" or one not in not_to_training for one in people] for name in CONSENTS}
    pq.write_table(pa.table({"person_id": pa.array(list(people), pa.string()), **consents}), file)
    lake.publish("dim_person_consent", ds, {file.name: file})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return LEARNER.load(publish(tmp_path_factory.mktemp("town"), town()), DS)


@pytest.fixture(scope="module")
def fitted(data):
    return LEARNER.fit(data, CONFIG, QUIET)


@pytest.fixture(scope="module")
def served(fitted, tmp_path_factory):
    files = fitted.save(tmp_path_factory.mktemp("served") / "artifacts")
    spec = importlib.util.spec_from_file_location("served_response", REPOSITORY / "training/models/response/pyfunc.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.ResponseModel()
    model.load_context(SimpleNamespace(artifacts={name: str(file) for name, file in files.items()}))
    return model


def test_each_answer_is_tested_on_the_last_week_whose_labels_are_known(data):
    weeks = np.repeat(np.array(WEEKS[:-1]), 120)
    parts = data.table.parts
    for answer, test in ((0, 3), (1, 3), (2, 2)):
        assert set(weeks[parts[:, answer] == Part.TEST]) == {WEEKS[test]}
        assert set(weeks[parts[:, answer] == Part.VALIDATION]) == {WEEKS[test - 1]}
        assert set(weeks[parts[:, answer] == Part.TRAIN]) == set(WEEKS[: test - 1])
        assert set(weeks[parts[:, answer] == STRANGERS]) <= set(WEEKS[: test - 1])
    strangers = np.unique(data.people[parts[:, CLICK] == STRANGERS])
    assert 0 < len(strangers) < 15  # of 60, a tenth by chance
    assert not np.isin(data.people[(parts == Part.TRAIN).any(axis=1)], strangers).any()
    assert set(weeks[parts[:, 2] == NOWHERE]) == {WEEKS[3]}
    assert data.describe()["answers_split_by_person"] == 0
    assert data.describe()["rows"] == 480  # the coming week has no label


def test_learns_who_clicks_and_says_so_of_the_test(data, fitted):
    measured = LEARNER.measure(fitted, data)
    assert measured.value > 0.75
    assert measured.value == pytest.approx(measured.metrics["click_auc"])
    assert {"purchase_auc", "leave_auc", "click_log_loss", "click_ece", "click_average_precision"} <= set(
        measured.metrics
    )
    slices = LEARNER.slices(data)
    assert len(slices) == len(measured.values) == int(data.table.yes(CLICK, Part.TEST).sum())
    assert list(slices) == ["age_band", "gender", "region", "campaign"]


def test_baselines_are_measured_on_the_same_rows(data):
    found = LEARNER.baselines(data)
    assert set(found) == {"rate", "logistic_regression", "boosted_trees"}
    units = int(data.table.yes(CLICK, Part.TEST).sum())
    assert {len(one.values) for one in found.values()} == {units}
    assert found["logistic_regression"].value > 0.75


def test_the_same_seed_learns_the_same(data, fitted):
    again = LEARNER.fit(data, CONFIG, QUIET)
    for left, right in zip(fitted.head.get_weights(), again.head.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)  # threads add up in any order


def test_chances_come_true_as_often_as_they_say(data, fitted):
    assert LEARNER.measure(fitted, data).metrics["click_ece"] < 0.2


def test_an_order_is_worth_what_orders_of_the_campaign_brought(data):
    overall, of_campaign = mean_orders(data)
    # Only orders of the first two weeks count, 40 euros in campaign a and 20 in b; ten of the mean are added to each.
    # Orders of strangers do not: they are set aside.
    rows = town().iloc[:240][(data.table.parts[:240, PURCHASE] == Part.TRAIN)]
    count = {name: int(((rows["campaign"] == name) & rows["purchased"]).sum()) for name in ("a", "b")}
    mean = (40 * count["a"] + 20 * count["b"]) / (count["a"] + count["b"])
    assert overall == pytest.approx(mean)
    assert of_campaign["a"] == pytest.approx((40 * count["a"] + 10 * mean) / (count["a"] + 10))
    assert of_campaign["b"] == pytest.approx((20 * count["b"] + 10 * mean) / (count["b"] + 10))


def test_the_served_form_answers_the_same(data, fitted, served):
    inputs = LEARNER.parity_inputs(fitted, data)
    np.testing.assert_allclose(served.score(*inputs), fitted.score(*inputs), atol=1e-6)
    rows = data.table.rows
    for own, theirs in zip(fitted.encode(rows), served.encode(rows), strict=True):
        np.testing.assert_array_equal(own, theirs)
    assert LEARNER.measure(served, data).value == pytest.approx(LEARNER.measure(fitted, data).value)


def test_the_served_form_answers_in_chances_and_euros(data, served):
    answers = served.predict(None, LEARNER.example(data))
    assert list(answers) == list(LEARNER.signature.outputs)
    assert (answers.dtypes == "float64").all()
    chances = answers[["click_chance", "purchase_chance", "leave_chance"]].to_numpy()
    assert ((chances > 0) & (chances < 1)).all()
    np.testing.assert_allclose(
        answers["expected_value"] / answers["purchase_chance"],
        [served.order_values[one] for one in LEARNER.example(data)["campaign"]],
    )


def test_people_in_batches_get_the_responses_of_all_at_once(served, monkeypatch):
    pyfunc = SimpleNamespace(
        predict=lambda rows, params: served.predict(None, rows, params),
        metadata=SimpleNamespace(get_params_schema=lambda: None),
        unwrap_python_model=lambda: served,
    )
    champion = Champion("response/1", pyfunc)
    rows = town(people=25).query("sent_on == @WEEKS[-1]").sort_values(["person_id", "campaign"])
    recipients = pa.Table.from_pandas(rows, preserve_index=False)
    [at_once] = predict_responses(recipients, champion)
    assert at_once["person_id"].tolist() == rows["person_id"].tolist()
    assert at_once["reasons"].map(len).max() == 2
    monkeypatch.setattr("serving.scoring.responses._PEOPLE_A_BATCH", 10)
    batches = list(predict_responses(recipients, champion))
    assert [len(batch) for batch in batches] == [20, 20, 10]
    together = pd.concat(batches, ignore_index=True)
    assert together["reasons"].tolist() == at_once["reasons"].tolist()
    pd.testing.assert_frame_equal(together, at_once, rtol=1e-6)
    assert list(predict_responses(recipients.slice(0, 0), champion)) == list(predict_responses(recipients, None)) == []


def test_the_served_form_bears_nulls_the_unknown_and_nonsense(served):
    rows = pd.DataFrame(
        {
            "campaign": ["a", None, "never seen", "a", float("nan")],
            "region": [None, "atlantis", 7, float("nan"), "one"],
            "monetary": [None, float("inf"), "much", -5.0, 1e30],
        }
    )
    answers = served.predict(None, rows)
    assert np.isfinite(answers.to_numpy()).all()
    assert answers["expected_value"][2] == pytest.approx(answers["purchase_chance"][2] * served.order_value)
    assert len(served.predict(None, rows.iloc[:0])) == 0


def test_a_person_without_history_is_answered(served):
    rows = pd.DataFrame({"campaign": ["a"], "recency_days": [None], "tenure_days": [None], "weekend_share": [None]})
    assert np.isfinite(served.predict(None, rows).to_numpy()).all()


def test_the_served_form_needs_no_nightshift():
    text = (REPOSITORY / "training/models/response/pyfunc.py").read_text()
    for room in ("training", "contracts", "serving"):
        assert f"from {room}" not in text
        assert f"import {room}" not in text


def test_attributions_add_up(data, served):
    shares = LEARNER.attributions(served, data)
    assert sum(shares.values()) == pytest.approx(1)
    assert next(iter(shares)) in ("campaign_visits", "same_campaign_visits")
    explained = list(LEARNER.explain(served, data, 2))
    assert len(explained) == 2
    assert explained[0]["completeness"] < 0.05
    json.dumps(explained)


def test_synthetic_rows_of_an_earlier_day_are_learned_from_up_to_their_share(tmp_path):
    rows = town()
    settings = publish(tmp_path, rows)
    for ds in ("2026-11-18", DS):
        publish(tmp_path, rows[rows["clicked"].notna()], table=SYNTHETIC_RESPONSES, ds=ds)
    data = LEARNER.load(settings, DS)
    assert data.describe()["synthetic_rows_there"] == 480
    added = synthetic_rows(data, ResponseConfig(synthetic_share=0.2))
    assert (
        len(added.rows) == int(0.2 * (data.table.parts == Part.TRAIN).any(axis=1).sum()) < 48
    )  # 240 rows less strangers
    assert synthetic_rows(data, ResponseConfig(synthetic_share=0.0)) is None
    assert LEARNER.fit(data, ResponseConfig(**{**CONFIG.__dict__, "epochs": 1}), QUIET).sizes() == {
        "training_rows": len(data.table.training),
        "synthetic_rows": len(added.rows),
    }
    (tmp_path / "alone").mkdir()
    alone = LEARNER.load(publish(tmp_path / "alone", rows), DS)
    assert alone.describe()["synthetic_rows_there"] == 0
    assert alone.content_hash() != data.content_hash()


def test_too_few_weeks_are_split_by_person(tmp_path):
    rows = town()
    rows = rows[rows["sent_on"].isin(WEEKS[2:])]  # of these the first has every label, the second not whether they left
    data = LEARNER.load(publish(tmp_path, rows), DS)
    assert data.describe()["answers_split_by_person"] == 3
    people = {part: set(data.people[data.table.parts[:, CLICK] == part]) for part in Part}
    assert all(people.values())
    assert not people[Part.TRAIN] & people[Part.TEST]
    assert not people[Part.TRAIN] & people[Part.VALIDATION]


def test_one_class_is_nothing_to_learn(tmp_path):
    rows = town()
    rows["clicked"] = rows["clicked"].mask(rows["clicked"].notna(), False)
    with pytest.raises(NothingToLearn, match=r"at least 5 rows that clicked .* received 0 that clicked and 480"):
        LEARNER.load(publish(tmp_path, rows), DS)


def test_an_empty_table_is_nothing_to_learn(tmp_path):
    with pytest.raises(NothingToLearn, match="received 0 rows"):
        LEARNER.load(publish(tmp_path, town().iloc[:0]), DS)


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(LakeError, match="received a table without carts"):
        LEARNER.load(publish(tmp_path, town(), without="carts"), DS)


def test_a_table_with_somebody_who_did_not_agree_is_refused(tmp_path):
    rows = town()
    settings = publish(tmp_path, rows)
    people = rows["person_id"].unique()
    agree(Lake(settings.home.lake), people, DS, not_to_training=people[:1])
    with pytest.raises(
        LakeError, match=r"in training_responses, but received 1 people without it; .* nothing was made of it"
    ):
        LEARNER.load(settings, DS)
    agree(Lake(settings.home.lake), people[2:], DS)
    with pytest.raises(LakeError, match="received 2 people without it"):
        LEARNER.load(settings, DS)


def test_numbers_that_are_none_are_null_and_an_answer_without_any_label_is_not_given(tmp_path):
    rows = town()
    rows["monetary"] = rows["monetary"].astype(float)
    rows.loc[0, "monetary"], rows.loc[1, "monetary"] = np.inf, -np.inf
    rows["churned"] = pd.Series([None] * len(rows), dtype="boolean")
    data = LEARNER.load(publish(tmp_path, rows), DS)
    assert data.describe()["numbers_not_finite"] == 2
    fitted = LEARNER.fit(data, ResponseConfig(**{**CONFIG.__dict__, "epochs": 1}), QUIET)
    assert np.isfinite(fitted.score(*fitted.encode(data.table.rows))).all()
    assert fitted.learned == [True, True, False]
    assert "leave_auc" not in LEARNER.measure(fitted, data).metrics


def test_reading_is_the_same_whatever_the_order_of_the_file(tmp_path):
    rows = town()
    one = publish(tmp_path / "one", rows).home.lake / TRAINING_RESPONSES.name / f"ds={DS}"
    other = publish(tmp_path / "other", rows.sample(frac=1, random_state=1)).home.lake / one.parent.name / one.name
    assert load_responses(one).content_hash() == load_responses(other).content_hash()


def test_version_and_card_say_how_it_is_known_whom_messages_reached(data):
    rows = 60 * 4 * 2  # people, weeks that are over, campaigns: a has a send log, b has none
    assert (data.describe()["rows_sent"], data.describe()["rows_assumed"]) == (rows // 2, rows // 2)
    assert LEARNER.tags(data) == {"treatment": "sent and assumed"}
    assert LEARNER.data_notes(data)[0].startswith("Treatment: 50% of the rows are messages that a send log says")
    assumed = dataclasses.replace(data, rows_sent=0)
    assert LEARNER.tags(assumed) == {"treatment": "assumed"}
    assert "Of the others it is assumed" in LEARNER.data_notes(assumed)[0]
    sent = dataclasses.replace(data, rows_sent=rows)
    assert LEARNER.data_notes(sent) == ("Every row is a message that a send log says was delivered.",)
