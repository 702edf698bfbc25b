"""Sessions: acts of one visitor without a long silence between them, the rule by which dbt separates visits too."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812


def with_session(events: DataFrame, silence_minutes: int) -> DataFrame:
    """Add `session_id`, the session's first event; null where the visitor (`session_key`) is not known.

    A session is what one visitor did, delivered on one day, with less than `silence_minutes` between two acts.
    """
    in_time = Window.partitionBy("ds", "session_key").orderBy("occurred_at", "event_id")
    silence_seconds = F.unix_timestamp("occurred_at") - F.unix_timestamp(F.lag("occurred_at").over(in_time))
    begins = (silence_seconds >= silence_minutes * 60) | silence_seconds.isNull()
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    first_event = F.last(F.when(begins, F.col("event_id")), ignorenulls=True).over(so_far)
    return events.withColumn("session_id", F.when(F.col("session_key").isNotNull(), first_event))
