"""Connected components of a graph, by DataFrames: alternating large star and small star; and a limit to their size.

Source: Kiveris et al., "Connected Components in MapReduce and Beyond", SoCC 2014. Each round rewires every node towards
the smallest node that it knows; O(log^2 n) rounds, and no round makes more edges than there were.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.identity.union_find import PLACED
from spark_jobs.identity.union_find import components_within as components_of

FEW_LINKS = 200_000
"""Up to here the driver puts links together with no more memory than it has in any case."""

_LINKS_DDL = "a string, b string, strength int"
_PLACED_DDL = "node string, cluster string, component string"


def connected_components(edges: DataFrame) -> DataFrame:
    """Name every node's component by the component's smallest node.

    Args:
        edges: columns `a`, `b` (comparable, not null); direction and repetition do not matter.

    Returns:
        columns `node`, `component`; a node of the edges, each once.
    """
    nodes = edges.select(F.explode(F.array("a", "b")).alias("node")).distinct()
    # numbers in the order of the names, so that the rounds move eight bytes a node and the smallest stays the smallest
    numbered = nodes.orderBy("node").select("node", F.monotonically_increasing_id().alias("number")).localCheckpoint()
    of_a, of_b = (numbered.select(F.col("node").alias(end), F.col("number").alias(f"number_{end}")) for end in "ab")
    links = edges.where("a != b").select("a", "b").join(of_a, on="a", how="inner").join(of_b, on="b", how="inner")
    roots = _rounds(
        links.select(F.greatest("number_a", "number_b").alias("child"), F.least("number_a", "number_b").alias("parent"))
    )
    placed = numbered.join(roots, on=F.col("number") == F.col("child"), how="left").select(
        "node", F.coalesce("parent", "number").alias("root")
    )
    names = numbered.select(F.col("number").alias("root"), F.col("node").alias("component"))
    return placed.join(names, on="root", how="inner").select("node", "component")


def _rounds(links: DataFrame) -> DataFrame:
    """`child`, `parent`: every node but the smallest of its component, and that smallest node."""
    links = links.distinct().localCheckpoint()
    fingerprint = None
    while True:
        links = _small_star(_large_star(links)).localCheckpoint()
        now = _fingerprint(links)
        if now == fingerprint:
            return links
        fingerprint = now


@dataclass(frozen=True)
class OneMachine:
    """What the driver may put together by itself, without rounds of jobs."""

    links: int = FEW_LINKS
    """So many links at most."""
    scratch: Path | None = None
    """A folder that is not there yet and that Spark's tasks see too: links come and components go through it; None:
    through memory."""


LITTLE = OneMachine()


def components_within(links: DataFrame, limit: int, one_machine: OneMachine = LITTLE) -> DataFrame:
    """Connected components of at most `limit` nodes.

    A component above the limit loses all links of the weakest strength in it, again and again until what is left of it
    fits; a node that loses its last link stands for itself. Components that fit are not looked at again.

    Args:
        links: columns `a`, `b`, `strength` (larger is stronger).

    Returns:
        columns `node`, `cluster` (its component before any cut, by the smallest node), `component` (after it).
    """
    session, links = links.sparkSession, links.select("a", "b", "strength")
    if one_machine.scratch is None:
        links = links.localCheckpoint()
        if links.count() <= one_machine.links:
            return session.createDataFrame(pa.Table.from_batches(components_of(links.toArrow(), limit), PLACED))
    else:
        there, back = (one_machine.scratch / name for name in ("links", "components"))
        links.write.parquet(str(there))
        links = session.read.schema(_LINKS_DDL).parquet(str(there))
        if pyarrow.dataset.dataset(there).count_rows() <= one_machine.links:
            back.mkdir()
            with pq.ParquetWriter(back / "part-0.parquet", PLACED) as writer:
                for batch in components_of(pq.read_table(there), limit):
                    writer.write_batch(batch)
            return session.read.schema(_PLACED_DDL).parquet(str(back))
    clusters = connected_components(links).localCheckpoint()
    placed, left, done = clusters, links, []
    while True:
        large = placed.groupBy("component").count().where(F.col("count") > limit).select("component").localCheckpoint()
        if large.isEmpty():
            break
        done.append(placed.join(F.broadcast(large), on="component", how="left_anti").select("node", "component"))
        cut = (
            placed.join(F.broadcast(large), on="component", how="left_semi")
            .select("node", "component")
            .localCheckpoint()
        )
        inside = left.join(cut, on=F.col("a") == F.col("node"), how="inner")
        weakest = inside.withColumn("weakest", F.min("strength").over(Window.partitionBy("component")))
        left = weakest.where("strength > weakest").select("a", "b", "strength").localCheckpoint()
        smaller = connected_components(left).withColumnRenamed("component", "smaller")
        placed = (
            cut.join(smaller, on="node", how="left")
            .select("node", F.coalesce("smaller", "node").alias("component"))
            .localCheckpoint()
        )
    if not done:
        return clusters.select("node", F.col("component").alias("cluster"), "component")
    final = reduce(DataFrame.unionByName, [*done, placed.select("node", "component")])
    return clusters.withColumnRenamed("component", "cluster").join(final, on="node", how="inner")


def _large_star(links: DataFrame) -> DataFrame:
    """Link every larger neighbour of a node to the smallest node that it or its neighbours know."""
    both = links.select(F.col("child").alias("node"), F.col("parent").alias("neighbour")).unionByName(
        links.select(F.col("parent").alias("node"), F.col("child").alias("neighbour"))
    )
    nearest = both.groupBy("node").agg(F.least(F.min("neighbour"), F.col("node")).alias("smallest"))
    larger = both.where("neighbour > node").join(nearest, on="node", how="inner")
    return larger.select(F.col("neighbour").alias("child"), F.col("smallest").alias("parent")).distinct()


def _small_star(links: DataFrame) -> DataFrame:
    """Link a node and its smaller neighbours to the smallest of them."""
    smallest: Column = F.min("parent").over(Window.partitionBy("child"))
    starred = links.select("child", "parent", smallest.alias("smallest"))
    return (
        starred.select(F.explode(F.array("child", "parent")).alias("child"), F.col("smallest").alias("parent"))
        .where("child != parent")
        .distinct()
    )


def _fingerprint(links: DataFrame) -> tuple[int, int | None]:
    """Number and order-free hash of the links: equal when a round changed nothing."""
    row = links.select(F.count(F.lit(1)), F.bit_xor(F.xxhash64("child", "parent"))).first()
    return row[0], row[1]
