"""The survey's and the catalogue's deliveries on disk, counted without the code that made them."""

from __future__ import annotations

import csv
import json
from collections import Counter

from PIL import Image

STATES = {"in_stock", "available_from", "available_until"}


def responses(town) -> list[tuple[str, list[str], list[list[str]]]]:
    """Of each delivery its day, its columns and its rows."""
    deliveries = []
    for file in town.files("qualtrics_csv", "responses.csv"):
        with file.open(newline="", encoding="utf-8") as stream:
            names, questions, imports, *rows = csv.reader(stream)
        assert len(names) == len(questions) == len(imports)
        assert all(set(json.loads(each)) == {"ImportId"} for each in imports)
        deliveries.append((file.parent.name.removeprefix("ds="), names, rows))
    return deliveries


def test_every_kind_of_dirt_in_the_survey_is_counted_in_the_truth(small_town):
    counts, clean = Counter(), 0
    for ds, names, rows in responses(small_town):
        seen = set()
        for row in rows:
            answers = dict(zip(names, row, strict=False))
            if len(row) < len(names):
                counts["malformed"] += 1
            elif tuple(row) in seen:
                counts["duplicate"] += 1
            elif not 10 <= int(answers["Q1_age"]) <= 120:
                counts["age_out_of_range"] += 1
            else:
                clean += 1
                assert answers["RecordedDate"].startswith(ds)
                counts["Q99_internal"] += "Q99_internal" in answers
            seen.add(tuple(row))
    tally = small_town.truth["sources"]["qualtrics_csv"]
    found = list(responses(small_town))
    assert len(counts) == 4
    counts["header_row"] = 3 * len(found)  # they are rows, too
    assert {**tally["quarantined_reasons"], **tally["dropped"], **tally["unmapped_fields"]} == dict(counts)
    assert tally["mapped"] == clean
    assert tally["read"] == sum(3 + len(rows) for _, _, rows in found)


def test_answers_are_the_persons_own(small_town):
    person_of = {email: person for person in small_town.truth["people"] for email in person["emails"]}
    for _, names, rows in responses(small_town):
        for row in rows:
            answers = dict(zip(names, row, strict=False))
            if answers.get("Q1_age", "-1") in ("7", "190", "-3", "-1"):
                continue
            person = person_of[answers["RecipientEmail"].lower()]
            assert int(answers["Q1_age"]) == person["age"]
            assert answers["Q3_region"] == person["region"]
            assert answers["ExternalReference"] in ["", *person["accounts"]]


def test_catalogue_lists_every_item_and_later_the_cheaper_ones(small_town):
    first, second, last = small_town.files("catalogue", "items.jsonl")
    items = [json.loads(line) for line in first.read_text().splitlines()]
    update = [json.loads(line) for line in second.read_text().splitlines()]
    assert len({item["id"] for item in items}) == len(items) == 600
    assert len({item["category"] for item in items}) == 12
    before = {item["id"]: item["price"]["amount"] for item in items}
    assert update
    assert all(item["price"]["amount"] < before[item["id"]] for item in update)
    stock = [json.loads(line) for line in last.read_text().splitlines()]
    states = Counter(state for item in stock for state in item if state in STATES)
    assert set(states) == STATES
    assert sum(states.values()) == len(stock) < len(items) / 10, "each of them is in one state"
    assert not STATES & {key for item in items + update for key in item}
    ds = last.parent.name.removeprefix("ds=")
    assert {item.get("available_until", ds) for item in stock} == {ds}
    assert all(item.get("available_from", "9999") > ds for item in stock)
    assert all(item["brand"] in item["title"] and 0 < item["margin"] < 1 for item in items)
    assert small_town.truth["sources"]["catalogue"]["read"] == len(items) + len(update) + len(stock)
    for file, listed in ((first, items[::50]), (second, update), (last, stock)):
        for item in listed:
            with Image.open(file.parent / item["picture"]) as picture:
                assert picture.format == "PNG"
            if "sound" in item:
                assert (file.parent / item["sound"]).read_bytes()[:4] == b"RIFF"
    assert 0.5 < sum("sound" in item for item in items) / len(items) < 0.7
