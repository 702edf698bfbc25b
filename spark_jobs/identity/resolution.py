"""Identifiers to persons, as functions of tables: from all that is known, or from tonight's edges and the night before.

Both give the same rows. What tonight's edges can change is bounded: a link's fate under the rules depends on the links
of its two ends, and a person on the cluster, the component before the component limit. So the second looks again at the
links around the ends of tonight's edges, puts together anew the clusters in which a link came, went or changed sides,
and carries everything else over.

The person is named after the identifier of the component that arrived first, so a name stays as long as that identifier
is the person's, and depends on nothing but what had arrived by that day: a rerun or a backfill gives the same names.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.identity.connected_components import components_within
from spark_jobs.identity.links import CUT, ENDS, LINK, SEEN, ends_of, judged, links_of, small, touched_by
from spark_jobs.identity.rules import IdentityRules


@dataclass(frozen=True)
class Resolution:
    """Persons, and the links that made them."""

    persons: DataFrame
    """`identifier`, `person_id`, `first_ds`."""
    links: DataFrame
    """Columns of the contract `identity_edges_known`, without `inputs`."""
    again: DataFrame | None = None
    """`node`: the identifiers whose person was looked at again; None: all."""


def resolve(edges: DataFrame, seen: DataFrame, rules: IdentityRules) -> Resolution:
    """Group identifiers into persons, from scratch.

    Args:
        edges: rows of the contract `identity_edges`.
        seen: `identifier`, `first_ds`: every identifier and the day on which it arrived first.
    """
    links = judged(links_of(edges), rules).persist()
    nodes = _components(links.where("refused is null"), rules)
    return Resolution(_named(seen, nodes), _with_clusters(links, nodes))


def resolve_further(known: Resolution, edges: DataFrame, seen: DataFrame, rules: IdentityRules) -> Resolution:
    """The same as `resolve` of all edges, from what is known and what has come since.

    Args:
        known: what an earlier night gave under the same rules.
        edges: rows of the contract `identity_edges` that came since.
        seen: `identifier`, `first_ds` of identifiers that came since, known ones among them.
    """
    links = _added(known.links, links_of(edges)).persist()
    tonight = ends_of(links.where("tonight")).localCheckpoint()
    near = touched_by(links, tonight).persist()
    around = touched_by(links, ends_of(near.where("touched"))).where("touched").drop("touched")
    again = touched_by(judged(around.withColumnRenamed("refused", "before"), rules), tonight).where("touched")
    again = again.drop("touched").localCheckpoint()
    changed = again.where("(known and not (refused <=> before)) or (not known and refused is null)")
    changed_ends = ends_of(changed).localCheckpoint()
    links = again.drop("before").unionByName(near.where("not touched").drop("touched")).persist()

    placed = links.where("cluster is not null")
    clusters = small(touched_by(placed, changed_ends).where("touched").select("cluster").distinct())
    links = links.join(clusters.withColumn("open", F.lit(True)), on="cluster", how="left")
    joining = F.col("refused").isNull() & (F.col("open") | F.col("cluster").isNull())
    links = links.withColumn("joining", F.coalesce(joining, F.lit(False))).drop("open").persist()
    open_links = links.where("joining").select(*LINK).localCheckpoint()
    nodes = _components(open_links, rules).localCheckpoint()

    carried = links.where("not joining").select(
        *LINK,
        *SEEN,
        F.coalesce("refused", F.when(F.col("cut"), F.lit(CUT))).alias("refused"),
        F.when(F.col("refused").isNull(), F.col("cluster")).alias("cluster"),
    )
    renewed = _with_clusters(links.where("joining").select(*LINK, *SEEN, "refused"), nodes)

    arrived = seen.join(known.persons, on="identifier", how="left_anti").localCheckpoint()
    moved = ends_of(open_links).unionByName(changed_ends).unionByName(arrived.select(F.col("identifier").alias("node")))
    moved = small(moved.distinct())
    marked = known.persons.join(moved.withColumn("moved", F.lit(True)), F.col("identifier") == F.col("node"), "left")
    marked = marked.drop("node").persist()
    first = marked.where("moved").select("identifier", "first_ds").unionByName(arrived)
    persons = marked.where("moved is null").drop("moved").unionByName(_named(first, nodes))
    return Resolution(persons, carried.unionByName(renewed), moved)


def _added(known: DataFrame, new: DataFrame) -> DataFrame:
    """Known and new links counted together, with `known`, `tonight`, and what was `refused` before any `cut`."""
    cut = F.coalesce(F.col("refused") == CUT, F.lit(False))
    before = known.select(
        *LINK,
        *SEEN,
        F.when(~cut, F.col("refused")).alias("refused"),
        "cluster",
        cut.alias("cut"),
        F.lit(True).alias("known"),
        F.lit(False).alias("tonight"),
    )
    none = F.lit(None).cast("string")
    came = new.select(
        *LINK,
        *SEEN,
        none.alias("refused"),
        none.alias("cluster"),
        F.lit(False).alias("cut"),
        F.lit(False).alias("known"),
        F.lit(True).alias("tonight"),
    )
    return (
        before.unionByName(came)
        .groupBy(*LINK)
        .agg(
            F.sum("times").alias("times"),
            F.min("first_time").alias("first_time"),
            F.max("last_time").alias("last_time"),
            *(F.max(name).alias(name) for name in ("refused", "cluster", "cut", "known", "tonight")),
        )
    )


def _components(links: DataFrame, rules: IdentityRules) -> DataFrame:
    """`node`, `cluster`, `component` of the ends of links that no rule refused."""
    strength = F.lit(0)
    for place, kind in enumerate(rules.kinds):
        strength = F.when(F.col("kind") == kind, F.lit(-place)).otherwise(strength)
    left, right = ENDS
    pairs = links.select(F.col(left).alias("a"), F.col(right).alias("b"), strength.alias("strength"))
    return components_within(pairs, rules.component_limit).localCheckpoint()


def _with_clusters(links: DataFrame, nodes: DataFrame) -> DataFrame:
    """Links with the `cluster` of their ends where nothing refused them; one between two components was cut."""
    left, right = ENDS
    of_left = nodes.select(F.col("node").alias(left), "cluster", F.col("component").alias("here"))
    placed = links.where("refused is null").select(*LINK, *SEEN).join(of_left, on=left, how="inner")
    whole = nodes.groupBy("cluster").agg((F.min("component") == F.max("component")).alias("whole")).where("not whole")
    parted = small(nodes.join(F.broadcast(whole), on="cluster", how="left_semi"))
    of_right = parted.select(F.col("node").alias(right), F.col("component").alias("there"))
    placed = placed.join(of_right, on=right, how="left").select(
        *LINK, *SEEN, F.when(F.col("there") != F.col("here"), F.lit(CUT)).alias("refused"), "cluster"
    )
    refused = links.where("refused is not null").select(
        *LINK, *SEEN, "refused", F.lit(None).cast("string").alias("cluster")
    )
    return placed.unionByName(refused)


def _named(seen: DataFrame, nodes: DataFrame) -> DataFrame:
    """`identifier`, `person_id`, `first_ds`; an identifier that nothing links is a person of its own."""
    named = seen.join(nodes, on=F.col("identifier") == F.col("node"), how="left").select(
        "identifier", "first_ds", F.coalesce("component", "identifier").alias("component")
    )
    oldest = F.min(F.struct("first_ds", "identifier")).over(Window.partitionBy("component"))
    person = F.concat(F.lit("p"), F.left(F.sha2(oldest["identifier"], 256), F.lit(16)))
    return named.select("identifier", person.alias("person_id"), "first_ds")
