"""Qualtrics CSV exports: three header rows, then one row a respondent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sample_data.browsing import Decision
from sample_data.feeds.dirt import Record, by_day, copies, duplicates, tally
from sample_data.feeds.feed import Feed, Track, seen_in, silently
from sample_data.items import Shop
from sample_data.parameters import DAY_SECONDS, Parameters, moment
from sample_data.people import Person
from sample_data.words import COMMENTS

HEADER_ROWS = 3
"""Of each file: the books count them as rows that are dropped."""

SOURCE = "qualtrics_csv"

QUESTIONS = {
    "StartDate": "Start Date",
    "EndDate": "End Date",
    "Status": "Response Type",
    "IPAddress": "IP Address",
    "Progress": "Progress",
    "Duration (in seconds)": "Duration (in seconds)",
    "Finished": "Finished",
    "RecordedDate": "Recorded Date",
    "ResponseId": "Response ID",
    "RecipientLastName": "Recipient Last Name",
    "RecipientFirstName": "Recipient First Name",
    "RecipientEmail": "Recipient Email",
    "ExternalReference": "External Data Reference",
    "LocationLatitude": "Location Latitude",
    "LocationLongitude": "Location Longitude",
    "DistributionChannel": "Distribution Channel",
    "UserLanguage": "User Language",
    "Q1_age": "How old are you?",
    "Q2_gender": "How do you describe yourself?",
    "Q3_region": "In which part of the country do you live?",
    "Q4_interests": "What are you interested in? Choose all that apply.",
    "Q5_comment": "Is there anything that you want to tell us?\nWe read everything.",
    "Q6_contact": "May we contact you with offers?",
}
"""Column -> the text in the second header row."""

INTERNAL_COLUMN = "Q99_internal"
"""A column in every second delivery of which no mapping knows; those deliveries have no dirt."""

ANSWERING_SHARE = 0.45
SHARES = {"age_out_of_range": 0.015, "malformed": 0.01, "duplicate": 0.01}
"""Shares of the responses in deliveries without the internal column."""

IMPOSSIBLE_AGES = (7, 190, -3)
_NAMED_INTEREST_SHARES = (0.95, 0.85, 0.7)
_WITHOUT_ACCOUNT_SHARE = 0.06
_PLACES = {"north": (54, 10), "south": (48, 11), "east": (51, 14), "west": (51, 7), "centre": (50, 9)}


def survey_days(days: int) -> list[int]:
    """Days of the town with a delivery: every fifth one, more often in a short town."""
    apart = min(5, max(1, days // 2))
    return list(range(min(1, days - 1), days, apart))


def survey(
    parameters: Parameters, shop: Shop, people: list[Person], decisions: list[Decision], track: Track = silently
) -> tuple[Feed, list[Decision]]:
    """The responses, dirt included, and the decisions on contact that people gave in them."""
    rng = parameters.generator("survey")
    days = survey_days(parameters.days)
    contact = [decision for decision in decisions if decision.purpose == "marketing_contact"]
    clean, decisions = [], []
    for person in track(people, "survey"):
        if rng.random() >= ANSWERING_SHARE:
            continue
        place = int(rng.integers(len(days)))
        second = parameters.start + days[place] * DAY_SECONDS + int(rng.integers(1800, DAY_SECONDS))
        agreed = _contact(rng, contact, person, second)
        decisions.append(Decision(person.number, second, "marketing_contact", agreed))
        clean.append(_response(rng, parameters, shop, person, second, agreed, internal=place % 2 == 1))
    plain = [record for record in clean if not record.unmapped_fields]
    records = [*clean, *_dirt(rng, plain)]
    files = {
        f"ds={parameters.ds(day)}/responses.csv": _headers(rows) + b"".join(row.line() for row in rows)
        for day, rows in by_day(records).items()
    }
    counts, headers = tally(records), HEADER_ROWS * len(files)
    counts["read"] += headers
    counts["dropped"]["header_row"] = headers
    return Feed(SOURCE, files, counts, seen_in(clean)), decisions


def _contact(rng: np.random.Generator, contact: list[Decision], person: Person, second: int) -> bool:
    """What the person has decided on contact before, or a first decision."""
    earlier = [decision for decision in contact if decision.person == person.number and decision.second < second]
    return max(earlier, key=lambda decision: decision.second).granted if earlier else bool(rng.random() < 0.5)


def _response(
    rng: np.random.Generator,
    parameters: Parameters,
    shop: Shop,
    person: Person,
    second: int,
    agreed: bool,
    internal: bool,
) -> Record:
    took = int(rng.integers(60, 900))
    account = "" if rng.random() < _WITHOUT_ACCOUNT_SHARE else person.accounts[int(rng.integers(len(person.accounts)))]
    latitude, longitude = _PLACES[person.region]
    # People write their own address with capitals now and then; it is the same address.
    email = person.email.title() if rng.random() < 0.1 else person.email
    row = {
        "StartDate": _written(second - took),
        "EndDate": _written(second),
        "Status": "IP Address",
        "IPAddress": person.devices[0].host,
        "Progress": "100",
        "Duration (in seconds)": str(took),
        "Finished": "True",
        "RecordedDate": _written(second),
        "ResponseId": f"R_{rng.bytes(8).hex()}",
        "RecipientLastName": person.name[1],
        "RecipientFirstName": person.name[0],
        "RecipientEmail": email,
        "ExternalReference": account,
        "LocationLatitude": f"{latitude + rng.uniform(-1, 1):.4f}",
        "LocationLongitude": f"{longitude + rng.uniform(-1, 1):.4f}",
        "DistributionChannel": "email" if account else "anonymous",
        "UserLanguage": "EN",
        "Q1_age": str(person.age),
        "Q2_gender": person.gender,
        "Q3_region": person.region,
        "Q4_interests": ",".join(_named_interests(rng, shop, person)),
        "Q5_comment": COMMENTS[int(rng.integers(len(COMMENTS)))].format(topic=person.interests[0], email=person.email),
        "Q6_contact": "Yes" if agreed else "No",
        **({INTERNAL_COLUMN: "panel-b"} if internal else {}),
    }
    return Record(
        second=second,
        day=parameters.day_of(second),
        text=_csv_line(list(row.values())),
        identifiers=frozenset(filter(None, (person.email, account))),
        unmapped_fields=(INTERNAL_COLUMN,) if internal else (),
    )


def _named_interests(rng: np.random.Generator, shop: Shop, person: Person) -> list[str]:
    """Most of the person's tastes, and now and then something else, in the order of the form."""
    named = {
        interest
        for interest, share in zip(person.interests, _NAMED_INTEREST_SHARES, strict=True)
        if rng.random() < share
    }
    if rng.random() < 0.1 or not named:
        named.add(shop.categories[int(rng.integers(len(shop.categories)))])
    return sorted(named)


def _dirt(rng: np.random.Generator, clean: list[Record]) -> list[Record]:
    def under_new_id(change: Callable[[list[str]], list[str]]) -> Callable[[Record], Record]:
        def changed(record: Record) -> Record:
            (row,) = csv.reader(io.StringIO(record.text))
            row[list(QUESTIONS).index("ResponseId")] = f"R_{rng.bytes(8).hex()}"
            return replace(record, text=_csv_line(change(row)))

        return changed

    def impossible_age(row: list[str]) -> list[str]:
        place = list(QUESTIONS).index("Q1_age")
        return [*row[:place], str(IMPOSSIBLE_AGES[int(rng.integers(len(IMPOSSIBLE_AGES)))]), *row[place + 1 :]]

    return [
        *copies(rng, clean, SHARES["age_out_of_range"], "age_out_of_range", under_new_id(impossible_age)),
        *copies(rng, clean, SHARES["malformed"], "malformed", under_new_id(lambda row: row[:9])),
        *duplicates(rng, clean, SHARES["duplicate"]),
    ]


def _headers(rows: list[Record]) -> bytes:
    questions = dict(QUESTIONS)
    if any(INTERNAL_COLUMN in row.unmapped_fields for row in rows):
        questions[INTERNAL_COLUMN] = "Internal panel"
    imports = [json.dumps({"ImportId": _import_id(name)}) for name in questions]
    lines = (list(questions), list(questions.values()), imports)
    return "".join(f"{_csv_line(line)}\n" for line in lines).encode()


def _import_id(column: str) -> str:
    """`QID1` for the first question, `startDate` for a column of the survey's own."""
    if column.startswith("Q"):
        return f"QID{column[1:].split('_')[0]}"
    word = column.split(" ")[0]
    return word[0].lower() + word[1:]


def _csv_line(fields: list[str]) -> str:
    stream = io.StringIO()
    # The writer quotes a line break only where it is the terminator too.
    csv.writer(stream, lineterminator="\n").writerow(fields)
    return stream.getvalue().removesuffix("\n")


def _written(second: int) -> str:
    return f"{moment(second):%Y-%m-%d %H:%M:%S}"
