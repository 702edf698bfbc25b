"""What went wrong in dbt, in words that quote no data: messages of engines may show a value of a row.

dbt's own words stand in its log, below `<home>/dbt/logs`.
"""

from __future__ import annotations

import re
from typing import Any

from contracts.entry_point import DISK_IS_FULL, broken_parquet_file

FAILED = ("error", "fail", "runtime error")

MOST_SIGNS = 400
"""So much of a message about the models' own text is repeated."""

_KINDS = {
    "Conversion Error": "a value that cannot be cast",
    "Invalid Input Error": "a value that a function cannot take",
    "Out of Range Error": "a number that is too large for its type",
    "Constraint Error": "a value that the contract of the model refuses",
    "Out of Memory Error": "too little memory",
    "IO Error": "a file that cannot be read or written",
    "Invalid Error": "a file that cannot be read or written",
}
"""What DuckDB calls errors that may quote a row -> what is said instead."""

_ABOUT_MODELS = ("Binder Error", "Catalog Error", "Parser Error", "Compilation Error", "Parsing Error")
"""Errors about the models' SQL, found before a row is read."""

_TEST_RESULT = re.compile(r"Got \d+ results?, configured to fail if [!<>=]+ ?\d+")
_NOT_NULL = re.compile(r"NOT NULL constraint failed: [\w.]+( is null in \d+ rows)?")
_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")


def failures_of(results: list[dict[str, Any]]) -> list[str]:
    """What failed, a phrase each, from the results of dbt's `run_results.json`."""
    return [
        f"{kind} {name}: {without_data(result['message'] or result['status'])}"
        for result in results
        if result["status"] in FAILED
        for kind, _, name in [result["unique_id"].split(".")[:3]]
    ]


def without_data(message: str) -> str:
    """A message of dbt and its engine without anything that a row may have held."""
    if message in FAILED:
        return message
    for safe in (_TEST_RESULT, _NOT_NULL):
        if found := safe.search(message):
            return found[0]
    if DISK_IS_FULL.search(message):
        return "a full disk"
    if file := broken_parquet_file(message):
        return f"{file}, which is no whole Parquet file"
    for name, words in _KINDS.items():
        if name in message:
            return f"{words} ({name})"
    if found := _CONDITION.search(message):
        return f"Spark's error {found[1]}"
    for name in _ABOUT_MODELS:
        if name in message:
            return " ".join(message[message.index(name) :].split())[:MOST_SIGNS]
    return "an error whose words may quote data, and which only the log repeats"
