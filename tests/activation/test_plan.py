"""The plan of a town whose scores are written by hand, and the audiences that follow from it."""

from __future__ import annotations

import datetime
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.experiments.eligible import publish_eligible
from activation.experiments.experiment import Experiment
from activation.export import make_audiences
from activation.plan import make_plan
from contracts.errors import LakeError, SettingsError
from contracts.keys import pseudonym_keys, write_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from contracts.tables.activation import OUTCOMES, PLAN_BOOKS, PLANS
from tests.training.markov_town import DS, build_town, item, person, publish

BEFORE = "2026-11-18"
EVERYBODY = [person(number) for number in range(30)]
AGREED = [one for number, one in enumerate(EVERYBODY) if number % 7 != 6]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of 30 people with ten items each, two campaigns, and a policy to be written."""
    build_town(tmp_path, people=30)
    scores = [
        {"person_id": one, "rank": rank, "item_id": item(rank), "score": 1.0 / rank, "reason": "popular"}
        for one in EVERYBODY
        for rank in range(1, 11)
    ]
    responses = [
        {
            "person_id": one,
            "campaign": sent,
            "click_chance": 0.5,
            "purchase_chance": 0.1,
            "expected_value": value,
            "reasons": [],
        }
        for number, one in enumerate(EVERYBODY)
        for sent, value in (("autumn", number / 10), ("winter", 1.55))
    ]
    predictions = {"leave_chance": 0.1, "expected_value": 1.0, "best_campaign": "autumn"}
    publish(tmp_path, "scores", scores)
    publish(tmp_path, "predictions", [{"person_id": one, **predictions} for one in EVERYBODY])
    publish(tmp_path, "responses", responses)
    (tmp_path / "campaigns").mkdir()
    write(tmp_path, "autumn", "channel: mail\nsends: autumn")
    write(tmp_path, "winter", "channel: mail\nsends: winter\nitems: {count: 2}")
    (tmp_path / "policy.yml").write_text("channels: {}\n")
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path))
    monkeypatch.setenv("NIGHTSHIFT_CAMPAIGNS", str(tmp_path / "campaigns"))
    monkeypatch.setenv("NIGHTSHIFT_POLICY", str(tmp_path / "policy.yml"))
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "1")
    return tmp_path


def write(home, name: str, text: str) -> None:
    (home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\npurpose: personalisation\n{text}\n")


def plans(home) -> pd.DataFrame:
    return pd.read_parquet(Lake(home / "lake").partition("plans", DS))


def books(home) -> dict[str, dict]:
    """Of the report, after a look at whether they add up and are those of the table."""
    report = json.loads((home / "reports" / DS / "plan.json").read_text())["plans"]
    table = pd.read_parquet(Lake(home / "lake").partition("plan_books", DS)).set_index("campaign")
    for name, entry in report.items():
        if entry["status"] == "planned":
            assert entry["considered"] == sum(entry[outcome] for outcome in OUTCOMES) == 31
            assert table.loc[name, list(OUTCOMES)].to_dict() == {outcome: entry[outcome] for outcome in OUTCOMES}
    return report


def exported(home, name: str) -> list[str]:
    rows = pd.read_parquet(Lake(home / "audiences").partition(name, DS) / "audience.parquet")
    return rows["person_id"].tolist()


def audiences(home) -> dict:
    make_audiences(DS)
    report = json.loads((home / "reports" / f"nightly-{DS}.json").read_text())
    files = {name: exported(home, name) for name in report["audiences"]}
    return {"report": report["audiences"], "people": files}


def know_everybody(home, ds: str = DS, **other_owners: str) -> None:
    keys = pseudonym_keys(Settings.from_env())
    people = [*EVERYBODY, "pffffffffffffffff"]
    rows = [
        {
            "identifier": pseudonym(keys, "account", one),
            "person_id": other_owners.get(one, one),
            "first_ds": datetime.date(2026, 11, 1),
        }
        for one in people
    ]
    lake = Lake(home / "lake")
    file = lake.staging("persons") / "part-0.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    lake.publish("persons", ds, {file.name: file})


def test_a_message_is_worth_what_sending_adds_and_campaigns_may_ask_for_it(home):
    """Of the autumn it is known what sending adds: half a euro less than nothing for the first ten of the people."""
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    write(home, "autumn", "channel: mail\nsends: autumn\nexperiment: {holdout: 0.2, salt: a}")
    write(home, "winter", "channel: mail\nexperiment: {holdout: 0.2, salt: w}\nwho: {at_least: {uplift_euros: 0.2}}")
    uplifts = [
        {
            "person_id": one,
            "campaign": name,
            "uplift_click": 0.1,
            "uplift_purchase": 0.1,
            "uplift_euros": euros,
            "reasons": [],
            "model_version": "uplift/1",
        }
        for number, one in enumerate(EVERYBODY)
        for name, euros in (("autumn", -0.5 if number < 10 else 0.25), ("winter", number / 100))
    ]
    publish(home, "uplifts", uplifts)
    make_plan(DS)
    found = plans(home).set_index("campaign")
    autumn, winter = found.loc["autumn"], found.loc["winter"]
    first, later = set(EVERYBODY[:10]), set(EVERYBODY[20:])
    assert set(autumn["expected_value"]) == {0.25}
    assert not first & set(autumn["person_id"])
    assert books(home)["autumn"]["outbid"] > 0
    assert set(winter["person_id"]) <= later
    assert winter["expected_value"].min() >= 0.2


def test_without_rules_the_audiences_are_those_of_a_night_without_a_plan(home):
    before = audiences(home)
    make_plan(DS)
    assert audiences(home) == before
    assert before["people"]["autumn"] == AGREED
    found = plans(home)
    assert found.groupby("campaign")["person_id"].apply(list).to_dict() == {"autumn": AGREED, "winter": AGREED}
    assert found.set_index(["campaign", "person_id"])["items"]["winter", person(3)].tolist() == [item(1), item(2)]
    assert found["propensity"].eq(1.0).all()
    assert found["item_propensities"].map(set).eq({1.0}).all()
    assert found["pool"].isna().all()
    assert found["arm"].isna().all()
    lake = Lake(home / "lake")
    assert not list(lake.root.rglob("candidates-*")), "what was asked for is not kept"
    for table in (PLANS, PLAN_BOOKS):
        for file in lake.files(table.name, DS):
            assert pq.read_schema(file).names == table.column_names
    assert books(home)["autumn"]["no_consent"] == 4
    assert books(home)["autumn"]["failed"] == 1, "the newcomer has no scores"
    assert books(home)["autumn"]["expected_value"] == pytest.approx(sum(int(one[1:], 16) for one in AGREED) / 10)


def test_a_group_that_is_too_small_is_so_with_a_plan_as_without_one(home, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "20")
    write(home, "winter", "sends: winter\nwho: {at_most: {recency_days: 50}}")  # persons 0 to 5
    before = audiences(home)
    assert before["report"]["winter"]["suppressed"]["small_group"] == 6
    make_plan(DS)
    assert books(home)["winter"]["small_group"] == 6
    assert audiences(home) == before
    assert set(plans(home)["campaign"]) == {"autumn"}
    (home / "policy.yml").write_text("campaigns: {autumn: {budget_euros: 0.5, cost_euros: 0.1}}\n")
    make_plan(DS)
    made = audiences(home)
    assert (made["report"]["autumn"]["exported"], made["people"]["autumn"]) == (0, [])
    assert made["report"]["autumn"]["suppressed"]["not_planned"] == 26


def test_one_message_a_person_is_exported_and_the_rest_is_counted(home):
    (home / "policy.yml").write_text(
        "channels: {mail: {one_message: true}}\ncampaigns:\n  winter: {budget_euros: 1.0, cost_euros: 0.25}\n"
    )
    make_plan(DS)
    found = plans(home).groupby("campaign")["person_id"].apply(set).to_dict()
    # winter is worth 1.3 to everybody and four are paid for: those to whom autumn is worth least
    assert found["winter"] == set(AGREED[:4])
    assert found["autumn"] == set(AGREED[4:])
    own = books(home)
    assert own["winter"]["outbid"] + own["winter"]["over_budget"] == len(AGREED) - 4
    assert own["winter"]["cost"] == 1.0
    made = audiences(home)
    assert set(made["people"]["winter"]) == found["winter"]
    assert made["report"]["winter"]["suppressed"]["not_planned"] == len(AGREED) - 4
    report = json.loads((home / "reports" / f"nightly-{DS}.json").read_text())
    assert report["arbitration"]["mail"]["gap"] <= 1e-4


def test_arms_and_their_shares_are_in_the_plan_and_who_is_held_out_is_not(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    write(home, "autumn", "sends: autumn\nexperiment: {holdout: 0.3, variants: {short: 0.5, long: 0.2}}")
    make_plan(DS)
    arms = pd.read_parquet(Lake(home / "lake").partition("assignments", DS)).set_index("person_id")["arm"]
    found = plans(home)
    autumn = found[found["campaign"] == "autumn"].set_index("person_id")
    assert set(autumn.index) == {one for one in AGREED if arms[one] != "holdout"}
    assert autumn["arm"].to_dict() == arms[autumn.index].to_dict()
    assert set(zip(autumn["arm"], autumn["propensity"], strict=True)) <= {("short", 0.5), ("long", 0.2)}
    assert books(home)["autumn"]["held_out"] == sum(arms[one] == "holdout" for one in AGREED) > 0


def test_who_was_written_to_before_is_capped_also_after_a_merger(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    former = {person(1): "pold"}
    know_everybody(home, BEFORE, **former)
    lake = Lake(home / "lake")
    sent = [("pold", "mail"), (person(2), "mail"), (person(3), "site")]
    rows = [{"person_id": one, "campaign": "x", "channel": channel} for one, channel in sent]
    file = lake.staging("plans") / "x.parquet"
    pq.write_table(pa.Table.from_pylist(rows), file)
    lake.publish("plans", BEFORE, {file.name: file})
    (home / "policy.yml").write_text("channels: {mail: {at_most: {messages: 1, days: 3}}}\n")
    make_plan(DS)
    assert books(home)["autumn"]["capped"] == 2
    messages = plans(home).groupby("person_id").size()
    assert set(messages.index) == set(AGREED) - {person(1), person(2)}
    assert messages.eq(1).all(), "tonight's messages count too"
    (home / "policy.yml").write_text("channels: {mail: {at_most: {messages: 1, days: 2}}}\n")
    make_plan(DS)
    assert books(home)["autumn"]["capped"] == 0, "two days ago is outside of two days"


def test_a_suppression_list_names_raw_identifiers_and_nothing_of_them_is_kept(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    (home / "list.txt").write_text(f"account:{person(4)}\naccount:nobody\n")
    (home / "policy.yml").write_text("suppression: list.txt\n")
    make_plan(DS)
    assert books(home)["autumn"]["suppressed"] == 1
    assert set(plans(home)["person_id"]) == {*AGREED} - {person(4)}


def test_whom_the_channel_refuses_or_who_complained_is_suppressed(home):
    day = datetime.date.fromisoformat
    publish(
        home,
        "dim_person_suppression",
        [
            {"person_id": person(1), "channel": "mail", "refused_on": day("2025-01-01"), "complained_on": None},
            {"person_id": person(2), "channel": "mail", "refused_on": None, "complained_on": day("2026-11-10")},
            {"person_id": person(3), "channel": "mail", "refused_on": None, "complained_on": day("2026-11-11")},
            {"person_id": person(4), "channel": "sms", "refused_on": day("2026-11-11"), "complained_on": None},
        ],
    )
    write(home, "shop_page", "channel: site")
    make_plan(DS)
    assert (books(home)["autumn"]["suppressed"], books(home)["shop_page"]["suppressed"]) == (3, 0)
    assert not set(plans(home)[plans(home)["campaign"] == "autumn"]["person_id"]) & {person(1), person(2), person(3)}
    (home / "policy.yml").write_text("rest_after_complaint_days: 10\n")
    make_plan(DS)  # ten days after the tenth of November
    assert books(home)["autumn"]["suppressed"] == 2
    found = set(plans(home)[plans(home)["campaign"] == "autumn"]["person_id"])
    assert person(2) in found
    assert not found & {person(1), person(3)}


def test_who_unsubscribes_by_mail_is_out_of_the_next_plan(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    (home / "campaigns" / "letter.yml").write_text("name: letter\npurpose: marketing_contact\n")
    make_plan(DS)
    reached = set(plans(home).query("campaign == 'letter'")["person_id"])
    assert person(8) in reached
    # the row that the mapping esp_events writes of an unsubscribe, mapped after the marts were built
    withdrawal = {
        "consent_id": "0" * 32 + " marketing_contact",
        "source": "esp_events",
        "identifier": pseudonym(pseudonym_keys(Settings.from_env()), "account", person(8)),
        "purpose": "marketing_contact",
        "granted": False,
        "occurred_at": datetime.datetime(2026, 11, 20, 7, tzinfo=datetime.UTC),
    }
    publish(home, "consents", [withdrawal])
    make_plan(DS)
    assert set(plans(home).query("campaign == 'letter'")["person_id"]) == reached - {person(8)}


def test_a_send_log_of_a_campaign_that_does_not_exist_is_counted(home):
    publish(home, "fct_sends", [{"campaign": name} for name in ("autumn", "spring_2019", "spring_2019")])
    make_plan(DS)
    report = json.loads((home / "reports" / DS / "plan.json").read_text())
    assert report["sent_of_no_campaign"] == {"spring_2019": 2}


def test_rest_after_a_purchase_and_quiet_hours_by_region(home):
    (home / "policy.yml").write_text("rest_after_purchase_days: 30\n")
    make_plan(DS)  # person n bought 10 n days ago
    assert books(home)["autumn"]["quiet"] == 3
    (home / "policy.yml").write_text(
        'channels: {mail: {sent_at: "05:30", quiet_hours: {from: "22:00", to: "06:00"}}}\n'
        "time_zones: {default: Europe/Berlin, north: Europe/London}\n"
    )
    make_plan(DS)  # odd people live in the north, where it is half past five
    assert set(plans(home)["person_id"]) == {one for one in AGREED if int(one[1:], 16) % 2 == 0}


def rescore(home, items: list[int]) -> None:
    """Let everybody be recommended these items, best first, each with a reason of its own."""
    rows = [
        {"person_id": one, "rank": rank, "item_id": item(number), "score": 1.0, "reason": f"because {item(number)}"}
        for one in EVERYBODY
        for rank, number in enumerate(items, start=1)
    ]
    publish(home, "scores", rows)


def test_a_campaign_that_explores_shows_what_was_planned_with_its_own_reasons(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    rescore(home, [*range(1, 13)])
    write(home, "winter", "items: {count: 3}\nexplore: {share: 0.5}")
    make_plan(DS)
    found = plans(home)
    found = found[found["campaign"] == "winter"].set_index("person_id")
    ten = [item(number) for number in range(1, 11)]
    assert found["pool"].map(list).eq(pd.Series([ten] * len(found), found.index)).all()
    assert {one for shown in found["items"] for one in shown} - {item(number) for number in (1, 2, 3)}, "none was drawn"
    for shown, chances in zip(found["items"], found["item_propensities"], strict=True):
        left = list(ten)
        for one, chance in zip(shown, chances, strict=True):
            assert chance == pytest.approx(0.5 / len(left) + 0.5 * (one == left[0]))
            left.remove(one)
    make_plan(DS)
    again = plans(home).query("campaign == 'winter'").set_index("person_id")
    assert again["items"].map(list).equals(found["items"].map(list)), "a second run draws the same"
    rescore(home, [*range(10, 0, -1)])
    with pytest.raises(LakeError, match="made of the scores as they are now"):
        make_audiences(DS)  # autumn would carry the items 10, 9 and 8 now
    rows = pd.read_parquet(Lake(home / "audiences").partition("winter", DS) / "audience.parquet").set_index("person_id")
    assert rows[["item_1", "item_2", "item_3"]].apply(list, axis=1).to_dict() == found["items"].map(list).to_dict()
    for place in (1, 2, 3):
        assert rows[f"item_{place}_why"].equals("because " + rows[f"item_{place}"])
        assert rows[f"item_{place}_title"].equals("Shoe " + rows[f"item_{place}"].str[1:].str.lstrip("0"))
    assert statuses(home) == {"autumn": "failed", "winter": "exported"}
    rescore(home, [*range(2, 12)])
    with pytest.raises(LakeError, match="items cannot be carried now"):
        make_audiences(DS)
    assert statuses(home) == {"autumn": "failed", "winter": "failed"}


def statuses(home) -> dict[str, str]:
    report = json.loads((home / "reports" / f"nightly-{DS}.json").read_text())["audiences"]
    return {name: entry["status"] for name, entry in report.items()}


def test_a_plan_of_other_campaigns_or_another_policy_lets_nobody_out(home):
    make_plan(DS)
    write(home, "winter", "sends: winter\nitems: {count: 3}")
    write(home, "added", "")
    with pytest.raises(LakeError, match=r"run `python -m activation.plan"):
        make_audiences(DS)
    report = json.loads((home / "reports" / f"nightly-{DS}.json").read_text())["audiences"]
    assert {name: entry["status"] for name, entry in report.items()} == {
        "added": "failed",
        "autumn": "exported",
        "winter": "failed",
    }
    make_plan(DS)
    make_audiences(DS)


def test_a_campaign_that_fails_is_named_and_the_others_are_planned(home):
    write(home, "broken", "who: [")
    make_plan(DS)
    assert {name: entry["status"] for name, entry in books(home).items()} == {
        "autumn": "planned",
        "broken": "failed",
        "winter": "planned",
    }


def test_a_policy_that_cannot_be_understood_plans_nothing(home):
    (home / "policy.yml").write_text("campaigns: {autum: {priority: 1}}\n")
    with pytest.raises(SettingsError, match="did you mean 'autumn'"):
        make_plan(DS)
    assert not Lake(home / "lake").days("plans")


def test_a_person_who_stands_twice_ends_the_night_without_a_plan(home):
    lake = Lake(home / "lake")
    rows = pq.read_table(lake.partition("dim_person_consent", DS))
    file = lake.staging("dim_person_consent") / "part-0.parquet"
    pq.write_table(pa.concat_tables([rows, rows.slice(0, 1)]), file)
    lake.publish("dim_person_consent", DS, {file.name: file})
    with pytest.raises(LakeError, match="each person once"):
        make_plan(DS)
    assert not lake.days("plans")


def test_who_is_held_out_from_all_campaigns_gets_no_letter_and_sees_our_pages(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    (home / "campaigns" / "autumn.yml").write_text(
        "name: autumn\npurpose: marketing_contact\nsends: autumn\nexperiment: {holdout: 0.2}\n"
    )
    (home / "campaigns" / "spring.yml").write_text("name: spring\npurpose: marketing_contact\n")
    write(home, "winter", "sends: winter")
    (home / "policy.yml").write_text("global_holdout: {share: 0.4, salt: everything}\n")
    make_plan(DS)
    rows = pd.read_parquet(Lake(home / "lake").partition("assignments", DS))
    assert set(rows["experiment"]) == {"autumn", "global"}
    arms = rows.pivot(index="person_id", columns="experiment", values="arm")
    held_out = set(arms.index[arms["global"] == "holdout"])
    agreed = [one for one in AGREED if int(one[1:], 16) % 2 == 0]  # to be written to
    found = plans(home).groupby("campaign")["person_id"].apply(set).to_dict()
    assert found["spring"] == set(agreed) - held_out
    assert found["autumn"] == {one for one in found["spring"] if arms.loc[one, "autumn"] == "treated"}
    assert found["winter"] == set(AGREED), "our own pages are no message"
    assert books(home)["spring"]["held_out"] == len(held_out & set(agreed)) > 0
    chances = plans(home).groupby("campaign")["propensity"].unique().apply(list).to_dict()
    assert chances["autumn"] == pytest.approx([0.8 * 0.6])
    assert (chances["spring"], chances["winter"]) == (pytest.approx([0.6]), [1.0])
    made = audiences(home)
    assert set(made["people"]["spring"]) == found["spring"]
    assert made["report"]["spring"]["suppressed"]["held_out"] == books(home)["spring"]["held_out"]


def test_a_campaign_that_the_policy_refuses_is_named_and_the_others_are_planned(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    write(home, "autumn", "experiment: {holdout: 0.3, salt: everything}")
    write(home, "spring", "experiment: {holdout: 0.3}")
    (home / "policy.yml").write_text(
        "every_campaign_has_an_experiment: true\nglobal_holdout: {share: 0.1, salt: everything}\n"
    )
    make_plan(DS)
    found = books(home)
    assert {name: entry["status"] for name, entry in found.items()} == {
        "autumn": "failed",
        "spring": "planned",
        "winter": "failed",
    }
    assert "line 3 of autumn.yml" in found["autumn"]["error"]
    assert "which an experiment of the policy has too" in found["autumn"]["error"]
    assert "an experiment in winter.yml" in found["winter"]["error"]


@pytest.mark.parametrize("name", ["global", "challenger"])
def test_no_campaign_has_the_name_of_an_experiment_of_the_policy(home, name):
    write(home, name, "")
    make_plan(DS)
    assert "an experiment of the policy has this one" in books(home)[name]["error"]


def test_an_arm_of_people_is_shown_the_lists_of_the_version_in_shadow(home, capsys):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    (home / "policy.yml").write_text("challenger: {share: 0.5, salt: next_item 4}\n")
    make_plan(DS)
    assert f"plan challenger: no version was in shadow on {DS}" in capsys.readouterr().out
    of_champion = [item(1), item(2), item(3)]
    assert {tuple(items) for items in plans(home).query("campaign == 'autumn'")["items"]} == {tuple(of_champion)}

    ranked = EVERYBODY[1:]  # the first has too short a history for it
    shadow = [
        {"person_id": one, "rank": rank, "item_id": item(10 + rank), "score": 1.0 / rank, "reason": "popular"}
        for one in ranked
        for rank in range(1, 11)
    ]
    publish(home, "shadow_scores", [{**row, "model_version": "next_item/4"} for row in shadow])
    make_plan(DS)
    arms = pd.read_parquet(Lake(home / "lake").partition("assignments", DS)).set_index("person_id")["arm"]
    assert set(arms) == {"challenger", "holdout"}
    found = plans(home).query("campaign == 'autumn'").set_index("person_id")["items"]
    assert set(found.index) == set(AGREED)
    for one, items in found.items():
        shown = arms[one] == "challenger" and one in ranked
        assert list(items) == ([item(11), item(12), item(13)] if shown else of_champion)
    make_audiences(DS)
    rows = pd.read_parquet(Lake(home / "audiences").partition("autumn", DS) / "audience.parquet")
    assert dict(zip(rows["person_id"], rows["item_1"], strict=True)) == {one: items[0] for one, items in found.items()}


def test_two_experiments_of_the_policy_draw_two_lots(home):
    (home / "policy.yml").write_text("global_holdout: {share: 0.1, salt: a}\nchallenger: {share: 0.5, salt: a}\n")
    with pytest.raises(SettingsError, match=r"line \d of policy.yml .* 'a', which .* has too"):
        make_plan(DS)


def test_who_could_be_written_to_on_the_first_night_is_known_of_all_arms_and_stays(home):
    write_keys(Settings.from_env().pseudonym_key_file, [b"k" * 32])
    know_everybody(home)
    write(home, "autumn", "channel: mail\nwho: {region: north}\nexperiment: {holdout: 0.4, salt: a}")
    make_plan(DS)
    assigned = pd.read_parquet(Lake(home / "lake").partition("assignments", DS)).set_index("person_id")["arm"]
    north = {one for number, one in enumerate(EVERYBODY) if number % 2 and one in AGREED}
    found = pd.read_parquet(Lake(home / "lake").partition("eligible", DS))
    assert set(found["person_id"]) == north
    assert set(assigned[found["person_id"]]) == {"holdout", "treated"}
    assert set(plans(home).query("campaign == 'autumn'")["person_id"]) == {
        one for one in north if assigned[one] == "treated"
    }
    write(home, "autumn", "channel: mail\nwho: {region: south}\nexperiment: {holdout: 0.4, salt: a}")
    selected = [(Experiment("autumn", "a", 0.4, {"treated": 0.6}), pa.array(EVERYBODY))]
    lake = Lake(home / "lake")
    later = pd.read_parquet(lake.partition("assignments", DS))
    late = later["person_id"] == EVERYBODY[0]
    later.loc[late, "since"] = datetime.date(2026, 11, 21)
    file = lake.staging("later") / "part-0.parquet"
    later.to_parquet(file)
    lake.publish("assignments", "2026-11-21", {file.name: file})
    publish_eligible(lake, "2026-11-21", selected)
    after = pd.read_parquet(lake.partition("eligible", "2026-11-21"))
    assert set(after["person_id"]) == {*north, EVERYBODY[0]}, (
        "whom the campaign selects later counts for newcomers alone"
    )
    publish_eligible(lake, "2026-11-21", [])
    assert lake.days("eligible") == [DS]
