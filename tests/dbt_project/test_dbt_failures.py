"""A failure of dbt or its engine reaches the user in one sentence that holds no data; dbt's log has the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from contracts.errors import BusyError
from dbt_project.build import build
from dbt_project.runner.failures import failures_of, without_data

DAY = "2026-11-20"
SECRET = "ann@example.org"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Got 3 results, configured to fail if != 0", "Got 3 results, configured to fail if != 0"),
        (
            f"Runtime Error in model m (m.sql)\n  Conversion Error: Could not convert string '{SECRET}' to DOUBLE",
            "a value that cannot be cast (Conversion Error)",
        ),
        (
            "Runtime Error in model m (m.sql)\n  Constraint Error: NOT NULL constraint failed: m.title",
            "NOT NULL constraint failed: m.title",
        ),
        (
            f'Constraint Error: Duplicate key "identifier: {SECRET}" violates primary key constraint',
            "a value that the contract of the model refuses (Constraint Error)",
        ),
        ("Out of Memory Error: failed to pin block of size 256.0 KiB", "too little memory (Out of Memory Error)"),
        (f"IO Error: No files found that match {SECRET}", "a file that cannot be read or written (IO Error)"),
        (f"IO Error: Could not write to {SECRET}: No space left on device", "a full disk"),
        (
            f"Database Error\n  [CAST_INVALID_INPUT] The value '{SECRET}' of the type \"STRING\" cannot be cast",
            "Spark's error CAST_INVALID_INPUT",
        ),
        (
            'Runtime Error in model m\n  Binder Error: Referenced column "wieght" not found',
            'Binder Error: Referenced column "wieght" not found',
        ),
        (f"something new: {SECRET}", "an error whose words may quote data, and which only the log repeats"),
        ("error", "error"),
    ],
)
def test_a_message_is_said_without_what_a_row_held(message, expected):
    assert without_data(message) == expected


def test_what_failed_is_named_and_what_succeeded_is_not():
    results = [
        {"unique_id": "model.nightshift.dim_item", "status": "success", "message": "OK"},
        {
            "unique_id": "test.nightshift.not_null_x.123",
            "status": "fail",
            "message": "Got 1 result, configured to fail if != 0",
        },
        {"unique_id": "model.nightshift.dim_person", "status": "skipped", "message": None},
        {"unique_id": "model.nightshift.stg_x", "status": "error", "message": None},
    ]
    assert failures_of(results) == [
        "test not_null_x: Got 1 result, configured to fail if != 0",
        "model stg_x: error",
    ]


def test_a_warehouse_that_is_open_elsewhere_is_named_as_busy(new_home):
    home = new_home()
    home.deliver_persons(DAY, {"ann": ["cookie:ann"]})
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(home.settings.home.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(BusyError, match="only process that has the warehouse open"):
            build(home.settings, DAY)
        holder.stdin.close()
