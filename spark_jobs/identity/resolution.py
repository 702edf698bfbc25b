"""Identifiers to persons, as functions of tables: from all edges, or from tonight's edges and the night before.

Both give the same rows. What tonight's edges can change is bounded: whether the rules refuse a link depends on the
links of its two ends, and a person on the cluster, the connected component before the component limit. So the second
way goes in four stages: it counts tonight's edges into the known links, applies the rules again to the links around
tonight's ends, clusters again where a link came, went or changed sides, and gives persons to the identifiers of those
clusters; everything else is carried over.

A person is named after the identifier of the component that arrived first, so a name stays as long as that identifier
is the person's, and depends on nothing but what had arrived by that day: a rerun or a backfill gives the same names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.identity.connected_components import components_within
from spark_jobs.identity.links import (
    CUT,
    ENDS,
    LINK,
    SEEN,
    broadcast_if_small,
    count_links,
    ends_of,
    with_refused,
    with_touched,
)
from spark_jobs.identity.rules import IdentityRules


@dataclass(frozen=True)
class Resolution:
    """Persons, and the links that made them."""

    persons: DataFrame
    """`identifier`, `person_id`, `first_ds`."""
    links: DataFrame
    """Columns of the contract `identity_edges_known`, without `inputs`."""
    resolved_again: DataFrame | None = None
    """`node`: the identifiers whose person was not carried over; None: all."""


class Clustering(NamedTuple):
    """The links after the third stage, and what was clustered in it."""

    links: DataFrame
    """As in `Resolution`."""
    nodes: DataFrame
    """`node`, `cluster`, `component` of the identifiers that were clustered."""


def resolve(edges: DataFrame, seen: DataFrame, rules: IdentityRules) -> Resolution:
    """Group identifiers into persons, from all edges.

    Args:
        edges: rows of the contract `identity_edges`.
        seen: `identifier`, `first_ds`: every identifier and the day on which it arrived first.
    """
    links = with_refused(count_links(edges), rules).persist()
    nodes = _components(links.where("refused is null"), rules)
    return Resolution(_persons(seen, nodes), _with_clusters(links, nodes))


def resolve_further(known: Resolution, edges: DataFrame, seen: DataFrame, rules: IdentityRules) -> Resolution:
    """The same as `resolve` of all edges, from what is known and what has come since.

    Args:
        known: what an earlier night gave under the same rules.
        edges: rows of the contract `identity_edges` that came since.
        seen: `identifier`, `first_ds` of identifiers that came since, known ones among them.
    """
    counted = _count_into(known.links, count_links(edges)).persist()
    ruled, changed_ends = _apply_rules(counted, rules)
    clustering = _cluster(ruled, changed_ends, rules)
    arrived = seen.join(known.persons, on="identifier", how="left_anti").localCheckpoint()
    persons, resolved_again = _carry_over(known.persons, arrived, changed_ends, clustering.nodes)
    return Resolution(persons, clustering.links, resolved_again)


def _count_into(known: DataFrame, tonight: DataFrame) -> DataFrame:
    """Stage 1: the known links and tonight's, counted together.

    Invariant: a row a pair and kind, with the counts that all edges of all days give. `refused` (where the component
    limit did it: `cut`) and `cluster` are still those of the night before, null for a link that is not `known`.
    """
    cut = F.coalesce(F.col("refused") == CUT, F.lit(False))
    none = F.lit(None).cast("string")
    before = known.select(
        *LINK,
        *SEEN,
        F.when(~cut, F.col("refused")).alias("refused"),
        "cluster",
        cut.alias("cut"),
        F.lit(True).alias("known"),
        F.lit(False).alias("tonight"),
    )
    came = tonight.select(
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


def _apply_rules(counted: DataFrame, rules: IdentityRules) -> tuple[DataFrame, DataFrame]:
    """Stage 2: the links with the `refused` that the rules give tonight, and the ends of links of which that changed.

    Invariant: `refused` is what `with_refused` gives over all links. A limit compares the links of one end, so only
    links at an end of tonight's can have changed; to compare them, all links at their own ends are needed.

    Returns:
        The links; and `node`: the ends of links that joined nothing the night before and do now, or the reverse.
    """
    tonight = ends_of(counted.where("tonight")).localCheckpoint()
    all_links = with_touched(counted, tonight).persist()
    compared = with_touched(counted, ends_of(all_links.where("touched"))).where("touched").drop("touched")
    again = with_touched(with_refused(compared.withColumnRenamed("refused", "before"), rules), tonight)
    again = again.where("touched").drop("touched").localCheckpoint()
    changed = again.where("(known and not (refused <=> before)) or (not known and refused is null)")
    unchanged = all_links.where("not touched").drop("touched")
    return again.drop("before").unionByName(unchanged).persist(), ends_of(changed).localCheckpoint()


def _cluster(ruled: DataFrame, changed_ends: DataFrame, rules: IdentityRules) -> Clustering:
    """Stage 3: connected components again of the clusters in which a link came, went or changed sides.

    Invariant: the clusters carried over and the new ones are together the connected components of all links that no
    rule refused. A new link joins whole clusters, and a lost one divides one, so a cluster without a changed end is as
    it was.
    """
    clustered = with_touched(ruled.where("cluster is not null"), changed_ends)
    open_clusters = broadcast_if_small(clustered.where("touched").select("cluster").distinct())
    is_open = F.col("open") | F.col("cluster").isNull()
    links = (
        ruled.join(open_clusters.withColumn("open", F.lit(True)), on="cluster", how="left")
        .withColumn("joining", F.coalesce(F.col("refused").isNull() & is_open, F.lit(False)))
        .drop("open")
        .persist()
    )
    joining = links.where("joining").select(*LINK, *SEEN, "refused")
    nodes = _components(joining.select(*LINK).localCheckpoint(), rules).localCheckpoint()
    carried = links.where("not joining").select(
        *LINK,
        *SEEN,
        F.coalesce("refused", F.when(F.col("cut"), F.lit(CUT))).alias("refused"),
        F.when(F.col("refused").isNull(), F.col("cluster")).alias("cluster"),
    )
    return Clustering(carried.unionByName(_with_clusters(joining, nodes)), nodes)


def _carry_over(
    known: DataFrame, arrived: DataFrame, changed_ends: DataFrame, nodes: DataFrame
) -> tuple[DataFrame, DataFrame]:
    """Stage 4: persons of the identifiers that were clustered again, lost a link or arrived; the others stay.

    Invariant: every identifier once; of a component, either all identifiers are carried over or none.

    Returns:
        `identifier`, `person_id`, `first_ds` of all; and `node`: those that were not carried over.
    """
    again = (
        nodes.select("node")
        .unionByName(changed_ends)
        .unionByName(arrived.select(F.col("identifier").alias("node")))
        .distinct()
    )
    again = broadcast_if_small(again)
    flagged = known.join(again.withColumn("again", F.lit(True)), F.col("identifier") == F.col("node"), how="left")
    flagged = flagged.drop("node").persist()
    first = flagged.where("again").select("identifier", "first_ds").unionByName(arrived)
    carried = flagged.where("again is null").drop("again")
    return carried.unionByName(_persons(first, nodes)), again


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
    parted = broadcast_if_small(nodes.join(F.broadcast(whole), on="cluster", how="left_semi"))
    of_right = parted.select(F.col("node").alias(right), F.col("component").alias("there"))
    placed = placed.join(of_right, on=right, how="left").select(
        *LINK, *SEEN, F.when(F.col("there") != F.col("here"), F.lit(CUT)).alias("refused"), "cluster"
    )
    refused = links.where("refused is not null").select(
        *LINK, *SEEN, "refused", F.lit(None).cast("string").alias("cluster")
    )
    return placed.unionByName(refused)


def _persons(seen: DataFrame, nodes: DataFrame) -> DataFrame:
    """`identifier`, `person_id`, `first_ds`; an identifier that nothing links is a person of its own."""
    grouped = seen.join(nodes, on=F.col("identifier") == F.col("node"), how="left").select(
        "identifier", "first_ds", F.coalesce("component", "identifier").alias("component")
    )
    oldest = F.min(F.struct("first_ds", "identifier")).over(Window.partitionBy("component"))
    person = F.concat(F.lit("p"), F.left(F.sha2(oldest["identifier"], 256), F.lit(16)))
    return grouped.select("identifier", person.alias("person_id"), "first_ds")
