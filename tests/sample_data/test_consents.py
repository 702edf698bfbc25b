"""The final consents of the truth, worked out again from the feeds on disk."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import test_survey_and_catalogue
import test_weblog_feed


def decisions_in(town) -> list[tuple[datetime, int, str, bool]]:
    """(time, person, purpose, granted) of everything that people decided on the web and in the survey."""
    owner = {
        identifier: person["person"]
        for person in town.truth["people"]
        for identifier in (*person["accounts"], *person["cookies"], *person["emails"])
    }
    decisions = []
    for _, hit in test_weblog_feed.sort_out(town)[1]:
        target = urlsplit(hit["target"])
        if target.path == "/consent":
            decided_at = datetime.strptime(hit["time"], "%d/%b/%Y:%H:%M:%S %z").replace(tzinfo=None)
            person = owner.get(hit["user"], owner[test_weblog_feed.COOKIE.search(hit["cookie"])[1]])
            choices = parse_qs(target.query).items()
            decisions += [(decided_at, person, purpose, choice == ["1"]) for purpose, choice in choices]
    for _, names, rows in test_survey_and_catalogue.responses(town):
        for row in rows:
            answers = dict(zip(names, row, strict=False))
            if len(row) == len(names) and 10 <= int(answers["Q1_age"]) <= 120:
                decided_at = datetime.fromisoformat(answers["RecordedDate"])
                person = owner[answers["RecipientEmail"].lower()]
                decisions.append((decided_at, person, "marketing_contact", answers["Q6_contact"] == "Yes"))
    return sorted(decisions)


def test_the_last_decision_is_the_truth(small_town):
    latest: dict[int, dict[str, bool]] = {}
    for _, person, purpose, granted in decisions_in(small_town):
        latest.setdefault(person, {})[purpose] = granted
    planted = {person["person"]: person["consents"] for person in small_town.truth["people"] if person["consents"]}
    assert latest == planted
    assert len(planted) > 40
