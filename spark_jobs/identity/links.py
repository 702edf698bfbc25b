"""Links between identifiers: edges counted over all days, and the rules by which some of them do not join."""

from __future__ import annotations

from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from spark_jobs.identity.rules import IdentityRules, Limit

ENDS = ("left_identifier", "right_identifier")
LINK = (*ENDS, "kind")
SEEN = ("times", "first_time", "last_time")

CUT = "component_limit"
"""`refused` of a link that the limit of its component cut."""

_BROADCAST_ROWS = 2_000_000
"""A set of identifiers up to this size is broadcast; joined with a larger one, both sides are sorted."""


def count_links(edges: DataFrame) -> DataFrame:
    """Edges of the contract `identity_edges`, counted: a row a pair and kind, in either direction."""
    return (
        edges.where("left_identifier != right_identifier")
        .select(F.least(*ENDS).alias(ENDS[0]), F.greatest(*ENDS).alias(ENDS[1]), "kind", "occurred_at")
        .groupBy(*LINK)
        .agg(
            F.count(F.lit(1)).alias("times"),
            F.min("occurred_at").alias("first_time"),
            F.max("occurred_at").alias("last_time"),
        )
    )


def with_refused(links: DataFrame, rules: IdentityRules) -> DataFrame:
    """The links with `refused`: the name of the first rule by which a link does not join, or null.

    Every limit counts all links that neither their kind nor an excluded identifier rules out, those that another limit
    refuses among them; so whether a link is refused depends on the links of its two ends alone.
    """
    refused_alone = F.when(~F.col("kind").isin(*rules.kinds) if rules.kinds else F.lit(True), F.lit("kind"))
    if rules.excluded:
        left, right = (F.col(end).isin(*rules.excluded) for end in ENDS)
        refused_alone = refused_alone.when(left | right, F.lit("excluded"))
    links = links.drop("refused").withColumn("alone", refused_alone)
    if not rules.limits:
        return links.withColumnRenamed("alone", "refused")
    counted = links.where("alone is null")
    above = [
        _above_limit(counted, limit).withColumn(
            "rule", F.struct(F.lit(number).alias("number"), F.lit(limit.name).alias("name"))
        )
        for number, limit in enumerate(rules.limits)
    ]
    refused = reduce(DataFrame.unionByName, above).groupBy(*ENDS).agg(F.min("rule")["name"].alias("limit"))
    either = F.coalesce("alone", F.when(F.col("alone").isNull(), F.col("limit")))
    return links.join(refused, on=list(ENDS), how="left").withColumn("refused", either).drop("alone", "limit")


def _above_limit(links: DataFrame, limit: Limit) -> DataFrame:
    """The pairs, by their two ends, that one limit refuses."""
    left, right = (F.col(end) for end in ENDS)
    pairs = links.where(_between(limit)).groupBy(per_end(limit).alias("per"), *ENDS)
    counted = pairs.agg(F.sum("times").alias("times"), F.min("first_time").alias("first_time"))
    other = F.when(left == F.col("per"), right).otherwise(left)
    if limit.keep == "none":
        number = F.count(F.lit(1)).over(Window.partitionBy("per"))
    else:
        number = F.row_number().over(Window.partitionBy("per").orderBy(F.desc("times"), "first_time", other))
    return counted.withColumn("number", number).where(F.col("number") > limit.most).select(*ENDS)


def _between(limit: Limit) -> Column:
    """Whether a link is one between the two kinds of a limit."""
    left, right = (F.substring_index(end, ":", 1) for end in ENDS)
    return ((left == limit.of) & (right == limit.per)) | ((left == limit.per) & (right == limit.of))


def per_end(limit: Limit) -> Column:
    """The end of a link that a limit counts the other ends of."""
    left, right = (F.col(end) for end in ENDS)
    return F.when(left.startswith(f"{limit.per}:"), left).otherwise(right)


def ends_of(links: DataFrame) -> DataFrame:
    """`node`: every end of the links, once."""
    return links.select(F.explode(F.array(*ENDS)).alias("node")).distinct()


def with_touched(links: DataFrame, nodes: DataFrame) -> DataFrame:
    """The links with `touched`: whether an end is one of the `nodes`."""
    for place, end in enumerate(ENDS):
        flagged = nodes.select(F.col("node").alias(end), F.lit(True).alias(f"at_{place}"))
        links = links.join(flagged, on=end, how="left")
    return links.withColumn("touched", F.coalesce("at_0", "at_1", F.lit(False))).drop("at_0", "at_1")


def broadcast_if_small(frame: DataFrame) -> DataFrame:
    """The same rows, computed once; broadcast in joins where they are few."""
    frame = frame.localCheckpoint()
    return F.broadcast(frame) if frame.count() <= _BROADCAST_ROWS else frame


def counts_of(links: DataFrame, rules: IdentityRules) -> dict[str, Any]:
    """How often each rule kept strangers apart."""
    refused = links.where("refused is not null")
    above = [
        F.countDistinct(F.when(F.col("refused") == limit.name, per_end(limit))).alias(limit.name)
        for limit in rules.limits
    ]
    cut = F.countDistinct(F.when(F.col("refused") == CUT, F.col("cluster"))).alias(CUT)
    excluded = F.count(F.when(F.col("refused") == "excluded", F.lit(1))).alias("excluded")
    found = refused.select(cut, excluded, *above).first().asDict()
    return {
        "shared_cookies": sum(found[limit.name] for limit in rules.limits if limit.per == "cookie"),
        "cut_components": found[CUT],
        "excluded_links": found["excluded"],
        "above_limit": {limit.name: found[limit.name] for limit in rules.limits},
    }
