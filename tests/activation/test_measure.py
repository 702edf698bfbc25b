"""What is measured of small lakes whose figures are computed by hand."""

from __future__ import annotations

import datetime
import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation.measure import measure
from contracts.errors import SettingsError
from contracts.lake import Lake
from contracts.tables import TABLES
from lake_tables.arrow import arrow_schema
from training.metrics.auc import placements
from training.metrics.calibration import expected_calibration_error

DAYS = [f"2026-11-{day}" for day in range(10, 21)]
DS = "2026-11-20"


def at(day: str, hour: int = 12) -> datetime.datetime:
    return datetime.datetime.fromisoformat(day).replace(hour=hour)


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


class Home:
    """A home whose tables a test writes row by row; columns that it does not name are null."""

    def __init__(self, root, monkeypatch) -> None:
        self.root, self.lake, self.campaigns = root, Lake(root / "lake"), root / "campaigns"
        self.campaigns.mkdir()
        self.policy = root / "policy.yml"
        self.policy.write_text("channels: {}\n")
        monkeypatch.setenv("NIGHTSHIFT_HOME", str(root))
        monkeypatch.setenv("NIGHTSHIFT_CAMPAIGNS", str(self.campaigns))
        monkeypatch.setenv("NIGHTSHIFT_POLICY", str(self.policy))
        monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "1")

    def publish(self, table: str, ds: str, rows: list[dict] | pd.DataFrame) -> None:
        rows = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
        schema = pa.schema([field.with_nullable(True) for field in arrow_schema(TABLES[table])])
        columns = {
            field.name: pa.array(rows[field.name], field.type, from_pandas=True)
            if field.name in rows
            else pa.nulls(len(rows), field.type)
            for field in schema
        }
        file = self.lake.staging("test") / f"{table}.parquet"
        pq.write_table(pa.table(columns, schema=schema), file)
        self.lake.publish(table, ds, {file.name: file})

    def campaign(self, name: str, text: str) -> None:
        (self.campaigns / f"{name}.yml").write_text(f"name: {name}\n{text}\n")

    def marts(self, ds: str, items: list[dict], people: list[str]) -> None:
        """What every night has."""
        self.publish("dim_item", ds, items)
        consents = {"consent_personalisation": True, "consent_training": True}
        self.publish("dim_person_consent", ds, [{"person_id": one, **consents} for one in people])
        self.publish("dim_person_profile", ds, [{"person_id": one, "interests": []} for one in people])
        self.publish(
            "persons",
            ds,
            [{"identifier": f"account:{one}", "person_id": one, "first_ds": day(DAYS[0])} for one in people],
        )

    def rows(self, table: str, ds: str = DS) -> list[dict]:
        return pq.read_table(self.lake.partition(table, ds)).to_pylist()

    def report(self, ds: str = DS) -> dict:
        return json.loads((self.root / "reports" / ds / "measure.json").read_text())


@pytest.fixture
def home(tmp_path, monkeypatch):
    return Home(tmp_path, monkeypatch)


ITEMS = [{"item_id": "a", "title": "A", "category": "shoes", "interactions": 5, "available": True}]
TREATED = [f"t{number}" for number in range(6)]
HELD_OUT = [f"h{number}" for number in range(4)]


def assigned(person: str, arm: str, since: str, **changes) -> dict:
    row = {"person_id": person, "experiment": "letters", "salt": "letters", "identifier": f"account:{person}"}
    row |= {"holdout_place": 0.5, "variant_place": 0.5, "arm": arm, "since": day(since)}
    return row | {"moved": False, "left_out": False} | changes


def act(person: str, happened: str, action: str = "view", value: float | None = None, item: str = "a") -> dict:
    row = {"event_id": f"{person}{happened}{action}{item}", "person_id": person, "item_id": item, "category": "shoes"}
    return row | {"occurred_at": at(happened), "action": action, "weight": 1.0, "value": value}


def letters(home: Home, experiment: str = "{holdout: 0.4, days: 2}") -> None:
    """Ten people, drawn on the night of the 17th; what they do counts on the 18th and the 19th."""
    home.campaign("letters", f"experiment: {experiment}")
    home.marts(DS, ITEMS, [*TREATED, *HELD_OUT])
    home.publish(
        "assignments",
        "2026-11-19",
        [
            *(assigned(person, "treated", "2026-11-17") for person in TREATED),
            *(assigned(person, "holdout", "2026-11-17") for person in HELD_OUT),
        ],
    )
    home.publish("fct_interactions", "2026-11-17", [act("t0", "2026-11-17", "purchase", 100.0)])
    home.publish(
        "fct_interactions",
        "2026-11-18",
        [act("t1", "2026-11-18", "purchase", 12.0), act("t1", "2026-11-18"), act("h1", "2026-11-18")],
    )
    home.publish(
        "fct_interactions",
        DS,
        [act("t2", "2026-11-19", "purchase", 30.0), act("t3", "2026-11-20"), act("h0", "2026-11-20", "purchase", 9.0)],
    )
    withdrawn = {"source": "web", "purpose": "marketing_contact", "granted": False}
    home.publish(
        "consents",
        DS,
        [
            {"consent_id": "1" * 32, "identifier": "account:t2", "occurred_at": at("2026-11-19"), **withdrawn},
            {"consent_id": "2" * 32, "identifier": "account:h2", "occurred_at": at("2026-11-17"), **withdrawn},
        ],
    )


def test_a_lift_is_the_difference_of_means_of_what_people_did_in_the_window(home):
    letters(home)
    measure(DS)
    rows = {row["metric"]: row for row in home.rows("lift")}
    # before: t0 bought; after the window: t3, h0; t2 arrived late
    assert rows["visit"]["mean_treated"] == pytest.approx(2 / 6)
    assert rows["visit"]["mean_held_out"] == pytest.approx(1 / 4)
    assert rows["purchase"]["difference"] == pytest.approx(2 / 6)
    assert rows["euros"]["difference"] == pytest.approx((12.0 + 30.0) / 6)
    assert rows["unsubscribe"]["difference"] == pytest.approx(1 / 6), "h2 said no before"
    for row in rows.values():
        assert (row["people_treated"], row["people_held_out"], row["people_left_out"]) == (6, 4, 0)
        assert (row["first_day"], row["last_day"]) == (day("2026-11-18"), day("2026-11-19"))
        assert (row["verdict"], row["low"], row["planned_people"]) == ("too_early", None, 10)
    report = home.report()["lift"]["letters"]
    assert report["arms"]["treated"]["euros"]["difference"] == 7.0
    assert report["sample_ratio_ok"]


def test_who_merged_this_night_is_left_out_with_those_who_were_before(home):
    letters(home)
    home.publish(
        "identity_changes",
        DS,
        [
            {"identifier": "account:t1", "former_person_id": "t1", "person_id": "h3", "change": "merged"},
            {"identifier": "cookie:x", "former_person_id": "cookie", "person_id": "t4", "change": "merged"},
        ],
    )
    people = home.rows("assignments", "2026-11-19")
    people[0]["left_out"] = True
    home.publish("assignments", "2026-11-19", people)
    measure(DS)
    rows = {row["metric"]: row for row in home.rows("lift")}
    assert (rows["euros"]["people_treated"], rows["euros"]["people_held_out"]) == (4, 3), "t4 stays: x was in no arm"
    assert rows["euros"]["people_left_out"] == 3
    assert rows["euros"]["difference"] == pytest.approx(30.0 / 4)


def test_who_gets_no_message_at_all_is_in_no_arm_of_a_campaign_and_has_a_lift_of_their_own(home):
    letters(home)
    home.policy.write_text("global_holdout: {share: 0.2, salt: everything}\n")
    rows = home.rows("assignments", "2026-11-19")
    of_all = {"experiment": "global", "salt": "everything"}
    rows += [{**row, **of_all, "arm": "holdout" if row["person_id"] in ("t1", "h3") else "treated"} for row in rows]
    home.publish("assignments", "2026-11-19", rows)
    measure(DS)
    found = {(row["campaign"], row["metric"]): row for row in home.rows("lift")}
    letter, everything = found["letters", "euros"], found["global", "euros"]
    assert (letter["people_treated"], letter["people_held_out"]) == (5, 3)
    assert letter["difference"] == pytest.approx(30.0 / 5)
    assert (everything["people_treated"], everything["people_held_out"]) == (8, 2)
    assert everything["difference"] == pytest.approx((30.0 + 9.0) / 8 - 12.0 / 2), "its days are not over on the 20th"


def test_who_agrees_no_more_is_measured_no_more(home):
    letters(home)
    consents = home.rows("dim_person_consent")
    home.publish(
        "dim_person_consent",
        DS,
        [{**row, "consent_personalisation": row["person_id"] not in ("t1", "h3")} for row in consents],
    )
    measure(DS)
    row = next(row for row in home.rows("lift") if row["metric"] == "euros")
    assert (row["people_treated"], row["people_held_out"]) == (5, 3)
    assert row["difference"] == pytest.approx(30.0 / 5)


def test_arms_of_few_people_show_their_number_alone(home, monkeypatch):
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "5")
    letters(home)
    measure(DS)
    row = home.rows("lift")[0]
    assert (row["people_treated"], row["people_held_out"], row["verdict"]) == (6, 4, "too_early")
    assert row["mean_treated"] is row["difference"] is None


def test_the_first_night_has_nothing_to_measure_and_says_so(home, capsys):
    home.campaign("letters", "experiment: {holdout: 0.4}")
    home.marts(DS, ITEMS, TREATED)
    measure(DS)
    said = capsys.readouterr().out
    assert "lift: nothing yet of letters: no earlier night has drawn its lot" in said
    assert "realised: nothing to measure: no earlier day was scored" in said
    assert home.lake.days("lift") == home.lake.days("realised") == []
    assert home.report()["lift"] == home.report()["realised"] == {}


def test_a_new_salt_begins_again(home, capsys):
    letters(home)
    measure(DS)
    home.campaign("letters", "experiment: {holdout: 0.4, salt: again}")
    measure(DS)
    assert "nothing yet of letters" in capsys.readouterr().out
    assert home.lake.days("lift") == [], "what was measured of this day under the other salt is gone"


@pytest.mark.parametrize(("effect", "verdict"), [(0.0, "none_shown"), (0.5, "higher")])
def test_a_planted_lift_is_found_in_a_lake_of_several_nights(home, effect, verdict):
    """The treated visit half as often again: 10 % a day become 15 %; everybody bought something before, or did not."""
    random, count, nights = np.random.default_rng(3), 4_000, DAYS[:6]
    home.campaign("letters", "experiment: {holdout: 0.3, days: 20}")
    people = np.array([f"p{number:04d}" for number in range(count)])
    held_out = random.random(count) < 0.3
    rows = [
        assigned(one, "holdout" if out else "treated", nights[0]) for one, out in zip(people, held_out, strict=True)
    ]
    home.publish("assignments", nights[0], rows)
    daily = np.where(held_out, 0.1, 0.1 * (1 + effect))
    for number, night in enumerate(nights):
        came = people[random.random(count) < (0.1 if number == 0 else daily)]
        home.publish("fct_interactions", night, [act(one, night) for one in came])
        if number:
            home.publish("assignments", night, rows)
    for night in nights[1:]:
        home.marts(night, ITEMS, list(people))
        measure(night)
        row = next(row for row in home.rows("lift", night) if row["metric"] == "visit")
        days = (day(night) - day(nights[0])).days
        truth = 0.9**days - (1 - 0.1 * (1 + effect)) ** days  # who has not come yet
        assert row["low"] <= truth <= row["high"]
        assert row["planned_people"] == count
    assert row["verdict"] == verdict
    assert row["sample_ratio_ok"]
    chart = home.root / "reports" / nights[-1] / "lift-letters.svg"
    drawn = chart.read_bytes()
    measure(nights[-1])
    assert chart.read_bytes() == drawn, "a night that is measured again is drawn alike"


def test_a_campaign_of_few_is_measured_on_those_whom_it_could_have_written_to(home):
    """One of five could be; the treated of them visit three times as often. Among all the same change is a fifth."""
    random, count, night = np.random.default_rng(5), 5_000, DAYS[0]
    home.campaign("letters", "experiment: {holdout: 0.5, days: 20}")
    people = np.array([f"p{number:04d}" for number in range(count)])
    held_out, eligible = random.random(count) < 0.5, random.random(count) < 0.2
    arms = np.where(held_out, "holdout", "treated")
    home.publish("assignments", night, [assigned(one, arm, night) for one, arm in zip(people, arms, strict=True)])
    came = random.random(count) < np.where(eligible & ~held_out, 0.3, 0.1)
    home.publish("fct_interactions", DAYS[1], [act(one, DAYS[1]) for one in people[came]])
    home.marts(DAYS[1], ITEMS, list(people))

    def visit() -> dict:
        measure(DAYS[1])
        return next(row for row in home.rows("lift", DAYS[1]) if row["metric"] == "visit")

    diluted = visit()
    known = {"experiment": "letters", "salt": "letters", "since": day(night)}
    home.publish("eligible", night, [{"person_id": one, **known} for one in people[eligible]])
    own = visit()
    assert own["people_treated"] == np.count_nonzero(eligible & ~held_out)
    assert own["people_held_out"] == np.count_nonzero(eligible & held_out)
    assert diluted["planned_people"] == count
    assert own["planned_people"] == np.count_nonzero(eligible)
    assert diluted["low"] <= 0.2 * 0.2 <= diluted["high"]
    assert own["low"] <= 0.2 <= own["high"]
    assert own["difference"] == pytest.approx(
        came[eligible & ~held_out].mean() - came[eligible & held_out].mean(), abs=1e-9
    )
    assert own["difference"] / (own["high"] - own["low"]) > diluted["difference"] / (diluted["high"] - diluted["low"])
    assert own["sample_ratio_ok"]
    assert "could have written to on their first night" in own["method"]
    later = [{"person_id": people[0], **known, "since": day(DAYS[1])}]
    home.publish("eligible", night, later)
    assert visit()["people_treated"] == diluted["people_treated"], "not known since the first night: all are measured"


LISTED = [f"i{number:02d}" for number in range(1, 15)]


def scored(home: Home, seen: dict[str, list[str]], lists: dict[str, list[str]], **items) -> None:
    """Scores of the 19th; the first items are the most popular, two of them alike."""
    catalogue = [
        {"item_id": one, "title": one, "category": "shoes", "interactions": 100 - place, "available": True}
        | items.get(one, {})
        for place, one in enumerate(LISTED)
    ]
    home.campaign("page", "purpose: personalisation")
    for ds in ("2026-11-19", DS):
        home.marts(ds, catalogue, [*lists])
    home.publish(
        "scores",
        "2026-11-19",
        [
            {"person_id": one, "rank": place, "item_id": item, "score": 1.0 / place, "model_version": "next_item/3"}
            for one, items_of in lists.items()
            for place, item in enumerate(items_of, start=1)
        ],
    )
    home.publish(
        "scoring_sequences", "2026-11-19", [{"person_id": one, "item_ids": items_of} for one, items_of in seen.items()]
    )


def test_realised_ndcg_and_hit_rate_are_those_of_a_hand(home):
    lists = dict.fromkeys(("ann", "bob", "cid", "dan"), LISTED[3:13])  # i04 first
    scored(home, {"ann": ["i01"], "bob": ["i02"], "cid": ["i04"]}, lists, i03={"interactions": 97})
    home.publish(
        "fct_interactions",
        DS,
        [
            *(act("ann", DS, item=item) for item in ("i05", "i03", "i01")),  # i01 is not new
            act("bob", DS, item="i14"),
            act("cid", DS, item="i04"),  # nothing new
            act("dan", "2026-11-19", item="i04"),  # before the day
        ],
    )
    measure(DS)
    found = {(row["model_version"], row["metric"]): row for row in home.rows("realised")}
    ideal = 1 + 1 / math.log2(3)
    # ann has i05 in the second place of her list, i03 is not in it; bob's item is in no list
    assert found["next_item/3", "ndcg@10"]["value"] == pytest.approx((1 / math.log2(3) / ideal + 0) / 2)
    assert found["next_item/3", "hit_rate@10"]["value"] == 0.5
    # popularity without i01: i02, i03, i04, i05; i03 is as popular as i04, which is not relevant and comes first
    assert found["popularity", "ndcg@10"]["value"] == pytest.approx((1 / math.log2(4) + 1 / math.log2(5)) / ideal / 2)
    assert found["popularity", "hit_rate@10"]["value"] == 0.5
    for row in found.values():
        assert (row["people"], row["people_of"], row["scored_on"]) == (2, "next_item/3", day("2026-11-19"))
        assert (row["first_day"], row["last_day"]) == (day(DS), day(DS))
        assert row["low"] <= row["value"] <= row["high"]
    assert (home.root / "reports" / DS / "realised.svg").read_text().startswith("<?xml")
    entry = home.report()["realised"]["next_item/3"]["hit_rate@10"]
    assert (entry["value"], entry["popularity"], entry["people"]) == (0.5, 0.5, 2)


def test_lists_in_shadow_are_measured_beside_those_that_were_shown(home, capsys):
    scored(home, {}, {"ann": LISTED[3:13], "bob": LISTED[3:13]})
    rows = home.rows("scores", "2026-11-19")
    later = [{**row, "item_id": LISTED[3 + row["rank"]], "model_version": "next_item/4"} for row in rows]
    home.publish("shadow_scores", "2026-11-19", later)  # i05 first, where i04 is in the lists that were shown
    home.publish("fct_interactions", DS, [act("ann", DS, item="i05"), act("bob", DS, item="i05")])
    measure(DS)
    found = {(row["people_of"], row["model_version"], row["metric"]): row for row in home.rows("realised")}
    assert found["next_item/3", "next_item/3", "ndcg@10"]["value"] == pytest.approx(1 / math.log2(3))
    assert found["next_item/4", "next_item/4", "ndcg@10"]["value"] == 1.0
    for version, shadow in (("next_item/3", None), ("next_item/4", True)):
        assert found[version, "popularity", "ndcg@10"]["value"] == pytest.approx(1 / math.log2(6))
        assert found[version, version, "ndcg@10"]["shadow"] is shadow
    assert home.report()["realised"]["next_item/4"]["ndcg@10"]["shadow"] is True
    assert "realised next_item/4, in shadow: of 2026-11-19, 2 people" in capsys.readouterr().out


def test_lists_of_few_people_are_not_published_and_a_line_says_how_many(home, monkeypatch, capsys):
    monkeypatch.setenv("NIGHTSHIFT_SMALLEST_GROUP", "2")
    scored(home, {}, {"ann": LISTED[:10]})
    home.publish("fct_interactions", DS, [act("ann", DS, item="i01")])
    measure(DS)
    assert home.lake.days("realised") == []
    assert home.report()["realised"] == {}
    assert "realised: 4 metrics of too few people are not published" in capsys.readouterr().out


def test_equal_scores_count_against_the_list(home):
    scored(home, {}, {"ann": LISTED[:10]})
    rows = home.rows("scores", "2026-11-19")
    home.publish("scores", "2026-11-19", [{**row, "score": 1.0} for row in rows])
    home.publish("fct_interactions", DS, [act("ann", DS, item="i01")])
    measure(DS)
    found = {(row["model_version"], row["metric"]): row["value"] for row in home.rows("realised")}
    assert found["next_item/3", "ndcg@10"] == pytest.approx(1 / math.log2(11))
    assert found["popularity", "ndcg@10"] == 1.0


def popular(catalogue: list[dict], seen: set[str], relevant: set[str]) -> list[str]:
    """The ten that popularity recommends, one item after the other."""
    order = sorted(catalogue, key=lambda item: (-item["interactions"], item["item_id"] in relevant, item["item_id"]))
    found, titles = [], set()
    for item in order:
        shown = item["interactions"] > 0 and item["available"] and item["item_id"] not in seen
        if shown and item["title"] not in titles:
            titles.add(item["title"])
            found.append(item["item_id"])
    return found[:10]


def test_popularity_is_that_of_the_recommender_on_random_catalogues(home):
    random = np.random.default_rng(5)
    catalogue = [
        {
            "item_id": f"i{number:02d}",
            "title": f"title {random.integers(28)}",
            "category": "shoes",
            "interactions": int(random.integers(0, 9)),
            "available": bool(random.random() < 0.9),
        }
        for number in range(40)
    ]
    names = [item["item_id"] for item in catalogue]
    people = [f"p{number}" for number in range(60)]
    seen = {one: set(random.choice(names, random.integers(0, 15), replace=False)) for one in people}
    acted = {one: set(random.choice(names, random.integers(1, 14), replace=False)) for one in people}
    scored(home, {one: sorted(items) for one, items in seen.items()}, dict.fromkeys(people, names[:10]))
    home.publish("dim_item", "2026-11-19", catalogue)
    home.publish("fct_interactions", DS, [act(one, DS, item=item) for one in people for item in acted[one]])
    measure(DS)
    values, hits = [], []
    for one in people:
        relevant = acted[one] - seen[one]
        if relevant:
            shown = popular(catalogue, seen[one], relevant)
            gain = sum(1 / math.log2(place + 2) for place, item in enumerate(shown) if item in relevant)
            values.append(gain / sum(1 / math.log2(place + 2) for place in range(min(len(relevant), 10))))
            hits.append(gain > 0)
    found = {row["metric"]: row for row in home.rows("realised") if row["model_version"] == "popularity"}
    assert found["ndcg@10"]["people"] == len(values)
    assert found["ndcg@10"]["value"] == pytest.approx(np.mean(values))
    assert found["hit_rate@10"]["value"] == pytest.approx(np.mean(hits))


def test_chances_are_measured_once_their_window_is_over(home):
    home.campaign("page", "purpose: personalisation")
    home.marts(DS, ITEMS, ["ann"])
    chances = {"ann": 0.1, "bob": 0.4, "cid": 0.35, "dan": 0.8, "eve": 0.5}
    clicked = {"ann": False, "bob": False, "cid": True, "dan": True}  # eve does not agree to training
    for ds in ("2026-11-13", "2026-11-06", "2026-11-12"):  # the last of another week
        home.publish(
            "responses",
            ds,
            [
                {"person_id": one, "campaign": "autumn", "click_chance": chance, "purchase_chance": chance / 2}
                | {"leave_chance": chance, "model_version": "response/2" if ds == "2026-11-13" else "response/1"}
                for one, chance in chances.items()
            ],
        )
        rows = [{"person_id": one, "leave_chance": 1 - chance} for one, chance in chances.items()]
        home.publish("predictions", ds, rows)
    labels = []
    for one, label in clicked.items():
        row = {"person_id": one, "campaign": "autumn", "clicked": label, "purchased": False}
        labels.append(row | {"sent_on": day("2026-11-14"), "churned": None})
        labels.append(row | {"sent_on": day("2026-11-07"), "churned": label})
    home.publish("training_responses", DS, labels)
    measure(DS)
    found = {(row["model_version"], row["metric"]): row for row in home.rows("realised")}
    value = {key: row["value"] for key, row in found.items()}
    assert value["response/2", "click_auc"] == 0.75
    assert value["response/2", "click_brier"] == pytest.approx((0.1**2 + 0.4**2 + 0.65**2 + 0.2**2) / 4)
    # of 15 bins, 0.35 and 0.4 share one
    assert value["response/2", "click_calibration_error"] == pytest.approx((2 * 0.125 + 0.1 + 0.2) / 4)
    assert value["response/2", "click_predicted"] == pytest.approx(1.65 / 4)
    assert value["response/2", "click_seen"] == 0.5
    assert value["response/2", "purchase_predicted"] == pytest.approx(1.65 / 8)
    assert ("response/2", "purchase_auc") not in value, "nobody bought"
    assert value["response/1", "leave_auc"] == 0.25
    leaving = found["response/1", "leave_auc"]
    assert (leaving["scored_on"], leaving["first_day"]) == (day("2026-11-06"), day("2026-11-07"))
    assert leaving["people"] == 4
    assert {version for version, metric in value if metric.startswith("click")} == {"response/2"}


def test_auc_and_calibration_are_those_of_the_gate(home):
    random = np.random.default_rng(2)
    chances = random.beta(1, 4, 500).round(2)
    labels = random.random(500) < chances
    home.campaign("page", "purpose: personalisation")
    home.marts(DS, ITEMS, ["ann"])
    people = [f"p{number}" for number in range(500)]
    keys = {"campaign": "autumn", "model_version": "response/2"}
    rows = [{"person_id": one, "click_chance": chance, **keys} for one, chance in zip(people, chances, strict=True)]
    home.publish("responses", "2026-11-13", rows)
    home.publish("predictions", "2026-11-13", [{"person_id": one} for one in people])
    rows = [
        {"person_id": one, "campaign": "autumn", "sent_on": day("2026-11-14"), "clicked": bool(label)}
        for one, label in zip(people, labels, strict=True)
    ]
    home.publish("training_responses", DS, rows)
    measure(DS)
    value = {row["metric"]: row["value"] for row in home.rows("realised")}
    assert value["click_auc"] == pytest.approx(placements(chances, labels).mean())
    assert value["click_calibration_error"] == pytest.approx(expected_calibration_error(chances, labels))


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ("global_holdout: {share: 0}", "a share above 0 and below 1 in line 1 of policy.yml"),
        ("global_holdout: {share: 1.0}", "1 is everybody"),
        ("global_holdout: {salt: x}", "'share' under global_holdout"),
        ("every_campaign_has_an_experiment: 1", "true or false"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_with_its_line(home, policy, sentence):
    letters(home)
    home.policy.write_text(policy)
    with pytest.raises(SettingsError, match=sentence):
        measure(DS)
