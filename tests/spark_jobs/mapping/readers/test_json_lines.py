"""JSON lines through a whole mapping: the broken is set aside, the unknown is counted, the whole is read."""

from __future__ import annotations

import json

import pytest

from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.quarantine import original_rows
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    accounted,
    books,
    deliver,
    expected_pseudonym,
    keyed_by_hand,
    post,
    rows_of,
    settings_in,
)

ENCODED_WRONG = post("8", content="Grüße").encode("latin-1")


@pytest.fixture(scope="module")
def mapped(tmp_path_factory, spark):  # noqa: ARG001
    settings = settings_in(tmp_path_factory.mktemp("json"))
    whole = [
        post("1", tags=[{"name": "Garden"}, {"name": "garden"}, {"name": "Tea"}]),
        post("2", reblog={"id": "99", "content": "known, ignored", "secret_score": 1}),
        post("3", mood="sunny", account={"acct": "anna", "bot": False, "fields": [], "karma": 5}),
        post("4", mood="grey", visibility="public"),
        post("5", account={"acct": "newsbot", "bot": True, "fields": []}),
        post("6", created_at=f"{DAY}T10:00:00+02:00"),
        post(
            "7",
            media_attachments=[
                {"id": "m1", "type": "image", "url": "media/m1.png"},
                {"id": "m2", "type": "video", "url": "media/m2.mp4"},
                {"id": "m3", "type": "audio", "url": "media/m3.wav"},
            ],
        ),
    ]
    shop = {
        "name": "Shop",
        "value": '<a href="https://shop.example/u/anna01">me</a>',
        "verified_at": f"{DAY}T00:00:00Z",
    }
    unverified = {"name": "Shop", "value": "https://shop.example/u/bo", "verified_at": None}
    whole.append(post("20", account={"acct": "anna", "bot": False, "fields": [shop]}))
    whole.append(post("21", account={"acct": "bo", "bot": False, "fields": [unverified]}))
    broken = ['{"id": "9", "created_at": "2026-', "not json", "[1, 2]", post("10", created_at="yesterday")]
    broken += [post("11", created_at="2026-11-21T00:00:00Z"), post("12", account=None)]
    text = "\ufeff" + "\r\n".join(whole) + "\r\n\r\n   \n" + "\n".join(broken) + "\n"
    deliver(settings, "mastodon", "statuses-1.jsonl", text.encode() + ENCODED_WRONG + b"\n")
    deliver(settings, "mastodon", "statuses-2.jsonl.gz", [whole[0]])
    return settings, map_source(settings, "mastodon", DAY)["sources"]["mastodon"]


def test_every_row_is_accounted_for(mapped):
    settings, entry = mapped
    assert books(settings, "mastodon") == {
        "read": 19,
        "mapped": 8,
        "dropped blank_line": 2,
        "dropped bot": 1,
        "dropped duplicate": 1,
        "quarantined malformed": 3,
        "quarantined wrong_encoding": 1,
        "quarantined clock_skew": 1,
        "quarantined contract: events.identifier": 1,
        "quarantined contract: events.occurred_at": 1,
        "noted bot:unnamed": 1,
        "noted uncast: occurred_at": 1,
        "noted unknown_field:mood": 2,
        "noted unknown_field:account.karma": 1,
        "noted unknown_field:reblog.secret_score": 1,
    }
    assert accounted(books(settings, "mastodon")) == 19
    assert entry["unmapped_fields"] == {"mood": 2, "account.karma": 1, "reblog.secret_score": 1}
    assert entry["dropped"] == {"bot": 1, "duplicate": 1, "blank_line": 2}


def test_a_quarantined_row_keeps_its_shape_its_file_its_reason_and_the_way_back_to_raw(mapped):
    settings, _ = mapped
    rows = {row["row_id"]: (row["file"], row["reason"], row["raw"]) for row in rows_of(settings, "quarantine")}
    assert rows[keyed_by_hand(settings, "not json")] == ("statuses-1.jsonl", "malformed", "*** ****")
    assert rows[keyed_by_hand(settings, "[1, 2]")] == ("statuses-1.jsonl", "malformed", "[#, #]")
    assert rows[keyed_by_hand(settings, ENCODED_WRONG.decode("latin-1"))][:2] == ("statuses-1.jsonl", "wrong_encoding")
    late = post("10", created_at="yesterday")
    assert rows[keyed_by_hand(settings, late)] == (
        "statuses-1.jsonl",
        "contract: texts.occurred_at",
        '{"id": "##", "created_at": "*********", "content": "<*>*****</*>", "reblog": null, '
        '"account": {"acct": "****", "bot": false, "fields": []}, "media_attachments": [], "tags": []}',
    )
    found = original_rows(settings, "mastodon", DAY)
    assert len(found) == 9  # two of them cannot be in events nor in texts
    assert ("statuses-1.jsonl", "contract: texts.occurred_at", late) in found
    assert original_rows(settings, "mastodon", DAY, "wrong_encoding") == [
        ("statuses-1.jsonl", "wrong_encoding", ENCODED_WRONG.decode("latin-1"))
    ]


def test_a_field_named_like_a_person_is_counted_by_its_shape(settings):
    names = [
        "Q99_internal",
        "acc2281x",
        "mood",
        "Anna.Berg@example.org",
        "anna01",
        "+49 30 1234567",
        "имя",
        "x" * 20_000,
    ]
    deliver(settings, "mastodon", "statuses.jsonl", [post("1", **dict.fromkeys(names, 1)), post("2", mood=2)])
    deliver(
        settings, "mastodon", "statuses-2.jsonl", [post(f"3{n}", **{f"field_{'ab'[n % 2] * n}": n}) for n in range(60)]
    )
    map_source(settings, "mastodon", DAY)
    book = books(settings, "mastodon")
    assert book["noted unknown_field:mood"] == 2
    shapes = {"***####*", "****.****@*******.***", "****##", "+## ## #######", "***", "*" * 64}
    unknown = {name.partition(":")[2]: rows for name, rows in book.items() if "unknown_field" in name}
    assert sum(unknown.values()) == 69
    assert unknown["Q99_internal"] == 1
    assert len(unknown) <= 51
    assert unknown["(others)"] == 18
    assert all(name in shapes or name == "(others)" or name.startswith(("mood", "Q99", "field_")) for name in unknown)


def test_events_hold_what_was_posted(mapped):
    settings, _ = mapped
    events = rows_of(settings, "events")
    assert len(events) == 8
    anna, bo = (expected_pseudonym(settings, "handle", name) for name in ("anna", "bo"))
    assert sorted(event["identifier"] for event in events) == sorted([anna] * 7 + [bo])
    assert sorted(event["action"] for event in events) == ["boost"] + ["post"] * 7
    assert [event["topics"] for event in events if event["topics"]] == [["garden", "tea"]]
    hours = sorted(event["occurred_at"].hour for event in events)
    assert hours == [8] + [10] * 7, "10:00 at +02:00 is 8:00 UTC"
    assert all(event["occurred_at"].date().isoformat() == DAY for event in events)


def test_only_pictures_and_sounds_become_media_with_the_event_they_came_with(mapped):
    settings, _ = mapped
    media = sorted(rows_of(settings, "media"), key=lambda row: row["path"])
    assert [(row["kind"], row["path"]) for row in media] == [("image", "media/m1.png"), ("audio", "media/m3.wav")]
    for medium in media:
        assert medium["event_id"] in {event["event_id"] for event in rows_of(settings, "events")}
        assert medium["identifier"] == expected_pseudonym(settings, "handle", "anna")


def test_only_a_verified_link_makes_an_edge(mapped):
    settings, _ = mapped
    [edge] = rows_of(settings, "identity_edges")
    assert edge["kind"] == "verified_link"
    assert {edge["left_identifier"], edge["right_identifier"]} == {
        expected_pseudonym(settings, "handle", "anna"),
        expected_pseudonym(settings, "account", "anna01"),
    }


def test_the_catalogue_reads_nested_prices(settings):
    item = {"id": "i-1", "title": "Pan", "category": "cooking", "categories": ["cooking", "home"], "picture": "i-1.png"}
    stock = {"in_stock": False, "available_from": "2026-12-01", "available_until": "9999-12-31", "brand": "Alba"}
    lines = [
        json.dumps(item | {"price": {"amount": 21.5, "currency": "EUR", "tax": 4.0}} | stock),
        json.dumps(item | {"id": "i-2", "price": {"amount": 9, "currency": "USD"}}),
        json.dumps(item | {"id": "i-3", "price": {"amount": -1.0, "currency": "EUR"}}),
        json.dumps(item | {"id": "i-4", "title": None, "price": None}),
    ]
    deliver(settings, "catalogue", "items.jsonl", lines)
    map_source(settings, "catalogue", DAY)
    assert books(settings, "catalogue") == {
        "read": 4,
        "mapped": 1,
        "quarantined unknown_currency": 1,
        "quarantined price_out_of_range": 1,
        "quarantined contract: items.title": 1,
        "noted unknown_field:price.tax": 1,
    }
    [row] = rows_of(settings, "items")
    assert (row["item_id"], row["title"], row["price"]) == ("i-1", "Pan", 21.5)
    assert (row["in_stock"], str(row["available_from"]), row["available_until"]) == (False, "2026-12-01", None)
    assert (row["brand"], row["margin"]) == ("Alba", None)
    assert row["categories"] == ["cooking", "home"]
