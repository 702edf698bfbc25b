"""`retention.yml`: how long what runs write is kept, and what is kept forever whatever the file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.checked_yaml import YamlValue, advice, read_yaml
from contracts.errors import SettingsError
from contracts.tables import TABLES
from contracts.tables.mapped import CONSENTS, EVENTS, IDENTITY_EDGES, MAPPED_TABLES, RECONCILIATION
from contracts.tables.marts import FULL_STATES, MARTS_BY_ARRIVAL, PROFILE_HISTORY
from contracts.tables.resolved import IDENTITY_CHANGES, IDENTITY_EDGES_KNOWN
from contracts.tables.summaries import (
    DAILY_EVENT_IDS,
    DAILY_EVENTS,
    DAILY_EVENTS_SET_ASIDE,
    DAILY_INPUTS,
    FOLDED_TABLES,
    TO_DATE_TABLES,
)

FOREVER = "forever"

MARTS = "marts"
"""Stands for all of `FULL_STATES`: they are of use together only. Facts by day of arrival have spans of their own."""

KEPT_TABLES = {
    CONSENTS.name: "it proves who agreed to what",
    IDENTITY_EDGES.name: "without it nobody knows whose a consent is",
    IDENTITY_CHANGES.name: "an erasure finds by it which ids a person had",
    RECONCILIATION.name: "without it a delivery would be mapped twice",
    IDENTITY_EDGES_KNOWN.name: "resolving itself keeps the newest two days of it",
    PROFILE_HISTORY.name: "dbt itself keeps the newest day of it",
    **{
        table.name: "profiles go on from it, and fold its older days themselves"
        for table in (*FOLDED_TABLES, *TO_DATE_TABLES, DAILY_EVENTS_SET_ASIDE, DAILY_INPUTS)
    },
}
"""Tables that no life span may be given, and why."""

KEPT_PLACES = {
    "ledger": "it says why each champion became one",
    "privacy_ledger": "it says what was disclosed already",
    "tombstones": "by them nobody comes back who was forgotten",
    "erasures": "receipts prove that people were forgotten, and open requests wait there",
    "approvals": "verdicts wait there for a person",
    "secrets": "without the keys no pseudonym can be made again",
    "configs": "training reads them",
    "warehouse": "dbt keeps the history of profiles in it",
}
"""Other things below home that no life span may be given, and why."""

ACTS = tuple(table.name for table in (*MAPPED_TABLES, *MARTS_BY_ARRIVAL, DAILY_EVENT_IDS, DAILY_EVENTS))
"""Tables whose life span ends so many days after a row arrived, whenever it was mapped or hashed again. Of the others
a partition that was made again lately stays its time: somebody wants to work with it."""

_NAMED = tuple(name for name in TABLES if name not in KEPT_TABLES and TABLES[name] not in FULL_STATES)
_PLACES = ("raw", "raw_elsewhere", "audiences", "replaced_runs", "logs", "reports")
_OF_MODELS = ("versions", "runs", "checkpoints", "learning_curves")


@dataclass(frozen=True)
class LifeSpans:
    """Days; None is forever."""

    raw: int | None = None
    raw_elsewhere: int | None = None
    """Of deliveries in a folder outside of home."""
    audiences: int | None = None
    replaced_runs: int | None = None
    logs: int | None = None
    reports: int | None = None
    marts: int | None = None
    tables: Mapping[str, int | None] = field(default_factory=dict)
    """Of every table of the lake that may be given one."""
    versions: int | None = None
    """Number of versions of a model that stay; no days."""
    runs: int | None = None
    checkpoints: int | None = None
    learning_curves: int | None = None

    @classmethod
    def read(cls, file: Path) -> LifeSpans:
        """Read the file.

        Raises:
            SettingsError: there is none, or it says what it must not; the error names the line.
        """
        if not file.is_file():
            raise SettingsError(
                expected=f"life spans in {file}",
                received="no such file",
                remedy="correct NIGHTSHIFT_RETENTION, or unset it: ops/retention.yml is the default",
            )
        whole = read_yaml(file, SettingsError)
        given = whole.mapping()
        _require_known(given, (*_PLACES, "tables", "models"), KEPT_PLACES | KEPT_TABLES)
        tables = given["tables"].mapping() if "tables" in given else {}
        _require_known(tables, (*_NAMED, MARTS), KEPT_TABLES)
        models = given["models"].mapping(_OF_MODELS) if "models" in given else {}
        marts = _days(tables.get(MARTS))
        of_tables = {name: _days(tables.get(name)) for name in _NAMED}
        return cls(
            tables=of_tables | {table.name: marts for table in FULL_STATES},
            marts=marts,
            **{name: _days(given.get(name)) for name in _PLACES},
            **{name: _days(models.get(name)) for name in _OF_MODELS},
        )


def _require_known(given: Mapping[str, YamlValue], known: tuple[str, ...], kept: Mapping[str, str]) -> None:
    for name, value in given.items():
        if name in kept:
            raise value.error(f"no life span of {name}", "one", f"remove that line: it is kept, as {kept[name]}")
        if name in TABLES and EVENTS.name not in known:
            raise value.error(f"{name} under `tables`", "it at the top", "write it there")
        if TABLES.get(name) in FULL_STATES:
            raise value.error(f"one life span for all {MARTS}", repr(name), f"write `{MARTS}: 14`, for example")
        if name not in known:
            raise value.error(f"one of {', '.join(known)}", repr(name), advice(name, known))


def _days(value: YamlValue | None) -> int | None:
    """A life span; what is not named has none."""
    if value is None or value.plain == FOREVER:
        return None
    if isinstance(value.plain, str):
        raise value.misfit(f"a number of days of at least 1, or `{FOREVER}`,", "write `30` for thirty days")
    return value.whole_number(least=1)
