"""The page of a night, made of reports and tables that the test writes."""

from __future__ import annotations

import re

from contracts.lake import Lake
from monitoring.page import html
from monitoring.page.__main__ import make_page
from tests.monitoring.pages import BEFORE, DS, REFUSAL, Read, page_in, plan_entry, publish, report, steps, whole_night

HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7*7 }}‮"
SECTIONS = ["Campaigns", "What sending changed", "Models", "Alarms", "People", "Sources", "Deliveries"]
SECTIONS += ["Privacy budget", "Time and memory"]


def test_a_whole_night_is_told(home):
    whole_night(home)
    make_page(DS)
    page = Read(page_in(home))
    assert page.unclosed == []
    assert page.all("title") == [({}, "Night of Thursday, 19 November 2026 · Nightshift")]
    assert [text for _, text in page.all("h2")][2:] == SECTIONS
    assert page.by_id("verdict").startswith("! The night worked, and needs a person.")
    tiles = [text for attrs, text in page.all("li") if attrs.get("class") == "tile"]
    assert tiles[:2] == ["people known 100 +10 since the night before", "with a profile 64 +4 since the night before"]
    assert "20 % of the rows of web log were set aside." in page.by_id("main-needs")
    assert "The challenger of response, version 4, was refused. Why" in page.by_id("main-changes")
    assert "Alarm: 2,000 rows came from Blue Boots More" in page.by_id("main-needs")
    assert "2,000 rows came from Blue Boots volume, since 18 November 2026. Look: python -m" in page.by_id("watch")
    assert "device alarm events (web log) earlier nights 0.3100 0.0200 0.1000" in page.by_id("watch")
    models = page.by_id("models")
    assert "Version 4 was refused; version 3 stays champion." in models
    assert "Why it was refused It is worse than the champion, and that is not chance: click_auc 0.6100" in models
    assert REFUSAL in models, "the gate's own words stand below"
    assert "0.2100" in models and "0.0800" in models
    assert "+2.10 visitors of 100 people +0.40 to +3.80 Sending brings more visitors." in page.by_id("lift")
    assert "Too early to say" in page.by_id("lift")
    assert "letter post office messages 34 delivered 30; ends of few people, together fewer than 20" in page.by_id(
        "deliveries"
    )
    assert "training responses spent, of 10 2.50" in page.by_id("privacy")
    assert "map raw deliveries 2.0 s" in page.by_id("run")


def test_every_picture_has_words_and_no_address_leads_out(home):
    whole_night(home)
    make_page(DS)
    text = page_in(home)
    page = Read(text)
    [image] = [attrs for attrs, _ in page.all("img")]
    assert image["alt"] == "Photo of Blue Boots"
    assert image["src"].startswith("data:image/jpeg;base64,")
    drawings = [attrs for attrs, _ in page.all("figure")]
    assert len(drawings) >= 6
    assert all(attrs["role"] == "img" and "2026" in attrs["aria-label"] for attrs in drawings)
    assert "web log, 18 November 2026 to 19 November 2026. mapped: 700 rows on 19 Nov" in str(drawings)
    links = [attrs["href"] for attrs, _ in page.all("a")]
    assert links and all(link.startswith("#") for link in links)
    assert {link[1:] for link in links} <= {attrs.get("id") for _, attrs, _ in page.elements}
    assert not re.search(
        r"https?:|//\w|url\((?!#)|@import|<script|javascript:", re.sub(r'"data:image/[^"]*"', "", text)
    )
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert len(text.encode()) < html.MOST_BYTES


def test_small_groups_are_folded_and_nobody_is_named(home):
    whole_night(home)
    make_page(DS)
    text = page_in(home)
    people = Read(text).by_id("people")
    assert "25-34 60 3 smaller groups together 40" in people, "5 and 10 are 15, too few: 25 more hide them"
    assert not any(band in people for band in ("18-24", "35-44", "65+"))
    assert "identifiers merged since the night before fewer than 20" in people
    assert "Models learning from them fewer than 20" in people
    campaigns = Read(text).by_id("campaigns")
    assert "gets the message 40 did not agree 945" in campaigns
    assert "quiet hours" not in campaigns, "9 people; with the 6 that had enough messages they are 15"
    assert "reasons of few people, together 45" in campaigns, "so 30 who are held out are with them"
    assert "no consent" not in Read(text).by_id("deliveries")
    assert not re.search(r"p0{10}", text), "a person's id"


def test_a_list_holds_only_items_that_many_people_get(home):
    whole_night(home)
    make_page(DS)
    page = Read(page_in(home))
    assert [text for attrs, text in page.all("ol") if attrs.get("class") == "items"] == ["Blue Boots Two-person tent"]
    assert "A thing that five people get" not in page_in(home)


def test_hostile_words_stay_words(home):
    whole_night(home, title=HOSTILE)
    publish(home, "plan_books", [{"campaign": HOSTILE, "channel": HOSTILE, "planned": 40}])
    report(home, "plan", plans={HOSTILE: {"status": "failed", "error": HOSTILE}, "letter": plan_entry(planned=40)})
    report(home, "train", models={HOSTILE: {"decision": HOSTILE, "reasons": [HOSTILE], "version": HOSTILE}})
    make_page(DS, failed=HOSTILE)
    text = page_in(home)
    page = Read(text)
    assert page.unclosed == []
    assert not page.all("script") and len(page.all("style")) == 1
    assert all("onerror" not in attrs for _, attrs, _ in page.elements)
    assert "49" not in page.by_id("verdict") and "{{ 7*7 }}" in page.by_id("verdict")
    assert "‮" not in text, "it would turn what follows around"
    assert "<script>alert(1)</script>" in page.by_id("campaigns"), "as text"
    [policy] = [attrs["content"] for attrs, _ in page.all("meta") if "http-equiv" in attrs]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_where_the_home_stands_is_not_on_the_page(home):
    missing = home.lake / "training_uplift"
    report(home, "train", models={"uplift": {"decision": "skipped", "reasons": [f"no row in {missing}"]}})
    make_page(DS, failed=f"{missing} cannot be read")
    assert "no row in lake/training_uplift" in Read(page_in(home)).by_id("models")
    assert str(home.root) not in page_in(home)


def test_a_first_night_without_anything_is_a_page_of_sentences(home):
    make_page(DS)
    page = Read(page_in(home))
    assert page.by_id("verdict").startswith(
        "✕ The night did not finish. It ended before this: raw deliveries are mapped."
    )
    assert [text for _, text in page.all("h2")][2:] == SECTIONS
    for anchor in ("campaigns", "lift", "models", "watch", "people", "sources", "deliveries", "privacy", "run"):
        assert len(page.by_id(anchor)) > 40, anchor
    assert "could not be read" not in page_in(home)


def test_a_night_that_failed_says_why_and_what_was_done(home):
    report(home, "map")
    report(home, "resolve")
    make_page(DS, failed="nightly_profiles failed: expected a day, but received none; deliver it")
    said = Read(page_in(home)).by_id("verdict")
    assert "expected a day, but received none; deliver it" in said
    assert "What was done before it ended: raw deliveries are mapped; identifiers become people." in said


def test_a_task_that_a_scheduler_saw_failing_is_named_with_its_reason(home):
    report(home, "map")
    failures = {"nightly_profiles.resolve": "expected edges, but received none; map first"}
    report(home, "failed-nightly_profiles.resolve", failures=failures, seconds={})
    make_page(DS)
    page = Read(page_in(home))
    assert page.by_id("verdict") == (
        "✕ The night did not finish. It ended before this: identifiers become people. "
        "What was done before it ended: raw deliveries are mapped."
    )
    assert "The task nightly_profiles.resolve failed: expected edges, but received none" in page.by_id("main-needs")
    assert "Airflow: the run of nightly_profiles" in page.by_id("main-needs")


def test_of_many_failures_a_few_are_named(home):
    failures = {f"train_models.train [{name}]": "expected marts, but received none" for name in "abcdef"}
    store = {"activate_audiences.store": "expected scores, but received none; score first"}
    report(home, "failed", failures={**store, **failures}, seconds={})
    report(home, "store", store={"alert": store["activate_audiences.store"]})
    make_page(DS)
    said = Read(page_in(home)).by_id("main-needs")
    assert said.count("The task train_models.train") == 5
    assert "And 1 more task failed." in said
    assert said.count("expected scores, but received none") == 1


def test_a_night_without_trouble_asks_for_nobody(home):
    steps(home, plan={"plans": {"letter": plan_entry(planned=40)}})
    make_page(DS)
    page = Read(page_in(home))
    assert page.by_id("verdict") == "✓ The night worked. All steps ran to their end, and nothing waits for you."
    assert page.by_id("main-needs").endswith("Nothing tonight.")


def test_a_table_that_is_broken_is_a_sentence(home, capsys):
    whole_night(home)
    [file] = Lake(home.lake).files("dim_person_profile", DS)
    file.write_bytes(b"no parquet")
    make_page(DS)
    page = Read(page_in(home))
    assert "What belongs here (people) could not be read" in page.by_id("people")
    assert "gets the message 40" in page.by_id("campaigns"), "the rest is made"
    assert "without people" in capsys.readouterr().out


def test_the_newest_page_is_the_index(home):
    for ds in (DS, BEFORE):
        make_page(ds)
    assert (home.pages / "index.html").read_text() == page_in(home)
    assert "18 November" in page_in(home, BEFORE)


def test_a_page_that_would_be_too_large_goes_without_its_photos(home, monkeypatch):
    whole_night(home)
    make_page(DS)
    monkeypatch.setattr(html, "MOST_BYTES", len(page_in(home).encode()) - 500)
    make_page(DS)
    page = Read(page_in(home))
    assert not page.all("img") and page.all("figure")
    assert "It would have been too large with photos, and is without." in page.all("footer")[0][1]
