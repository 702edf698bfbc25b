"""`main.py resolve`: identity edges to persons.

A person is a connected component of identifiers, after two rules keep strangers apart:

1. A cookie is one person's, however many log in on it: of the accounts seen on a cookie, only the one with most logins
   keeps its edge (ties: the first seen, then the smaller name). The other accounts' own acts stay theirs.
2. A component above the limit loses all edges of the weakest kind in it, again and again until it fits, or is down to
   its strongest kind; if even that does not fit, each identifier stands for itself.

The person is named after the identifier of the component that arrived first, so a name stays as long as that identifier
is the person's, and depends on nothing but what had arrived by that day: a rerun or a backfill gives the same names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables import ANSWERS, CONSENTS, EDGE_KINDS, EVENTS, IDENTITY_EDGES, PERSONS
from spark_jobs.components import connected_components
from spark_jobs.publishing import publish, stage
from spark_jobs.session import start_session


@dataclass(frozen=True)
class Resolution:
    """Persons, and what was kept apart on the way."""

    persons: DataFrame
    """`identifier`, `person_id`, `first_ds`."""
    shared_cookies: int
    """Cookies on which more than one account logged in."""
    cut_components: int
    """Components that were above the limit."""


def resolve_identities(settings: Settings, ds: str) -> dict[str, Any]:
    """Publish `persons` as known on `ds`; returns the report's fragment.

    Raises:
        LakeError: nothing has been mapped up to that day.
    """
    lake = Lake(settings.lake)
    with (
        lake.among_others(),
        lake.lock("resolve"),
        Report(settings.reports, ds).timed("resolve") as fragment,
    ):
        if not lake.days("reconciliation", until=ds):
            raise LakeError(
                expected=f"mapped days up to {ds} in {settings.lake}",
                received="none",
                remedy="run `spark-submit spark_jobs/main.py map --source ... --ds ...` first",
            )
        session = start_session(settings, "resolve")
        edges = _read(session, lake, IDENTITY_EDGES, ds)
        seen = _first_seen(session, lake, edges, ds)
        resolution = resolve(edges, seen, settings.component_limit)
        staging = lake.staging("resolve") / PERSONS.name
        persons = resolution.persons.select(*PERSONS.column_names, F.to_date(F.lit(ds)).alias("ds")).persist()
        stage(persons, PERSONS, staging, raw_bytes={ds: 0})
        identifiers, people = persons.select(F.count(F.lit(1)), F.countDistinct("person_id")).first()
        publish(lake, PERSONS, staging, [ds], owner="part")
        say(
            f"resolve {ds}: {identifiers} identifiers are {people} persons; {resolution.shared_cookies} shared "
            f"cookies, {resolution.cut_components} components above {settings.component_limit} identifiers cut"
        )
        fragment["persons"] = people
        fragment["identity"] = {
            "identifiers": identifiers,
            "shared_cookies": resolution.shared_cookies,
            "cut_components": resolution.cut_components,
        }
        session.catalog.clearCache()
    return fragment


def resolve(edges: DataFrame, seen: DataFrame, limit: int) -> Resolution:
    """Group identifiers into persons.

    Args:
        edges: rows of the contract `identity_edges`.
        seen: `identifier`, `first_ds`: every identifier and the day on which it arrived first.
        limit: most identifiers that a person may have.
    """
    strength = F.create_map(*(F.lit(value) for kind in EDGE_KINDS for value in (kind, -EDGE_KINDS.index(kind))))
    links = edges.select(
        F.col("left_identifier").alias("a"),
        F.col("right_identifier").alias("b"),
        F.coalesce(strength[F.col("kind")], F.lit(-len(EDGE_KINDS))).alias("strength"),
        "kind",
        "occurred_at",
    )
    links, shared_cookies = without_shared_logins(links)
    links = links.select("a", "b", "strength").distinct().localCheckpoint()
    components, cut = _within_limit(links, limit)
    named = seen.join(components, on=F.col("identifier") == F.col("node"), how="left").select(
        "identifier", "first_ds", F.coalesce("component", "identifier").alias("component")
    )
    oldest = F.min(F.struct("first_ds", "identifier")).over(Window.partitionBy("component"))
    person = F.concat(F.lit("p"), F.left(F.sha2(oldest["identifier"], 256), F.lit(16)))
    return Resolution(named.select("identifier", person.alias("person_id"), "first_ds"), shared_cookies, cut)


def without_shared_logins(links: DataFrame) -> tuple[DataFrame, int]:
    """Keep, of all accounts that logged in on one cookie, only the one that did so most; counts the shared cookies."""
    logins = links.where("kind = 'login'")
    pairs = logins.select(
        F.when(F.col("a").startswith("cookie:"), F.col("a")).otherwise(F.col("b")).alias("cookie"),
        F.when(F.col("a").startswith("cookie:"), F.col("b")).otherwise(F.col("a")).alias("account"),
        "occurred_at",
        "strength",
    )
    counted = pairs.groupBy("cookie", "account", "strength").agg(
        F.count(F.lit(1)).alias("times"), F.min("occurred_at").alias("first_time")
    )
    most_first = Window.partitionBy("cookie").orderBy(F.desc("times"), "first_time", "account")
    ranked = counted.withColumn("place", F.row_number().over(most_first)).localCheckpoint()
    shared = ranked.where("place > 1").select("cookie").distinct().count()
    kept = ranked.where("place = 1").select(F.col("account").alias("a"), F.col("cookie").alias("b"), "strength")
    return links.where("kind != 'login'").select("a", "b", "strength").unionByName(kept), shared


def _within_limit(links: DataFrame, limit: int) -> tuple[DataFrame, int]:
    """Components of at most `limit` nodes, and how many had to be cut for that."""
    cut = 0
    while True:
        components = connected_components(links).localCheckpoint()
        sizes = components.groupBy("component").count()
        too_large = sizes.where(F.col("count") > limit).select("component").localCheckpoint()
        number = too_large.count()
        if number == 0:
            return components, cut
        cut = max(cut, number)
        placed = links.join(components, on=F.col("a") == F.col("node"), how="inner").drop("node")
        flagged = placed.join(too_large.select("component", F.lit(True).alias("too_large")), on="component", how="left")
        weakest = F.min("strength").over(Window.partitionBy("component"))
        flagged = flagged.withColumn("weakest", weakest)
        links = flagged.where("too_large is null or strength > weakest").select("a", "b", "strength").localCheckpoint()


def _first_seen(session: SparkSession, lake: Lake, edges: DataFrame, ds: str) -> DataFrame:
    """Every identifier that has arrived by `ds`, with the day on which it arrived first."""
    arrived = edges.select(F.explode(F.array("left_identifier", "right_identifier")).alias("identifier"), "ds")
    for table in (EVENTS, ANSWERS, CONSENTS):
        arrived = arrived.unionByName(_read(session, lake, table, ds).select("identifier", "ds"))
    return arrived.groupBy("identifier").agg(F.min("ds").alias("first_ds"))


def _read(session: SparkSession, lake: Lake, table: Table, ds: str) -> DataFrame:
    """All rows of a mapped table that had arrived by `ds`."""
    schema = f"{table.ddl()}, ds DATE"
    days = lake.days(table.name, until=ds)
    if not days:
        return session.createDataFrame([], schema)
    folders = [str(lake.partition(table.name, day)) for day in days]
    return session.read.schema(schema).option("basePath", str(lake.root / table.name)).parquet(*folders)
