"""Identifiers to persons, as functions of tables: from all edges, or from tonight's edges and the night before.

Both give the same rows. What tonight's edges can change is bounded: whether the rules refuse a link depends on the
links of its two ends, and a person on the cluster, the connected component before the component limit. So the second
way goes in four stages: it counts tonight's edges and the known links at their ends together, applies the rules again
to these, clusters again where a link came, went or changed sides, and gives persons to the identifiers of those
clusters; everything else is carried over as it stands.

A person is named after the identifier of the component that arrived first, so a name stays as long as that identifier
is the person's, and depends on nothing but what had arrived by that day: a rerun or a backfill gives the same names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.identity.connected_components import LITTLE, OneMachine, components_within
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
    identifiers: int = 0
    """Rows of `persons`."""
    pairs: int = 0
    """Rows of `links`."""


@dataclass(frozen=True)
class Tonight:
    """The links of the night before, by whether tonight's edges touch them."""

    known: DataFrame
    """As in `Resolution`."""
    ends: DataFrame
    """`node`: the ends of tonight's edges."""

    def at_ends(self) -> DataFrame:
        """Known links of which an end is one of tonight's."""
        return with_touched(self.known, self.ends).where("touched").drop("touched")

    def elsewhere(self) -> DataFrame:
        """All other known links."""
        return with_touched(self.known, self.ends).where("not touched").drop("touched")


class Clustering(NamedTuple):
    """The links after the third stage, and what was clustered in it."""

    links: DataFrame
    """As in `Resolution`."""
    nodes: DataFrame
    """`node`, `cluster`, `component` of the identifiers that were clustered."""


def resolve(edges: DataFrame, seen: DataFrame, rules: IdentityRules, one_machine: OneMachine = LITTLE) -> Resolution:
    """Group identifiers into persons, from all edges.

    Args:
        edges: rows of the contract `identity_edges`.
        seen: `identifier`, `first_ds`: every identifier and the day on which it arrived first.
    """
    links = with_refused(count_links(edges), rules).persist()
    nodes = _components(links.where("refused is null"), rules, one_machine)
    return Resolution(_persons(seen, nodes), _with_clusters(links, nodes), None, seen.count(), links.count())


def resolve_further(
    known: Resolution, edges: DataFrame, seen: DataFrame, rules: IdentityRules, one_machine: OneMachine = LITTLE
) -> Resolution:
    """The same as `resolve` of all edges, from what is known and what has come since.

    What is known is read a few times and neither sorted nor kept: of it, only what tonight's edges can change is put
    aside.

    Args:
        known: what an earlier night gave under the same rules.
        edges: rows of the contract `identity_edges` that came since.
        seen: `identifier`, `first_ds` of identifiers that came since, known ones among them.
    """
    counted = count_links(edges).localCheckpoint()
    tonight = Tonight(known.links, broadcast_if_small(ends_of(counted)))
    compared = _to_compare(tonight, counted)
    again, changed_ends = _apply_rules(compared, rules)
    clustering = _cluster(tonight, compared, again, changed_ends, rules, one_machine)
    arrived = _arrived(known.persons, seen)
    persons, resolved_again = _carry_over(known.persons, arrived, changed_ends, clustering.nodes)
    identifiers = known.persons.count() + arrived.count()
    pairs = known.links.count() + again.where("not known").count()
    return Resolution(persons, clustering.links, resolved_again, identifiers, pairs)


def _to_compare(tonight: Tonight, counted: DataFrame) -> DataFrame:
    """Stage 1: the links at tonight's ends, counted together with tonight's, and all others at the ends of these.

    Invariant: `at_hand` links, those at tonight's ends, have the counts that all edges of all days give. `refused`
    (where the component limit did it: `cut`) and `cluster` are still those of the night before, null for a link that
    was not `known`.
    """
    came = counted.select(
        *LINK,
        *SEEN,
        F.lit(None).cast("string").alias("refused"),
        F.lit(None).cast("string").alias("cluster"),
        F.lit(False).alias("cut"),
        F.lit(False).alias("known"),
    )
    at_hand = (
        _of_before(tonight.at_ends())
        .unionByName(came)
        .groupBy(*LINK)
        .agg(
            F.sum("times").alias("times"),
            F.min("first_time").alias("first_time"),
            F.max("last_time").alias("last_time"),
            *(F.max(name).alias(name) for name in ("refused", "cluster", "cut", "known")),
        )
        .localCheckpoint()
    )
    around = with_touched(tonight.elsewhere(), broadcast_if_small(ends_of(at_hand))).where("touched").drop("touched")
    return (
        at_hand.withColumn("at_hand", F.lit(True))
        .unionByName(_of_before(around).withColumn("at_hand", F.lit(False)))
        .localCheckpoint()
    )


def _of_before(links: DataFrame) -> DataFrame:
    """Known links with `refused` as it was before the component limit, and `cut` where that refused it."""
    cut = F.coalesce(F.col("refused") == CUT, F.lit(False))
    before = F.when(~cut, F.col("refused")).alias("refused")
    return links.select(*LINK, *SEEN, before, "cluster", cut.alias("cut"), F.lit(True).alias("known"))


def _apply_rules(compared: DataFrame, rules: IdentityRules) -> tuple[DataFrame, DataFrame]:
    """Stage 2: the links at tonight's ends with the `refused` that the rules give, and the ends where that changed.

    Invariant: `refused` is what `with_refused` gives over all links. A limit compares the links of one end, so only
    links at an end of tonight's can have changed; to compare them, all links at their own ends are needed.

    Returns:
        The links; and `node`: the ends of links that joined nothing the night before and do now, or the reverse.
    """
    ruled = with_refused(compared.withColumnRenamed("refused", "before"), rules)
    again = ruled.where("at_hand").drop("at_hand").localCheckpoint()
    changed = again.where("(known and not (refused <=> before)) or (not known and refused is null)")
    return again.drop("before"), broadcast_if_small(ends_of(changed))


def _cluster(
    tonight: Tonight,
    compared: DataFrame,
    again: DataFrame,
    changed_ends: DataFrame,
    rules: IdentityRules,
    one_machine: OneMachine,
) -> Clustering:
    """Stage 3: connected components again of the clusters in which a link came, went or changed sides.

    Invariant: the clusters carried over and the new ones are together the connected components of all links that no
    rule refused. A new link joins whole clusters, and a lost one divides one, so a cluster without a changed end is as
    it was. All links at a changed end are among the compared ones.
    """
    with_cluster = with_touched(compared.where("cluster is not null"), changed_ends)
    open_clusters = broadcast_if_small(with_cluster.where("touched").select("cluster").distinct())
    opened = _of_before(tonight.elsewhere().join(open_clusters, on="cluster", how="left_semi"))
    is_open = F.col("open") | F.col("cluster").isNull()
    links = (
        again.join(open_clusters.withColumn("open", F.lit(True)), on="cluster", how="left")
        .withColumn("joining", F.coalesce(F.col("refused").isNull() & is_open, F.lit(False)))
        .drop("open")
        .unionByName(opened.withColumn("joining", F.lit(True)))
        .localCheckpoint()
    )
    joining = links.where("joining").select(*LINK, *SEEN, "refused")
    nodes = _components(joining, rules, one_machine)
    judged = links.where("not joining").select(
        *LINK,
        *SEEN,
        F.coalesce("refused", F.when(F.col("cut"), F.lit(CUT))).alias("refused"),
        F.when(F.col("refused").isNull(), F.col("cluster")).alias("cluster"),
    )
    carried = tonight.elsewhere().join(open_clusters, on="cluster", how="left_anti").select(*judged.columns)
    return Clustering(carried.unionByName(judged).unionByName(_with_clusters(joining, nodes)), nodes)


def _arrived(known: DataFrame, seen: DataFrame) -> DataFrame:
    """Those of `seen` that are no identifiers of known persons."""
    names = broadcast_if_small(seen.select("identifier"))
    found = known.select("identifier").join(names, on="identifier", how="left_semi").localCheckpoint()
    return seen.join(found, on="identifier", how="left_anti").localCheckpoint()


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
    names = again.withColumnRenamed("node", "identifier")
    first = known.join(names, on="identifier", how="left_semi").select("identifier", "first_ds").unionByName(arrived)
    carried = known.join(names, on="identifier", how="left_anti")
    return carried.unionByName(_persons(first, nodes)), again


def _components(links: DataFrame, rules: IdentityRules, one_machine: OneMachine) -> DataFrame:
    """`node`, `cluster`, `component` of the ends of links that no rule refused."""
    strength = F.lit(0)
    for place, kind in enumerate(rules.kinds):
        strength = F.when(F.col("kind") == kind, F.lit(-place)).otherwise(strength)
    left, right = ENDS
    pairs = links.select(F.col(left).alias("a"), F.col(right).alias("b"), strength.alias("strength"))
    return components_within(pairs, rules.component_limit, one_machine).localCheckpoint()


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
