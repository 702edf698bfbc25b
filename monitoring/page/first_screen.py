"""The first screen: did it work, how many people, what changed, and what needs a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.small_groups import in_words
from contracts.tables.activation import PLANS
from contracts.verdicts import Verdicts
from monitoring.page import words
from monitoring.page.alarms import alarms_of
from monitoring.page.attempt import attempt
from monitoring.page.night import STEPS, Night, figure

_MOVED = 0.2
"""A number of people that moves by more than this share since the night before is said."""

_MOST_ALARMS = _MOST_FAILURES = 5
"""That the first screen shows."""

_MANY_ASIDE = 0.1
"""A source of whose rows more than this share were set aside needs a person."""


@dataclass(frozen=True)
class Point:
    """Something that changed, or that a person has to look at."""

    text: str
    section: str = ""
    """Where on the page more of it stands."""
    look: str = ""
    """A command, or a place, that helps."""


@dataclass(frozen=True)
class Tile:
    """A number that a manager asks for first."""

    name: str
    value: str
    note: str


def first_screen(night: Night) -> dict[str, Any]:
    """What the template's first screen needs."""
    needs = _found(_NEEDS, night)
    missing = night.missing_steps
    if night.failure or missing:
        state = "failed"
        done = [STEPS[step] for step in STEPS if step not in missing]
        sentence = "The night did not finish."
        detail = night.failure or f"It ended before this: {STEPS[missing[0]]}."
        if not night.failure and not night.report.get("failures"):
            detail += " The log of the run says why."
        detail += f" What was done before it ended: {'; '.join(done)}." if done and missing else ""
    elif needs:
        state, sentence = "attention", "The night worked, and needs a person."
        things = "One thing" if len(needs) == 1 else f"{len(needs)} things"
        detail = f"All steps ran to their end. {things} to look at below."
    else:
        state, sentence, detail = "good", "The night worked.", "All steps ran to their end, and nothing waits for you."
    return {
        "state": state,
        "sentence": sentence,
        "detail": detail,
        "tiles": list(_tiles(night)),
        "changes": _found(_CHANGES, night) or [Point("Nothing that is worth a line.")],
        "needs": needs,
    }


def _tiles(night: Night) -> Iterator[Tile]:
    report, before = night.report, night.before
    for key, name in (("persons", "people known"), ("profiles", "with a profile")):
        yield Tile(name, _count(figure(report, key)), _since(figure(report, key), figure(before, key)))
    plans = {name: entry for name, entry in report.get("plans", {}).items() if "planned" in entry}
    messages = sum(entry["planned"] for entry in plans.values())
    yield Tile(
        "messages planned",
        in_words(messages, night.smallest) if plans else "-",
        f"by {len(plans)} campaigns" * bool(plans),
    )
    if night.has(PLANS.name):
        [row] = night.rows("select count(distinct person_id) as people from plans", plans=PLANS.name)
        known = figure(report, "persons")
        note = f"{words.share(row['people'], known)} of all" if known and row["people"] >= night.smallest else ""
        yield Tile("people who get any", in_words(row["people"], night.smallest), note)
    rows = list(report.get("sources", {}).values())
    read, aside = (sum(entry.get(key, 0) for entry in rows) for key in ("read", "quarantined"))
    yield Tile(
        "rows set aside", f"{aside:,}" if rows else "-", f"{words.share(aside, read)} of {read:,} read" if read else ""
    )
    models = report.get("models", {}).values()
    promoted = sum(entry.get("decision") == "promoted" and not entry.get("dry_run") for entry in models)
    yield Tile("new champions", str(promoted), f"of {len(models)} models" if models else "no training tonight")


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _since(now: float | None, before: float | None) -> str:
    if now is None or before is None:
        return ""
    return "as the night before" if now == before else f"{now - before:+,.0f} since the night before"


def _champions(night: Night) -> Iterator[Point]:
    for model, entry in night.report.get("models", {}).items():
        if entry.get("decision") == "promoted" and not entry.get("dry_run"):
            yield Point(f"{words.titled(model)} has a new champion, version {entry.get('version')}.", "models")


def _refused(night: Night) -> Iterator[Point]:
    for model, entry in night.report.get("models", {}).items():
        if entry.get("decision") == "refused":
            text = f"The challenger of {words.plain(model)}, version {entry.get('version')}, was refused."
            yield Point(text, "models")


def _audiences(night: Night) -> Iterator[Point]:
    before = night.before.get("plans", {})
    for name, entry in night.report.get("plans", {}).items() if before else ():
        now, then = entry.get("planned"), before.get(name, {}).get("planned")
        if now is None:
            continue
        campaign, people = words.titled(name), in_words(now, night.smallest)
        if then is None:
            yield Point(f"{campaign} is new, and goes to {people} people.", "campaigns")
        elif abs(now - then) > _MOVED * max(then, night.smallest):
            before_that = in_words(then, night.smallest)
            yield Point(f"{campaign} goes to {people} people; the night before to {before_that}.", "campaigns")


def _lifts(night: Night) -> Iterator[Point]:
    before = night.before.get("lift", {})
    for campaign, found in night.report.get("lift", {}).items():
        for arm, metrics in found.get("arms", {}).items():
            earlier = before.get(campaign, {}).get("arms", {}).get(arm, {})
            for metric, (things, _) in words.LIFT_METRICS.items():
                verdict, then = (one.get(metric, {}).get("verdict") for one in (metrics, earlier))
                if verdict in ("higher", "lower") and verdict != then:
                    more = {"higher": "more", "lower": "fewer"}[verdict]
                    yield Point(f"{words.titled(campaign)} is now known to bring {more} {things}.", "lift")


def _new_fields(night: Night) -> Iterator[Point]:
    for source, entry in night.report.get("sources", {}).items():
        if count := len(entry.get("unmapped_fields", {})):
            fields = (
                f"{count} fields that its mapping does not know"
                if count > 1
                else "a field that its mapping does not know"
            )
            yield Point(f"{words.titled(source)} delivers {fields}.", "sources")


_CHANGES = (_champions, _refused, _audiences, _lifts, _new_fields)


def _waiting(night: Night) -> Iterator[Point]:
    verdicts = Verdicts(night.settings.home.approvals)
    for file in sorted(night.settings.home.approvals.glob("[!.]*.json")):
        if verdict := verdicts.of(file.stem):
            model, version = words.plain(verdict.line["model"]), verdict.line["version"]
            text = f"Version {version} of {model} passed the gate and waits for your answer."
            yield Point(text, "models", "Airflow: the task approve of train_models")


def _alarms(night: Night) -> Iterator[Point]:
    alarms = alarms_of(night)
    for alarm in alarms[:_MOST_ALARMS]:
        yield Point(f"Alarm: {alarm['says']}", "watch", alarm["look"])
    more = len(alarms) - _MOST_ALARMS
    if more > 0:
        yield Point(f"And {more} more alarm{'s' * (more > 1)}.", "watch")


def _old_store(night: Night) -> Iterator[Point]:
    if alert := night.report.get("store", {}).get("alert"):
        yield Point(f"The store of the API: {alert}", look=f"python -m serving.store --ds {night.ds}")


def _failed_tasks(night: Night) -> Iterator[Point]:
    failures = dict(night.report.get("failures", {}))
    if night.report.get("store", {}).get("alert"):
        failures.pop("activate_audiences.store", None)  # its alert says the same
    for task, said in list(failures.items())[:_MOST_FAILURES]:
        yield Point(f"The task {task} failed: {said}", look=f"Airflow: the run of {task.partition('.')[0]}")
    more = len(failures) - _MOST_FAILURES
    if more > 0:
        yield Point(f"And {more} more task{'s' * (more > 1)} failed.", look="Airflow: the runs of the night")


def _campaigns(night: Night) -> Iterator[Point]:
    plans, audiences = night.report.get("plans", {}), night.report.get("audiences", {})
    for name in dict.fromkeys([*plans, *audiences]):
        for entry in (plans.get(name, {}), audiences.get(name, {})):
            if entry.get("status") == "failed":
                why = entry.get("error", "no word why")
                yield Point(f"The campaign {words.plain(name)} failed: {why}", "campaigns")
                break
        else:
            if plans.get(name, {}).get("planned") == 0:
                yield Point(f"The campaign {words.plain(name)} reaches nobody tonight.", "campaigns")


def _wrong_arms(night: Night) -> Iterator[Point]:
    for campaign, found in night.report.get("lift", {}).items():
        if not found.get("sample_ratio_ok", True):
            name = words.plain(campaign)
            yield Point(f"The arms of {name} do not have the sizes of the lot: do not trust its lift.", "lift")


def _stopped_deliveries(night: Night) -> Iterator[Point]:
    for name, entry in night.report.get("deliveries", {}).items():
        if entry.get("status") == "stopped":
            why = entry.get("error", "no word why")
            yield Point(f"The delivery to {words.plain(name)} stopped: {why}", "deliveries")


def _rows_set_aside(night: Night) -> Iterator[Point]:
    for name, entry in night.report.get("sources", {}).items():
        if entry.get("quarantined", 0) > _MANY_ASIDE * entry.get("read", 0):
            part = words.share(entry["quarantined"], entry["read"])
            look = f"python -m spark_jobs.main quarantined --source {name} --ds {night.ds}"
            yield Point(f"{part} of the rows of {words.plain(name)} were set aside.", "sources", look)


_NEEDS = (
    _failed_tasks,
    _waiting,
    _alarms,
    _old_store,
    _campaigns,
    _wrong_arms,
    _stopped_deliveries,
    _rows_set_aside,
)


def _found(kinds: Sequence[Callable[[Night], Iterator[Point]]], night: Night) -> list[Point]:
    """All points; of a kind that cannot be read, one says so."""
    found: list[Point] = []
    for kind in kinds:
        points, problem = attempt(kind, night)
        found += points or ([Point(problem)] if problem else [])
    return found
