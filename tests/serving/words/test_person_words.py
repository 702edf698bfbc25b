"""The tables `identifier_words` and `person_words` of a night, by a model that counts two words."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from contracts.tables.served import IDENTIFIER_WORDS, PERSON_WORDS
from lake_tables.arrow import arrow_schema
from serving.words.__main__ import publish_words
from serving.words.categories import described, learned
from serving.words.interests import interests_of
from serving.words.model import TextModel

DAYS = ("2026-11-18", "2026-11-19", "2026-11-20")
ANN, BOB, CAT = "handle:" + "a" * 32, "handle:" + "b" * 32, "account:" + "c" * 32


class Counts(TextModel):
    """Says of a text how often run and how often cook is in it."""

    name, dimensions = "counts 1", 2

    def embed(self, texts):
        counts = np.array([[text.count("run"), text.count("cook")] for text in texts], "float32").reshape(-1, 2)
        lengths = np.linalg.norm(counts, axis=1, keepdims=True)
        return np.divide(counts, lengths, out=np.zeros_like(counts), where=lengths > 0)


def publish(lake: Lake, table: str, ds: str, rows: list[dict], schema: pa.Schema | None = None) -> None:
    file = lake.staging(table) / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    lake.publish(table, ds, {file.name: file})


TEXT_SCHEMA = pa.schema(
    [
        ("text_id", pa.string()),
        ("identifier", pa.string()),
        ("text", pa.string()),
        ("topics", pa.list_(pa.string())),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
    ]
)


def post(lake: Lake, ds: str, *texts: tuple[str, str]) -> None:
    """Posts of a day, each written at noon."""
    noon = datetime.datetime.fromisoformat(f"{ds}T12:00:00+00:00")
    rows = [
        {"text_id": f"{ds} {place}", "identifier": who, "text": text, "topics": [], "occurred_at": noon}
        for place, (who, text) in enumerate(texts)
    ]
    publish(lake, "texts", ds, rows, TEXT_SCHEMA)


def settle(lake: Lake, ds: str, people: dict[str, str], agree: set[str]) -> None:
    """Who is who on a day, who agrees to profiling, and the catalogue."""
    publish(lake, "persons", ds, [{"identifier": one, "person_id": person} for one, person in people.items()])
    consents = [
        {"person_id": one, "consent_profiling": one in agree, "consent_training": False}
        for one in sorted(set(people.values()))
    ]
    publish(lake, "dim_person_consent", ds, consents)
    items = [("i1", "run shoe", "running"), ("i2", "cook pot", "cooking")]
    publish(lake, "dim_item", ds, [dict(zip(("item_id", "title", "category"), item, strict=True)) for item in items])


def rows_of(lake: Lake, table: str, ds: str) -> list[dict]:
    return pq.ParquetFile(next(lake.partition(table, ds).glob("*.parquet"))).read().to_pylist()


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_TEXT_MODEL", "tests.serving.words.test_person_words:Counts")
    return Lake(tmp_path / "lake")


def test_a_person_has_one_vector_and_interests_of_all_that_is_readable(lake, tmp_path):
    ds = DAYS[0]
    post(lake, ds, (ANN, "run run"), (ANN, "cook"), (ANN, "run"), (ANN, "😀"), (BOB, "cook"), (CAT, "run"))
    settle(lake, ds, {ANN: "p1", BOB: "p2", CAT: "p3"}, agree={"p1", "p2"})
    publish_words(ds)
    file = next(lake.partition(PERSON_WORDS.name, ds).glob("*.parquet"))
    assert pq.ParquetFile(file).schema_arrow.equals(arrow_schema(PERSON_WORDS))
    ann, bob = rows_of(lake, PERSON_WORDS.name, ds)
    assert (ann["person_id"], ann["texts"], ann["text_model"]) == ("p1", 3, "counts 1")
    assert ann["text_vector"] == [458 / 512, 229 / 512]  # (2, 1) of length 1, in steps of 1/512
    assert [one["category"] for one in ann["text_interests"]] == ["running", "cooking"]
    assert ann["text_interests"][0]["weight"] == pytest.approx(2 / 3, abs=1e-6)
    assert (bob["person_id"], bob["text_vector"]) == ("p2", [0.0, 1.0])
    assert [row["identifier"] for row in rows_of(lake, IDENTIFIER_WORDS.name, ds)] == [ANN, BOB], "only who agrees"
    report = json.loads((tmp_path / "reports" / ds / "words.json").read_text())["words"]
    assert (report["new_texts"], report["unread"], report["people"], report["since"]) == (5, 1, 2, None)


def test_nights_that_go_on_from_each_other_are_one_night_over_all_texts(lake, tmp_path):
    everybody = {ANN: "p1", BOB: "p2", CAT: "p3"}
    texts = {
        DAYS[0]: [(ANN, "run"), (BOB, "cook"), (CAT, "run")],
        DAYS[1]: [(ANN, "cook run")],
        DAYS[2]: [(BOB, "run"), (CAT, "cook"), (ANN, "run")],
    }
    people = [everybody, everybody, {**everybody, BOB: "p1"}]  # on the last night ann and bob are one
    for ds, who in zip(DAYS, people, strict=True):
        post(lake, ds, *texts[ds])
        settle(lake, ds, who, agree={"p1", "p2", "p3"})
        publish_words(ds)
    nights = [rows_of(lake, table.name, DAYS[2]) for table in (IDENTIFIER_WORDS, PERSON_WORDS)]
    report = json.loads((tmp_path / "reports" / DAYS[2] / "words.json").read_text())["words"]
    assert (report["new_texts"], report["since"]) == (3, DAYS[1]), "only the night's own texts are read"
    publish_words(DAYS[2], all_texts=True)
    for table, before in zip((IDENTIFIER_WORDS, PERSON_WORDS), nights, strict=True):
        for one, other in zip(before, rows_of(lake, table.name, DAYS[2]), strict=True):
            assert [list(one), one["texts"]] == [list(other), other["texts"]]
            name = "text_sum" if table is IDENTIFIER_WORDS else "text_vector"
            assert one[name] == pytest.approx(other[name], abs=1e-5)
    identifiers, persons = nights
    assert [row["person_id"] for row in persons] == ["p1", "p3"]
    assert persons[0]["texts"] == 5
    # a text of noon is half a day old at the end of its night; two days later it has 2.5 days
    weight = {age: 0.5 ** (age / 30) for age in (0.5, 1.5, 2.5)}
    bob = next(row for row in identifiers if row["identifier"] == BOB)
    assert bob["text_sum"] == pytest.approx([weight[0.5], weight[2.5]], abs=1e-6)


def test_who_withdraws_leaves_no_sum_and_begins_anew(lake):
    for ds, agree in zip(DAYS, ({"p1"}, set(), {"p1"}), strict=True):
        post(lake, ds, (ANN, "run" if ds == DAYS[0] else "cook"))
        settle(lake, ds, {ANN: "p1"}, agree)
        publish_words(ds)
    assert rows_of(lake, IDENTIFIER_WORDS.name, DAYS[1]) == []
    [ann] = rows_of(lake, PERSON_WORDS.name, DAYS[2])
    assert ann["text_vector"] == [0.0, 1.0], "what was written before and while there was no consent is gone"


def test_searches_and_open_answers_are_texts_and_choices_are_none(lake):
    ds = DAYS[0]
    at = datetime.datetime(2026, 11, 18, 9, tzinfo=datetime.UTC)
    event = {"identifier": ANN, "occurred_at": at}
    events = [
        {**event, "event_id": "e1", "action": "search", "topics": ["run", "shoes"]},
        {**event, "event_id": "e2", "action": "view", "topics": ["cook"]},
    ]
    publish(lake, "events", ds, events)
    answers = ("cook", "I love to run", "25-34", "yes no")
    rows = [
        {"answer_id": f"a{place}", "identifier": ANN, "answer": answer, "occurred_at": at}
        for place, answer in enumerate(answers)
    ]
    publish(lake, "answers", ds, rows)
    settle(lake, ds, {ANN: "p1"}, agree={"p1"})
    publish_words(ds)
    [ann] = rows_of(lake, PERSON_WORDS.name, ds)
    assert (ann["texts"], ann["text_vector"]) == (2, [1.0, 0.0])


def test_a_lake_in_which_nobody_wrote_has_empty_tables(lake):
    settle(lake, DAYS[0], {ANN: "p1"}, agree={"p1"})
    publish_words(DAYS[0])
    publish_words(DAYS[0])
    assert rows_of(lake, PERSON_WORDS.name, DAYS[0]) == []


def test_a_word_that_all_categories_have_describes_none():
    titles = {"food": ["run cook", "run cook"], "ink": ["run pen"], "pots": ["run pot"]}
    names, meanings = described(titles, {"food": ["cook"], "gone": ["run"]}, Counts())
    assert names == ("food",), "of the others the model can read no word of their own"
    assert meanings.tolist() == [[0.0, 1.0]]


def test_what_is_written_under_a_hashtag_moves_a_category():
    chance = np.random.default_rng(0)
    meanings = np.eye(2, 4)
    # people write of the first category in a direction of which its description knows nothing
    labels = np.repeat([0, 1], 400)
    vectors = np.where(labels[:, None] == 0, np.eye(4)[2], np.eye(4)[1]) + 0.1 * chance.normal(size=(800, 4))
    texts = ["hügel auf"] * 400 + ["วิ่งมาราธอน"] * 399 + ["rare"]
    told = learned(("a", "b"), meanings, texts[:10], vectors[:10], labels[:10])
    taught = learned(("a", "b"), meanings, texts, vectors, labels)
    new, nothing = np.array([[0.0, 0.0, 1.0, 0.0]]), np.zeros((1, 4))
    assert told.chances(["new"], new)[0].tolist() == [0.5, 0.5]
    assert taught.chances(["new"], new)[0, 0] > 0.99
    assert (told.learned_from, taught.learned_from) == (0, 800)
    # words speak where there is no vector: two words, each of 400 texts of the first category and none of the second
    odds = np.log((400 / 0.5 + 10) / (400 + 10)), np.log(10 / (400 + 10))
    first = 1 / (1 + np.exp(0.5 * 2 * (odds[1] - odds[0])))
    assert taught.chances(["auf den Hügel"], nothing)[0, 0] == pytest.approx(first)
    assert taught.chances(["มาราธอน"], nothing)[0, 1] > 0.9, "three signs in a row stand for a word"
    assert taught.chances(["rare"], nothing)[0].tolist() == [0.0, 0.0], "two texts too few to teach anything"


def test_interests_by_hand():
    expected = np.array([[3.0, 0.9, 0.1], [0.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    found = interests_of(expected, ("a", "b", "c")).to_pylist()
    assert [(one["category"], round(one["weight"], 4), round(one["confidence"], 4)) for one in found[0]] == [
        ("a", 0.7692, 0.75),  # 3 / 3.9, 3 / (3 + 1); c has 0.1 of 4 texts, which is too little to tell
        ("b", 0.2308, 0.4737),
    ]
    assert found[1] == []
    assert [one["category"] for one in found[2]] == ["a", "b"]
