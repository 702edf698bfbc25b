"""Every table that crosses a room: its grain, its key, its columns and what they mean."""

from __future__ import annotations

from contracts.tables.activation import ACTIVATION_TABLES
from contracts.tables.mapped import MAPPED_TABLES, QUARANTINE, RECONCILIATION
from contracts.tables.marts import MART_TABLES
from contracts.tables.resolved import RESOLVED_TABLES
from contracts.tables.served import SERVED_TABLES
from contracts.tables.summaries import DAILY_INPUTS, SUMMARY_TABLES, TO_DATE_TABLES
from contracts.tables.watched import WATCHED_TABLES

TABLES = {
    table.name: table
    for table in (
        *(*MAPPED_TABLES, QUARANTINE, RECONCILIATION),
        *(*RESOLVED_TABLES, *SUMMARY_TABLES, *TO_DATE_TABLES, DAILY_INPUTS, *MART_TABLES),
        *(*SERVED_TABLES, *ACTIVATION_TABLES, *WATCHED_TABLES),
    )
}
"""Name -> table, in the order in which a night makes them."""
