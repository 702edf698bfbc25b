"""Connected components of a graph, by DataFrames: alternating large star and small star.

Source: Kiveris et al., "Connected Components in MapReduce and Beyond", SoCC 2014. Each round rewires every node towards
the smallest node that it knows; O(log^2 n) rounds, and no round makes more edges than there were.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812


def connected_components(edges: DataFrame) -> DataFrame:
    """Name every node's component by the component's smallest node.

    Args:
        edges: columns `a`, `b` (comparable, not null); direction and repetition do not matter.

    Returns:
        columns `node`, `component`; a node of the edges, each once.
    """
    links = edges.where("a != b").select(F.greatest("a", "b").alias("child"), F.least("a", "b").alias("parent"))
    links = links.distinct().localCheckpoint()
    fingerprint = None
    while True:
        links = _small_star(_large_star(links)).localCheckpoint()
        now = _fingerprint(links)
        if now == fingerprint:
            break
        fingerprint = now
    roots = edges.select(F.explode(F.array("a", "b")).alias("node")).distinct()
    return roots.join(links, on=F.col("node") == F.col("child"), how="left").select(
        "node", F.coalesce("parent", "node").alias("component")
    )


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
