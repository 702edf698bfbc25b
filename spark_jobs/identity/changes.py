"""Identifiers that are another person's than the day before: which, why, and when they are too many at once."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from contracts.errors import LakeError
from spark_jobs.identity.links import ENDS, broadcast_if_small, with_touched
from spark_jobs.identity.resolution import Resolution
from spark_jobs.identity.rules import IdentityRules


def changes_between(before: DataFrame, now: Resolution, rules: IdentityRules) -> DataFrame:
    """Rows of the contract `identity_changes`, without `ds`.

    Args:
        before: `identifier`, `person_id` as they were published.
    """
    after = now.persons.select("identifier", "person_id")
    before = before.select("identifier", F.col("person_id").alias("former_person_id"))
    if now.resolved_again is not None:
        again = now.resolved_again.withColumnRenamed("node", "identifier")
        before, after = (side.join(again, on="identifier", how="left_semi") for side in (before, after))
    both = before.join(after, on="identifier", how="full").localCheckpoint()
    changed = both.where("former_person_id != person_id")
    if changed.isEmpty():
        return changed.select("*", *(F.lit("").alias(name) for name in ("change", "reason")))
    person = F.explode(F.array("former_person_id", "person_id"))
    persons = broadcast_if_small(changed.select(person.alias("person")).distinct())
    concerned = (
        both.withColumn("person", person)
        .join(persons, on="person", how="left_semi")
        .drop("person")
        .distinct()
        .localCheckpoint()
    )
    known = concerned.where("former_person_id is not null and person_id is not null")
    came_from = known.groupBy("person_id").agg(F.countDistinct("former_person_id").alias("came_from"))
    went_to = known.groupBy("former_person_id").agg(F.countDistinct("person_id").alias("went_to"))
    joined, parted = _reasons(now.links, concerned, rules)
    rows = (
        known.where("former_person_id != person_id")
        .join(came_from, on="person_id", how="inner")
        .join(went_to, on="former_person_id", how="inner")
        .join(joined, on="person_id", how="left")
        .join(parted, on="former_person_id", how="left")
    )
    change = (
        F.when((F.col("came_from") > 1) & (F.col("went_to") > 1), "moved")
        .when(F.col("came_from") > 1, "merged")
        .when(F.col("went_to") > 1, "split")
        .otherwise("renamed")
    )
    reason = (
        F.when(change == "merged", F.col("joined"))
        .when(change == "split", F.coalesce("parted", F.lit("links withdrawn")))
        .when(change == "moved", F.concat_ws(", ", "parted", "joined"))
        .otherwise(F.lit("an earlier arrival"))
    )
    return rows.select("identifier", "former_person_id", "person_id", change.alias("change"), reason.alias("reason"))


def _reasons(links: DataFrame, concerned: DataFrame, rules: IdentityRules) -> tuple[DataFrame, DataFrame]:
    """The strongest kind that `joined` others into a person, and the rule that `parted` a former one."""
    nodes = broadcast_if_small(concerned.select(F.col("identifier").alias("node")))
    around = with_touched(links, nodes).where("touched")
    for place, end in enumerate(ENDS):
        side = concerned.select(
            F.col("identifier").alias(end),
            F.col("former_person_id").alias(f"former_{place}"),
            F.col("person_id").alias(f"person_{place}"),
        )
        around = around.join(side, on=end, how="inner")
    rank = F.lit(len(rules.kinds))
    for place, kind in enumerate(rules.kinds):
        rank = F.when(F.col("kind") == kind, F.lit(place)).otherwise(rank)
    joined = (
        around.where("refused is null and person_0 = person_1 and not (former_0 <=> former_1)")
        .groupBy(F.col("person_0").alias("person_id"))
        .agg(F.min_by("kind", rank).alias("joined"))
    )
    parted = (
        around.where("refused is not null and former_0 = former_1 and not (person_0 <=> person_1)")
        .groupBy(F.col("former_0").alias("former_person_id"))
        .agg(F.min("refused").alias("parted"))
    )
    return joined, parted


def refuse_many_merges(changes: DataFrame, before: DataFrame, rules: IdentityRules, ds: str, written_to: Path) -> None:
    """Refuse a night in which too many known persons became others.

    Args:
        changes: rows of the contract `identity_changes`.
        before: `person_id` of the identifiers of the day before.
        written_to: the folder that the changes were written to.

    Raises:
        LakeError: more persons merged than the rules allow.
    """
    merges = changes.where("change = 'merged'")
    merged = merges.select("former_person_id").distinct().count()
    if merged <= rules.most_merges(0):  # whatever the number of persons, which costs to count
        return
    known = before.select(F.countDistinct("person_id")).first()[0]
    most = rules.most_merges(known)
    if merged <= most:
        return
    worst = (
        merges.groupBy("person_id", "reason")
        .agg(F.countDistinct("former_person_id").alias("persons"))
        .orderBy(F.desc("persons"), "person_id")
        .first()
    )
    raise LakeError(
        expected=f"at most {most:,} of {known:,} known persons to merge into others on {ds}",
        received=f"{merged:,}, of them {worst.persons:,} into one by {worst.reason}",
        remedy=f"nothing was published: look at the changes in {written_to}, exclude what belongs to nobody in the "
        f"rules of identity, or let them pass with `resolve --ds {ds} --accept-merges`",
    )
