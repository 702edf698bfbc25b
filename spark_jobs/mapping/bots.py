"""Which user agents are bots, and the name that each goes by.

Patterns are those of the library crawlerdetect; its rule is kept: strike out what ordinary browsers say, then the first
pattern found in the rest names the bot. It is applied once a distinct user agent, and joined back by broadcast.
"""

from __future__ import annotations

from crawlerdetect.providers.crawlers import data as bot_patterns
from crawlerdetect.providers.exclusions import data as browser_patterns
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

_BROWSER_WORDS = "(?i)" + "|".join(browser_patterns)
_BOT_NAMES = "(?i)(" + "|".join(bot_patterns) + ")"


def with_bot_name(rows: DataFrame, agent: str) -> DataFrame:
    """Add `bot_name`, null for people; `agent` is an SQL expression over `rows` that gives the user agent."""
    rest = F.regexp_replace("bot_agent", _BROWSER_WORDS, "")
    names = (
        rows.select(F.expr(agent).alias("bot_agent"))
        .where("bot_agent is not null")
        .distinct()
        .select("bot_agent", F.nullif(F.trim(F.regexp_extract(rest, _BOT_NAMES, 1)), F.lit("")).alias("bot_name"))
    )
    return (
        rows.withColumn("bot_agent", F.expr(agent))
        .join(F.broadcast(names), on="bot_agent", how="left")
        .drop("bot_agent")
    )
