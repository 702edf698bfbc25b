"""How Spark is set for much and for little, and that this shows in no file."""

from __future__ import annotations

import hashlib

import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from contracts.tables.mapped import RECONCILIATION
from spark_jobs.mapping.job import local_rows
from spark_jobs.publishing import BYTES_PER_FILE, stage
from spark_jobs.session import BYTES_PER_PARTITION, FEW_BYTES, INTERPRETED, SHUFFLE_PARTITIONS, fit_to
from tests.spark_jobs.feeds_by_hand import DAY

COMPILED = "spark.sql.codegen.wholeStage"


@pytest.fixture
def session(spark):
    """The session, whose settings are afterwards as they were."""
    names = (*INTERPRETED, SHUFFLE_PARTITIONS)
    before = {name: spark.conf.get(name) for name in names}
    yield spark
    for name, value in before.items():
        spark.conf.set(name, value)


@pytest.mark.parametrize(
    ("raw_bytes", "compiled", "partitions"),
    [
        (0, "false", "1"),
        (FEW_BYTES, "false", "1"),
        (FEW_BYTES + 1, "true", "4"),
        (4 * BYTES_PER_PARTITION, "true", "4"),
        (40 * BYTES_PER_PARTITION + 1, "true", "41"),
    ],
)
def test_few_rows_are_interpreted_and_many_are_divided(session, raw_bytes, compiled, partitions):
    fit_to(session, raw_bytes)
    assert (session.conf.get(COMPILED), session.conf.get(SHUFFLE_PARTITIONS)) == (compiled, partitions)


def test_the_files_of_a_table_do_not_depend_on_the_number_of_tasks(session, tmp_path):
    rows = [("bench", "dropped", f"rule {number}", number, "row", DAY) for number in range(200)]
    found = []
    for partitions in ("1", "3", "16"):
        session.conf.set(SHUFFLE_PARTITIONS, partitions)
        folder = tmp_path / partitions
        table = local_rows(session, rows, RECONCILIATION).withColumn(
            "ds", F.lit(DAY).cast("date")
        )  # one day, a literal
        stage(table, RECONCILIATION, folder, {DAY: 3 * BYTES_PER_FILE})
        files = sorted(folder.glob(f"ds={DAY}/bucket=*/*.parquet"))
        found.append([(file.parent.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files])
        rules = [pq.read_table(file, partitioning=None)["rule"].to_pylist() for file in files]
        assert all(rule == sorted(rule) for rule in rules), "rows stand in the order of their key"
    assert len(found[0]) == 4
    assert found[0] == found[1] == found[2]
