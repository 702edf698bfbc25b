"""A preview is what the plan would be, of the same people by the same rules, and leaves nothing behind."""

from __future__ import annotations

import pytest

from activation.export import main, show_preview
from activation.plan import make_plan
from activation.preview.preview import Overlap, preview, reasons
from activation.preview.words import lines_of
from contracts.errors import LakeError, SettingsError
from contracts.keys import write_keys
from contracts.settings import Settings
from contracts.tables.activation import OUTCOMES
from tests.activation.test_plan import EVERYBODY, books, home, know_everybody, plans, write  # noqa: F401  fixture
from tests.training.markov_town import DS, person, publish

BUDGETS = (
    "channels: {mail: {one_message: true, cost_euros: 0.5}}\n"
    "campaigns: {autumn: {budget_euros: 4}, winter: {budget_euros: 5}}\n"
)


def files(folder) -> dict:
    return {
        file: file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not {".locks", "secrets"} & set(file.parts)
    }


def test_a_preview_is_the_plan_that_would_follow_and_writes_nothing(home):  # noqa: F811
    (home / "policy.yml").write_text(BUDGETS)
    before = files(home)
    found = preview(Settings.from_env(), home / "campaigns" / "autumn.yml", None, None)
    assert files(home) == before
    assert not list((home / "lake" / ".runs" / ".staging").glob("preview-*"))
    make_plan(DS)
    planned = books(home)["autumn"]
    assert found.books == {name: planned[name] for name in ("considered", *OUTCOMES)}
    assert (found.euros, found.cost) == (pytest.approx(planned["expected_value"]), planned["cost"])
    assert found.books["planned"] == 8, "four euros pay for eight messages of half a euro"
    assert found.clicks == pytest.approx(8 * 0.5)
    both = plans(home).groupby("person_id").size()
    assert found.overlaps == {"winter": Overlap(26, int((both > 1).sum()))}
    assert len(found.examples) == 8
    assert found.examples[0]["item_1_title"].startswith("Shoe")
    assert found.examples[0]["item_1_why"] == "popular"
    assert "person_id" not in found.examples[0]


def test_a_campaign_is_tried_before_it_is_among_the_others(home, tmp_path):  # noqa: F811
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    (tmp_path / "elsewhere").mkdir()
    draft = tmp_path / "elsewhere" / "spring.yml"
    draft.write_text(
        "name: spring\npurpose: personalisation\nchannel: push\nwho: {region: north}\n"
        "experiment: {holdout: 0.3, variants: {short: 0.3, long: 0.4}}\n"
    )
    found = preview(Settings.from_env(), draft, DS, None)
    draft.rename(home / "campaigns" / "spring.yml")
    make_plan(DS)
    planned = books(home)["spring"]
    assert found.books == {name: planned[name] for name in ("considered", *OUTCOMES)}
    assert planned["held_out"] > 0
    rows = plans(home)
    assert found.arms == rows[rows["campaign"] == "spring"]["arm"].value_counts().to_dict()
    assert (found.clicks, found.euros) == (None, None), "it does not say under which name its clicks come back"


def test_few_people_are_no_figure(home, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "20")
    file = home / "campaigns" / "autumn.yml"
    show_preview(file, None, 0)
    text = capsys.readouterr().out
    assert "about 30 of 31 people get it by mail" in text, "26, of whom nobody is to know how many are missing"
    assert "fewer than 20 have another reason" in text
    assert "both want 26 people, and 26 get both" in text
    assert "10 of the people who get it:" in text and "(popular)" in text
    assert not any(one in text for one in EVERYBODY)
    write(home, "autumn", "channel: mail\nwho: {region: north}")
    show_preview(file, None, 0)
    text = capsys.readouterr().out
    assert "an audience of fewer than 20 people is not let out" in text
    assert "get it:" not in text and "clicks" not in text


def test_reasons_of_few_are_hidden_with_one_that_hides_them():
    books = dict.fromkeys(OUTCOMES, 0) | {"planned": 50, "no_consent": 30, "outside": 25, "failed": 3, "quiet": 2}
    assert reasons(books, 20) == ({"no_consent": 30}, 30)
    assert reasons(books | {"quiet": 17}, 20) == ({"no_consent": 30, "outside": 25}, 20)
    assert reasons(books | {"no_consent": 0, "outside": 0}, 20) == ({}, 5)


def test_of_many_people_some_are_looked_at_and_budgets_with_them(home):  # noqa: F811
    (home / "policy.yml").write_text(BUDGETS)
    settings = Settings.from_env()
    found = preview(settings, home / "campaigns" / "autumn.yml", None, 16)
    assert found.share == pytest.approx(16 / 31)
    assert found.books["considered"] == 16
    assert found.books["planned"] == 4, "8 messages to 31 people"
    text = "\n".join(lines_of(found, 1))
    assert "16 people were looked at, by lot" in text
    assert "about 8 of about 31 people get it" in text
    assert "clicks: 4 expected" in text


def test_a_bad_file_is_a_sentence_with_its_line(home, capsys, monkeypatch):  # noqa: F811
    settings = Settings.from_env()
    file = home / "campaigns" / "autumn.yml"
    write(home, "autumn", "who: {likes: {category: runing}}")
    with pytest.raises(SettingsError, match=r"in line 3 of autumn\.yml .*did you mean 'running'"):
        preview(settings, file, None, None)
    with pytest.raises(SettingsError, match="no such file"):
        preview(settings, home / "campaigns" / "nothing.yml", None, None)
    write(home, "autumn", "sends: autumn")
    with pytest.raises(SettingsError, match="name: other in"):
        preview(settings, (home / "campaigns" / "autumn.yml").rename(home / "other.yml"), None, None)
    (home / "policy.yml").write_text("every_campaign_has_an_experiment: true\n")
    with pytest.raises(SettingsError, match=r"an experiment in winter\.yml"):
        preview(settings, home / "campaigns" / "winter.yml", None, None)
    with pytest.raises(LakeError, match="2026-11-21"):
        preview(settings, home / "campaigns" / "winter.yml", "2026-11-21", None)
    monkeypatch.setattr("sys.argv", ["export"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "expected --ds DAY, or --preview FILE" in capsys.readouterr().err


def test_items_without_title_or_reason_are_shown_all_the_same(home, capsys):  # noqa: F811
    rows = [{"person_id": person(0), "rank": 1, "item_id": "i05", "score": 1.0, "reason": None}]
    publish(home, "scores", rows)
    show_preview(home / "campaigns" / "autumn.yml", DS, 0)
    assert "1. Shoe 5; chance to click 50.0%" in capsys.readouterr().out
