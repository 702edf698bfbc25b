"""A home with a night, written row by row, and its page as a reader finds it."""

from __future__ import annotations

import datetime
import json
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.home import Home
from contracts.lake import Lake
from contracts.privacy_ledger import LedgerFile
from contracts.report import Report
from contracts.tables import TABLES
from lake_tables.arrow import arrow_schema

DS, BEFORE = "2026-11-19", "2026-11-18"
REFUSAL = (
    "click_auc 0.6100 against 0.6500 of the champion on 900 rows: the difference is -0.0700 to -0.0100, all of it "
    "below 0"
)
VOID = {"meta", "img", "br", "link", "input", "hr"}
BLOCKS = {"p", "li", "td", "th", "div", "h1", "h2", "h3", "h4", "summary"}


def publish(home: Home, table: str, rows: list[dict], ds: str = DS) -> None:
    """A partition of a table; columns that the rows do not name are null."""
    lake = Lake(home.lake)
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(TABLES[table])])
    file = lake.staging("test") / f"{table}.parquet"
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema), file)
    lake.publish(table, ds, {file.name: file})


def report(home: Home, step: str, ds: str = DS, **fragment) -> None:
    """What a step reports; it took two seconds."""
    folder = home.reports / ds
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{step}.json").write_text(json.dumps({"seconds": {step: 2.0}, **fragment}))


class Read(HTMLParser):
    """The elements of a page in order: tag, attributes and text, with what stands in it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict, list[str]]] = []
        self._open: list[tuple[str, dict, list[str]]] = []
        self.feed(text)
        self.unclosed = [tag for tag, _, _ in self._open]

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1][0] == tag, f"</{tag}> closes <{self._open[-1][0]}>"
        self._open.pop()
        if tag in BLOCKS:
            self.handle_data(" ")

    def handle_data(self, data):
        for _, _, text in self._open:
            text.append(data)

    def all(self, tag: str) -> list[tuple[dict, str]]:
        """Attributes and text of every element of a tag."""
        return [(attrs, " ".join("".join(text).split())) for name, attrs, text in self.elements if name == tag]

    def by_id(self, name: str) -> str:
        """The text of the element with an id."""
        [text] = [text for _, attrs, text in self.elements if attrs.get("id") == name]
        return " ".join("".join(text).split())


def page_in(home: Home, ds: str = DS) -> str:
    return Path(home.pages / f"nightly-{ds}.html").read_text()


def plan_entry(**counts: int) -> dict:
    entry = {"status": "planned", "channel": "mail", "considered": sum(counts.values()), **counts}
    return entry | {"expected_value": 12.5, "cost": 3.0}


def steps(home: Home, ds: str = DS, **of_steps: dict) -> None:
    """Reports of all steps of a night."""
    for step in ("map", "resolve", "profile", "score", "plan", "activate"):
        report(home, step, ds, **of_steps.get(step, {}))


def photo(home: Home, name: str) -> None:
    from PIL import Image

    file = home.raw / "catalogue" / f"ds={BEFORE}" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise((300, 200), 90).save(file)


def whole_night(home: Home, title: str = "Blue Boots") -> None:
    """A night in which everything happened, and the night before it."""
    steps(home, BEFORE, resolve={"persons": 90, "profiles": 60}, plan={"plans": {"letter": plan_entry(planned=10)}})
    Report(home.reports, BEFORE).merge()
    steps(
        home,
        map={"sources": {"web_log": {"read": 1000, "mapped": 700, "quarantined": 200, "dropped": {"bot": 100},
                                     "quarantined_reasons": {"malformed": 200}, "unmapped_fields": {title: 7}}}},
        resolve={"persons": 100, "profiles": 64, "identity": {"identifiers": 240, "changed": {"merged": 3}}},
        plan={"plans": {"letter": plan_entry(planned=40, no_consent=945, held_out=30, quiet=9, capped=6)}},
    )  # fmt: skip
    report(
        home,
        "train",
        models={
            "response": {
                "version": "4", "decision": "refused", "reasons": [REFUSAL], "metric": "click_auc",
                "metrics": {"click_auc": 0.61}, "baselines": {"rate": {"click_auc": 0.5}},
            }
        },
    )  # fmt: skip
    lines = [
        {"ds": ds, "model": "response", "version": version, "previous_champion": "2", "decision": decision,
         "dry_run": False, "reasons": [REFUSAL], "numbers": {"challenger": 0.61, "champion": 0.65}}
        for ds, version, decision in ((BEFORE, "3", "promoted"), (DS, "4", "refused"))
    ]  # fmt: skip
    home.ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for ds in (BEFORE, DS):
        counts = (("read", 1000), ("mapped", 700), ("quarantined", 200), ("dropped", 100))
        books = [{"source": "web_log", "outcome": name, "rows": rows, "unit": "row"} for name, rows in counts]
        publish(home, "reconciliation", books, ds)
        publish(home, "plan_books", [{"campaign": "letter", "channel": "mail", "planned": 40, "considered": 100}], ds)
        publish(home, "lift", [lift_row(metric) for metric in ("visit", "unsubscribe")], ds)
        publish(home, "realised", [realised_row("next_item/1", 0.21), realised_row("popularity", 0.08)], ds)
    publish(
        home, "alarms", [alarm("volume", f"2,000 rows came from {title}"), alarm("nulls", "half of them are empty")]
    )
    moved = {"table_name": "events", "source": "web_log", "column_name": "device", "compared_with": "earlier nights"}
    publish(home, "drift", [moved | {"psi": 0.31, "usual": 0.02, "limit": 0.1, "chance": 0.0001, "alarm": True}])
    people = [f"p{number:015d}" for number in range(100)]
    bands = ["25-34"] * 60 + ["35-44"] * 25 + ["18-24"] * 5 + ["65+"] * 10
    profile = {
        "gender": "unknown",
        "region": "north",
        "rfm_band": "loyal",
        "price_tier": "low",
        "main_device": "mobile",
    }
    profile |= {"active_daypart": "evening", "interests": [{"category": title, "weight": 1.0}]}
    publish(
        home,
        "dim_person_profile",
        [profile | {"person_id": one, "age_band": band} for one, band in zip(people, bands, strict=True)],
    )
    consents = [{"person_id": one, "consent_profiling": True, "consent_training": one < people[7]} for one in people]
    publish(home, "dim_person_consent", consents)
    lists = [["boots", "tent"]] * 30 + [["lamp", "rare"]] * 5 + [["lamp", "tent"]] * 5
    plans = [
        {"person_id": one, "campaign": "letter", "items": items} for one, items in zip(people, lists, strict=False)
    ]
    publish(home, "plans", plans)
    titles = {"boots": title, "tent": "Two-person tent", "lamp": "Lamp", "rare": "A thing that five people get"}
    publish(home, "dim_item", [{"item_id": item, "title": text, "category": "x"} for item, text in titles.items()])
    photo(home, "boots.png")
    places = {"boots": "boots.png", "tent": "../../../secrets/key.png"}
    pictures = [
        {"picture_id": f"item:{item}", "path": f"catalogue/ds={BEFORE}/{name}"} for item, name in places.items()
    ]
    publish(home, "training_pictures", pictures)
    ends = [("delivered", None)] * 30 + [("withheld", "no_consent")] * 4
    publish(
        home,
        "deliveries",
        [
            {"delivery_id": f"{number:032x}", "campaign": "letter", "destination": "post_office", "action": "add",
             "status": status, "reason": reason}
            for number, (status, reason) in enumerate(ends)
        ],
        BEFORE,
    )  # fmt: skip
    ledger = LedgerFile(home.privacy_ledger)
    ledger.write({"what": "begun", "ds": DS, "table": "training_responses", "table_epsilon": 2.5})


def lift_row(metric: str) -> dict:
    day = datetime.date.fromisoformat(BEFORE)
    row = {
        "campaign": "letter",
        "salt": "letter",
        "arm": "treated",
        "metric": metric,
        "first_day": day,
        "last_day": day,
    }
    row |= {"people_treated": 900, "people_held_out": 100, "sample_ratio_ok": True}
    if metric == "visit":
        return row | {"difference": 0.021, "low": 0.004, "high": 0.038, "verdict": "higher"}
    return row | {"difference": 0.001, "verdict": "too_early"}


def alarm(kind: str, says: str) -> dict:
    row = {"alarm": kind, "subject": "web_log", "since": datetime.date.fromisoformat(BEFORE), "says": says}
    return row | {"look": "python -m monitoring.show --subject web_log"}


def realised_row(version: str, value: float) -> dict:
    row = {"people_of": "next_item/1", "model_version": version, "metric": "ndcg@10", "value": value}
    return row | {"low": value - 0.01, "high": value + 0.01, "people": 300}
