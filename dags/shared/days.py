"""Which day a run is for: what the form says, else what the schedule or the asset behind it says, else yesterday."""

from airflow.sdk import Param

SCHEDULED_DAY = (
    "{{ params.day or ((data_interval_start | ds) if data_interval_start else macros.ds_add(run_after | ds, -1)) }}"
)

ASSET_DAY = (
    "{% set events = triggering_asset_events.values() | map('last') | list %}"
    "{{ params.day or (events[-1].extra.ds if events else macros.ds_add(run_after | ds, -1)) }}"
)

DAY_PARAM = Param(
    default=None,
    type=["null", "string"],
    format="date",
    title="Day",
    description="The day to run for. Empty: the day that the schedule or the asset says, or yesterday.",
)
