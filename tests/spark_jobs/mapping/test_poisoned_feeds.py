"""Hostile rows of every source: mapped as plain words, and without a name in the lake."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from contracts.errors import MappingError
from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.spec import MAPPINGS, load_spec
from tests.spark_jobs.feeds_by_hand import (
    DAY,
    accounted,
    books,
    deliver,
    log_line,
    post,
    response,
    responses,
    rows_of,
    settings_in,
)

MAIL = "anna.berg@example.org"
EXPRESSIONS = (
    "'; drop table events; --",
    "{{ var('lake') }} {% raw %}",
    "${jndi:ldap://x/y}",
    "pseudonym('account', user)",
    "`rm -rf /` $(id)",
    "' || (select 1) || '",
    "__proto__",
    "<script>alert(1)</script>",
)
WITHOUT_END = "x" * 300_000
MANY_TAGS = [{"name": f"tag{'ab'[number % 2]}{number}"} for number in range(1_000)]


@pytest.fixture(scope="module")
def home(tmp_path_factory, spark):  # noqa: ARG001
    """A home whose own name has quotes, after a night of hostile deliveries."""
    settings = settings_in(tmp_path_factory.mktemp("poison") / 'it\'s a "home"')
    lines = [log_line(f"/search?q={quote(text)}", cookie=f"search-{n}") for n, text in enumerate(EXPRESSIONS)]
    lines += [
        log_line(f"/?utm_campaign={quote(MAIL)}", cookie="a"),
        log_line("/?utm_campaign=%2B49%2030%201234567", cookie="b"),
        log_line("/?utm_campaign=203.0.113.77", cookie="c"),
        log_line(f"/?utm_campaign={'y' * 5_000}", cookie="d"),
        log_line(f"/item/{MAIL}", cookie="e"),
        log_line("/item/" + "i" * 9_000, cookie="f"),
        log_line(f"/category/{quote(MAIL)}", cookie="g"),
        log_line("/item/i-1?utm_campaign=spring-2026-11-19", cookie="h"),
        log_line("/item/10648342", cookie="i"),
    ]
    deliver(settings, "apache_combined", "access.log", lines)
    attachments = [{"id": MAIL, "type": "image", "url": f"media/{n}.png"} for n in range(2)]
    hidden = [
        MAIL.replace("@", "\u200b@"),
        MAIL.replace("@", "\uff20"),
        "zo\u00eb@example.org",
        "\u202eevil\u2066",
        "1.1.1.1",
    ]
    posts = [
        post("1", tags=[{"name": WITHOUT_END}]),
        post("2", tags=MANY_TAGS),
        post("3", media_attachments=attachments),
        post("4", tags=[{"name": text} for text in hidden]),
        post("5", tags=[{"name": text} for text in EXPRESSIONS]),
        post("6", tags=[{"name": "2001:db8::1"}, {"name": "garden"}]),
    ]
    deliver(settings, "mastodon", "statuses-{1}[a]*?.jsonl", posts)  # read as the name that it is
    comment = ("word " * 200_000) + MAIL
    answers = [response("R_1", comment=comment), response("R_2", comment=f"I am at 203.0.113.77 or {MAIL}")]
    deliver(settings, "qualtrics_csv", "responses.csv", responses(*answers))
    item = {"category": 'it\'s "a" {{ category }}', "categories": [], "price": {"amount": 1.0, "currency": "EUR"}}
    titles = ["=HYPERLINK(1)", f"by {MAIL}", "1917 (2019)", "t" * 9_000, "<script>alert(1)</script> Pan"]
    items = [json.dumps({"id": f"i-{n}", "title": title, **item}) for n, title in enumerate(titles)]
    deliver(settings, "catalogue", "items.jsonl", items)
    for source in ("apache_combined", "mastodon", "qualtrics_csv", "catalogue"):
        map_source(settings, source, DAY)
    return settings


def test_every_hostile_row_is_mapped_but_for_an_endless_id_and_what_was_cut_is_noted(home):
    assert books(home, "apache_combined") == {
        "read": 17,
        "mapped": 16,
        "quarantined contract: events.item_id": 1,  # cut, it would be another item's id
        "noted shortened": 1,
        "noted masked: events.item_id": 1,
    }
    assert books(home, "mastodon") == {"read": 6, "mapped": 6, "noted shortened": 4}  # topics, and their texts
    assert books(home, "qualtrics_csv") == {"read": 5, "mapped": 2, "dropped header_row": 3, "noted shortened": 1}
    assert books(home, "catalogue") == {"read": 5, "mapped": 5, "noted shortened": 1}
    assert accounted(books(home, "apache_combined")) == 17


def test_nobody_is_named_in_any_file_of_the_lake(home):
    files = [file for file in Path(home.home.lake).rglob("*") if file.is_file()]
    values = [str(pq.ParquetFile(file).read().to_pylist()) for file in files if file.suffix == ".parquet"]
    assert len(values) > 10
    for name in ("anna", "berg", "zo\u00eb", "203.0.113", "1.1.1.1", "2001:db8", "1234567"):
        assert not [text for text in values if name in text.lower().replace("joanna", "")], name


def test_an_expression_in_a_field_is_a_word(home):
    searched = [row["topics"] for row in rows_of(home, "events") if row["action"] == "search"]
    assert ["pseudonym('account',", "user)"] in searched
    assert ["';", "drop", "table", "events;", "--"] in searched
    assert ["__proto__"] in searched
    assert all("script" not in word for words in searched for word in words or [])


def test_topics_are_few_and_short(home):
    topics = [row["topics"] for row in rows_of(home, "events") if row["topics"]]
    assert max(map(len, topics)) == 30
    assert max(len(topic) for some in topics for topic in some) == 64
    assert ["x" * 64] in topics
    assert ["[address]", "garden"] in topics
    assert ["[email]", "evil", "[address]"] in topics


def test_codes_stay_and_what_is_none_is_masked(home):
    events = rows_of(home, "events")
    campaigns = {row["campaign"] for row in events if row["campaign"]}
    assert campaigns == {"[email]", "[phone]", "[address]", "y" * 100, "spring-2026-11-19"}
    items = {row["item_id"] for row in events if row["item_id"]}
    assert items == {"[email]", "i-1", "10648342"}
    assert {row["category"] for row in events if row["category"]} == {"[email]"}


def test_photos_of_one_post_have_ids_by_their_place(home):
    media = rows_of(home, "media")
    assert sorted(row["path"] for row in media) == ["media/0.png", "media/1.png"]
    assert len({row["media_id"] for row in media}) == 2


def test_a_long_answer_is_cut_and_a_short_one_masked(home):
    answers = sorted(row["answer"] for row in rows_of(home, "answers") if row["question"] == "Q5_comment")
    assert answers[0] == "I am at [address] or [email]"
    assert len(answers[1]) == 2_000


def test_titles_keep_their_years_and_lose_addresses_and_mark_up(home):
    titles = {row["item_id"]: row["title"] for row in rows_of(home, "items")}
    assert titles == {
        "i-0": "=HYPERLINK(1)",
        "i-1": "by [email]",
        "i-2": "1917 (2019)",
        "i-3": "t" * 300,
        "i-4": "alert(1) Pan",
    }


def test_an_error_does_not_quote_the_value_that_broke_a_mapping(settings, tmp_path, monkeypatch, capfd):
    """A cast that a mapping's author did not guard ends the job; the log must not quote the value."""
    text = (MAPPINGS / "movietweetings.yml").read_text().replace("try_cast(stars as int)", "cast(stars as int)")
    (tmp_path / "movietweetings.yml").write_text(text)
    monkeypatch.setattr("spark_jobs.mapping.job.load_spec", lambda source: load_spec(source, tmp_path))
    deliver(settings, "movietweetings", "ratings.dat", ["1::0114508::8::1381006850", f"2::1::{MAIL}::1381006850"])
    with pytest.raises(MappingError, match=r"\[CAST_INVALID_INPUT\] for one") as error:
        map_source(settings, "movietweetings", DAY)
    assert MAIL not in str(error.value)
    assert error.value.__cause__ is None
    assert MAIL not in "".join(capfd.readouterr())
