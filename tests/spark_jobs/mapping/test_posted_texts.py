"""The words of posts reach the lake without markup, hashtags and names, and no post is too odd."""

from __future__ import annotations

from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import books, deliver, expected_pseudonym, post, rows_of

TAG = '<a href="https://town.example/tags/tea" class="mention hashtag" rel="tag">#<span>tea</span></a>'
MENTION = '<a href="https://town.example/@bob" class="u-url mention">@bob</a>'


def test_a_text_is_words_without_markup_hashtags_and_names(settings):
    mail = '<a href="mailto:anna@example.org">anna@example.org</a>'
    bare = "blog.example/anna/3 and write to anna@example.org"
    lines = [
        post(
            "1",
            content=f"<p>{MENTION} A&nbsp;cup of&#39;s best,<br>see {bare}, {mail}</p><p>{TAG}</p>",
            tags=[{"name": "Tea"}],
        ),
        post("2", content=f"<p>{TAG}</p>"),
        post("3", content="<p>😀😀</p>"),
        post("4", content="<p>วันนี้วิ่งมาราธอน</p>"),
        post("5", content=f"<p>{'word ' * 20_000}</p>"),
        post("6", content=None),
    ]
    deliver(settings, "mastodon", "statuses.jsonl", lines)
    map_source(settings, "mastodon", "2026-11-19")
    rows = {row["text_id"]: row for row in rows_of(settings, "texts")}
    ids = [row["event_id"] for row in sorted(rows_of(settings, "events"), key=lambda row: str(row["topics"]))]
    assert len(ids) == 6 and set(rows) < set(ids), "a post without words is an act all the same"
    texts = sorted((row["text"] for row in rows.values()), key=len)
    assert texts[:3] == ["😀😀", "วันนี้วิ่งมาราธอน", "A cup of s best, see and write to [email],"]
    assert len(texts[3]) == 2000 and texts[3].startswith("word word")
    [tea] = [row for row in rows.values() if row["topics"]]
    assert (tea["topics"], tea["identifier"]) == (["tea"], expected_pseudonym(settings, "handle", "anna"))
    assert books(settings, "mastodon")["mapped"] == 6
