"""Which hashtags and search words speak of which category, as the seed of the profiles says."""

from __future__ import annotations

import csv
from pathlib import Path

from contracts.settings import REPOSITORY

TOPICS_FILE = REPOSITORY / "dbt_project" / "seeds" / "topic_categories.csv"


def category_of_topic(file: Path = TOPICS_FILE) -> dict[str, str]:
    """Topic -> category."""
    with file.open(newline="", encoding="utf-8") as stream:
        return {row["topic"]: row["category"] for row in csv.DictReader(stream)}
