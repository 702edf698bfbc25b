"""`main.py resolve`: identity edges to persons.

A person is a connected component of identifiers, after the rules of `rules.yml` that keep strangers apart. A night
continues from the night before while that still holds: no earlier day was mapped again, and the rules are the same.
Otherwise, and on the first night, persons are made from all edges. `resolution.py` has both ways.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.mapped import IDENTITY_EDGES, TABLES_OF_IDENTIFIERS
from contracts.tables.resolved import IDENTIFIERS_OF_NOBODY, IDENTITY_CHANGES, IDENTITY_EDGES_KNOWN, PERSONS
from contracts.tables.vocabulary import CHANGES
from spark_jobs.identity.changes import changes_between, refuse_many_merges
from spark_jobs.identity.connected_components import FEW_LINKS, OneMachine
from spark_jobs.identity.links import ENDS, counts_of, ends_of
from spark_jobs.identity.resolution import Resolution, resolve, resolve_further
from spark_jobs.identity.rules import IdentityRules, load_rules, pseudonyms_of_nobody
from spark_jobs.identity.union_find import BYTES_A_LINK
from spark_jobs.publishing import publish, stage
from spark_jobs.session import fit_to, start_session

_READ = (IDENTITY_EDGES, *TABLES_OF_IDENTIFIERS)
_DAYS_OF_STATE = 2
_ROW_BYTES = 100
"""Of a row of persons or links in Parquet, about: pseudonyms do not compress."""

_UNPACKED = 2
"""How often as large as in Parquet the rows are while they are sorted, about."""


@dataclass(frozen=True)
class Start:
    """What a resolution starts from: the persons of an earlier night, or all edges."""

    ds: str = ""
    """The earlier night; empty where all edges are needed."""
    reason: str = ""
    """Why all edges are needed."""


def resolve_identities(
    settings: Settings, ds: str, *, from_scratch: bool = False, accept_merges: bool = False
) -> dict[str, Any]:
    """Publish `persons` as known on `ds`, what changed since the day before, and the links; returns the fragment.

    Args:
        from_scratch: start from all edges even where the night before could be continued.
        accept_merges: publish although more known persons merge than the rules allow.

    Raises:
        LakeError: nothing has been mapped up to that day, or more persons would merge than the rules allow.
        SettingsError: the rules cannot be understood.
    """
    lake = Lake(settings.home.lake)
    with lake.step("resolve"), Report(settings.home.reports, ds).timed("resolve") as fragment:
        if not lake.days("reconciliation", until=ds):
            raise LakeError(
                expected=f"mapped days up to {ds} in {settings.home.lake}",
                received="none",
                remedy="run `python -m spark_jobs.main map --source ... --ds ...` first",
            )
        rules = load_rules(settings)
        rules = replace(rules, excluded=tuple(sorted({*rules.excluded, *pseudonyms_of_nobody(settings)})))
        start = Start(reason="--from-scratch was given") if from_scratch else _start(lake, rules, ds)
        read = _bytes_to_read(lake, start, ds)
        session = start_session(settings, "resolve", raw_bytes=read)
        fit_to(session, read)
        excluded = session.createDataFrame(pa.table([pa.array(rules.excluded, pa.string())], ["identifier"]))
        staging = lake.staging("resolve")
        one_machine = OneMachine(max(FEW_LINKS, settings.memory // 3 // BYTES_A_LINK), staging / "components")
        resolution, nobody = _resolution(session, lake, rules, start, ds, excluded, one_machine)

        resolution = _staged(session, resolution, _inputs(lake, rules, ds), ds, staging)
        people = resolution.persons.select(F.countDistinct("person_id")).first()[0]
        counts = counts_of(resolution.links, rules)
        changes = staging / IDENTITY_CHANGES.name
        changed = _stage_changes(session, lake, resolution, rules, ds, changes, accept_merges=accept_merges)
        folder = staging / IDENTIFIERS_OF_NOBODY.name
        on_day = F.to_date(F.lit(ds)).alias("ds")
        stage(excluded.select("*", on_day), IDENTIFIERS_OF_NOBODY, folder, _size(ds, len(rules.excluded)))
        for table in (IDENTITY_CHANGES, IDENTIFIERS_OF_NOBODY, PERSONS, IDENTITY_EDGES_KNOWN):
            publish(lake, table, staging / table.name, [ds], owner="part")
        shutil.rmtree(staging)
        for day in lake.days(IDENTITY_EDGES_KNOWN.name)[:-_DAYS_OF_STATE]:
            lake.withdraw(IDENTITY_EDGES_KNOWN.name, day)

        say(
            f"resolve {ds}: {resolution.identifiers} identifiers are {people} persons; {counts['shared_cookies']} "
            f"shared cookies, {counts['cut_components']} components above {rules.component_limit} identifiers cut"
        )
        edges = f"the edges since {start.ds}" if start.ds else f"all edges, since {start.reason}"
        say(f"resolve {ds}: from {edges}; " + ", ".join(f"{changed[name]} {name}" for name in CHANGES))
        fragment["persons"] = people
        say(f"resolve {ds}: {nobody} identifiers that were read belong to nobody; their acts stay without a person")
        fragment["identity"] = {
            "identifiers": resolution.identifiers,
            "of_nobody": nobody,
            **counts,
            "changed": changed,
            "since": start.ds or None,
        }
        session.catalog.clearCache()
    return fragment


def _start(lake: Lake, rules: IdentityRules, ds: str) -> Start:
    """The latest earlier night, if it was made from what is in the lake now, by the same rules."""
    earlier = [day for day in lake.days(PERSONS.name, until=ds) if day < ds]
    if not earlier:
        return Start(reason="it is the first night")
    day = earlier[-1]
    files = lake.files(IDENTITY_EDGES_KNOWN.name, day)
    if not files:
        return Start(reason=f"the links of {day} are not kept")
    inputs = pyarrow.dataset.dataset(str(files[0]), pa.schema([("inputs", pa.string())])).head(1)["inputs"]
    if inputs.to_pylist() != [_inputs(lake, rules, day)]:
        return Start(reason=f"rules or days up to {day} are not those of that night")
    return Start(day)


def _bytes_to_read(lake: Lake, start: Start, ds: str) -> int:
    """Of the tables, unpacked, about: what arrived since the start, and the persons and links of it."""
    partitions = [(table, day) for table in _READ for day in lake.days(table.name, until=ds) if day > start.ds]
    partitions += [(table, start.ds) for table in (PERSONS, IDENTITY_EDGES_KNOWN) if start.ds]
    packed = sum(file.stat().st_size for table, day in partitions for file in lake.files(table.name, day))
    return packed * _UNPACKED


def _resolution(
    session: SparkSession,
    lake: Lake,
    rules: IdentityRules,
    start: Start,
    ds: str,
    excluded: DataFrame,
    one_machine: OneMachine,
) -> tuple[Resolution, int]:
    """Persons of all days up to `ds`, and how many identifiers that were read belong to nobody.

    Args:
        excluded: `identifier`: those of `rules.excluded`, thousands; the plans get only those that are there.
    """
    days = {table: [day for day in lake.days(table.name, until=ds) if day > start.ds] for table in _READ}
    edges = _read(session, lake, IDENTITY_EDGES, days[IDENTITY_EDGES])
    seen = edges.select(F.explode(F.array(*ENDS)).alias("identifier"), "ds")
    for table in TABLES_OF_IDENTIFIERS:
        seen = seen.unionByName(_read(session, lake, table, days[table]).select("identifier", "ds"))
    seen = seen.groupBy("identifier").agg(F.min("ds").alias("first_ds")).persist()
    there = seen.select("identifier", F.lit(True).alias("read"))
    if start.ds:
        persons = _read(session, lake, PERSONS, [start.ds]).drop("ds")
        links = _read(session, lake, IDENTITY_EDGES_KNOWN, [start.ds]).drop("ds", "inputs")
        known = ends_of(links.where("refused = 'excluded'"))
        there = there.unionByName(known.select(F.col("node").alias("identifier"), F.lit(False).alias("read")))
    found = there.join(F.broadcast(excluded), on="identifier", how="left_semi").collect()
    rules = replace(rules, excluded=tuple(sorted({row.identifier for row in found})))
    if rules.excluded:
        seen = seen.where(~F.col("identifier").isin(*rules.excluded))
    nobody = sum(row.read for row in found)
    if not start.ds:
        return resolve(edges, seen, rules, one_machine), nobody
    return resolve_further(Resolution(persons, links), edges, seen, rules, one_machine), nobody


def _staged(session: SparkSession, resolution: Resolution, inputs: str, ds: str, staging: Path) -> Resolution:
    """The same, written below `staging` and read from there."""
    on_day = F.to_date(F.lit(ds)).alias("ds")
    links = resolution.links.withColumn("inputs", F.lit(inputs))
    found = {}
    for table, rows, count in (
        (PERSONS, resolution.persons, resolution.identifiers),
        (IDENTITY_EDGES_KNOWN, links, resolution.pairs),
    ):
        folder = staging / table.name
        stage(rows.select(*table.column_names, on_day), table, folder, _size(ds, count))
        files = [str(file) for file in folder.glob("ds=*/bucket=*/*.parquet")]
        schema = table.ddl()
        found[table] = session.read.schema(schema).parquet(*files) if files else session.createDataFrame([], schema)
    return replace(resolution, persons=found[PERSONS], links=found[IDENTITY_EDGES_KNOWN])


def _stage_changes(
    session: SparkSession,
    lake: Lake,
    resolution: Resolution,
    rules: IdentityRules,
    ds: str,
    folder: Path,
    *,
    accept_merges: bool,
) -> dict[str, int]:
    """Write what changed since the published day before; returns kind of change -> persons that it happened to."""
    earlier = [day for day in lake.days(PERSONS.name, until=ds) if day < ds]
    if not earlier:
        return dict.fromkeys(CHANGES, 0)
    before = _read(session, lake, PERSONS, earlier[-1:])
    changes = changes_between(before, resolution, rules).localCheckpoint()
    on_day = F.to_date(F.lit(ds)).alias("ds")
    stage(changes.select(*IDENTITY_CHANGES.column_names, on_day), IDENTITY_CHANGES, folder, {ds: 0})
    if not accept_merges:
        refuse_many_merges(changes, before, rules, ds, folder / f"ds={ds}")
    found = changes.groupBy("change").agg(F.countDistinct("former_person_id").alias("persons")).collect()
    return dict.fromkeys(CHANGES, 0) | {row.change: row.persons for row in found}


def _inputs(lake: Lake, rules: IdentityRules, ds: str) -> str:
    """Equal as long as the rules and every partition up to `ds` that resolving reads are the same.

    A day whose life span has ended counts as what it was: the persons of the night before know what it said.
    """
    total = hashlib.sha256(rules.digest.encode())
    for table in _READ:
        for day, published in lake.history(table.name, until=ds).items():
            total.update(f"{table.name} {day} {published}\n".encode())
    return total.hexdigest()


def _size(ds: str, rows: int) -> dict[str, int]:
    return {ds: rows * _ROW_BYTES}


def _read(session: SparkSession, lake: Lake, table: Table, days: list[str]) -> DataFrame:
    """All rows of some days of a table."""
    schema = f"{table.ddl()}, ds DATE"
    if not days:
        return session.createDataFrame([], schema)
    folders = [str(lake.partition(table.name, day)) for day in days]
    return session.read.schema(schema).option("basePath", str(lake.root / table.name)).parquet(*folders)
