"""One lake, built on DuckDB and on Spark behind a Thrift server of the test: every row of every mart is the same."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.settings import REPOSITORY
from contracts.tables.marts import MART_TABLES, PROFILE_HISTORY
from dbt_project.build import build, variables
from dbt_project.runner.command import DbtCommand
from tests.dbt_project.random_lake import FRIDAY, THURSDAY, deliver_random_lake
from tests.dbt_project.tiny_lake import TinyHome

pytestmark = pytest.mark.long

SEED = 20261120
START_SECONDS = 120
HISTORY = PROFILE_HISTORY.name


@dataclass(frozen=True)
class Engines:
    duckdb: TinyHome
    spark: TinyHome

    def tables(self, name: str, ds: str) -> list[pa.Table]:
        return [
            pa.concat_tables([pq.ParquetFile(file).read() for file in home.lake.files(name, ds)])
            for home in (self.duckdb, self.spark)
        ]


@pytest.fixture(scope="module")
def thrift_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen]]:
    """A Thrift server on a free port, which may still be starting; it ends with the tests of this file."""
    home = tmp_path_factory.mktemp("thrift")
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
    # What Spark compiles for a query, and the parts that it spreads rows over, take longer than these few rows.
    configured = home / "conf"
    shutil.copytree(REPOSITORY / "ops" / "spark", configured)
    with (configured / "spark-defaults.conf").open("a") as defaults:
        defaults.write("spark.sql.codegen.wholeStage false\nspark.sql.codegen.factoryMode NO_CODEGEN\n")
        defaults.write("spark.sql.shuffle.partitions 1\n")
    environment = os.environ | {
        "SPARK_CONF_DIR": str(configured),
        "NIGHTSHIFT_HOME": str(home),
        "NIGHTSHIFT_THRIFT_SERVER": address,
        "NIGHTSHIFT_SPARK_MASTER": "local[2]",
    }
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ops.thrift_server"], cwd=REPOSITORY, env=environment, stdout=log, stderr=log
        )
    yield address, server
    server.terminate()
    server.wait(30)


@pytest.fixture(scope="module")
def engines(new_home, thrift_server) -> Engines:
    """Friday on DuckDB from all events; Thursday and Friday on Spark, the one going on from the other."""
    on_duckdb: TinyHome = new_home()
    deliver_random_lake(on_duckdb, SEED)
    address, server = thrift_server
    host, port = address.split(":")
    empty: TinyHome = new_home()
    settings = dataclasses.replace(empty.settings, dbt_target="spark", thrift_host=host, thrift_port=int(port))
    on_spark = TinyHome(settings)
    shutil.copytree(on_duckdb.settings.home.lake, settings.home.lake, symlinks=True)

    # Of Thursday only the history is needed.
    dbt = DbtCommand(on_duckdb.settings.home.dbt)
    without_tests = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    done = dbt.run("build", variables(on_duckdb.settings, THURSDAY), "--select", f"+{HISTORY}", *without_tests)
    assert done.returncode == 0, done.stdout
    hand_over_history(on_duckdb, on_spark, THURSDAY)
    build(on_duckdb.settings, FRIDAY)
    wait_for(server, host, int(port))
    build(settings, THURSDAY)
    build(settings, FRIDAY)
    return Engines(on_duckdb, on_spark)


def hand_over_history(giver: TinyHome, taker: TinyHome, ds: str) -> None:
    """Publish DuckDB's history as the one that Spark knows, as a deployment that changes engines would."""
    file = taker.lake.staging("history") / "part-00000.parquet"
    with duckdb.connect(str(giver.settings.home.warehouse), read_only=True) as connection:
        connection.execute(f"copy (from {HISTORY}) to '{file}' (format parquet)")
    taker.lake.publish(HISTORY, ds, {file.name: file})


def wait_for(server: subprocess.Popen, host: str, port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the Thrift server did not start: exit status {server.poll()}")


def same(left: Any, right: Any) -> bool:
    """Equal; floating point numbers to the ninth digit, because the engines round a power each in its own way."""
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=0)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    return type(left) is type(right) and left == right


def differences(left: pa.Table, right: pa.Table) -> list[str]:
    pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
    return [
        f"row {number}, {name}: {one[name]!r} and {other[name]!r}"
        for number, (one, other) in enumerate(pairs)
        for name in left.column_names
        if not same(one[name], other[name])
    ]


FEW = {"training_responses": 2, "training_uplift": -1}
"""Fewer rows than these are too few; the lake has a short send log, and no experiment whose window is over."""


@pytest.mark.parametrize("table", MART_TABLES, ids=lambda table: table.name)
def test_a_mart_is_the_same_row_by_row(engines, table):
    left, right = engines.tables(table.name, FRIDAY)
    assert left.num_rows > FEW.get(table.name, 20), "a comparison of next to nothing"
    assert right.num_rows == left.num_rows
    assert [(field.name, str(field.type)) for field in right.schema] == [
        (field.name, str(field.type)) for field in left.schema
    ]
    assert differences(left, right) == []


def test_the_history_closes_and_begins_the_same_periods(engines):
    assert engines.spark.lake.days(HISTORY) == [FRIDAY], "the day before is withdrawn"
    (file,) = engines.spark.lake.files(HISTORY, FRIDAY)
    with duckdb.connect(str(engines.duckdb.settings.home.warehouse), read_only=True) as connection:
        left = connection.sql(f"from {HISTORY} order by person_id, dbt_valid_from").to_arrow_table()
    right = pq.ParquetFile(file).read()
    assert left.column_names == right.column_names == PROFILE_HISTORY.column_names
    assert differences(left, right) == []
    profiles, _ = engines.tables("dim_person_profile", FRIDAY)
    assert set(left.column("person_id").to_pylist()) == set(profiles.column("person_id").to_pylist())
    lasting = left.column("dbt_valid_to").null_count
    assert 0 < lasting < left.num_rows, "nobody changed from Thursday to Friday"


def test_the_reports_count_the_same(engines):
    fragments = [
        json.loads((home.settings.home.reports / FRIDAY / "profile.json").read_text())
        for home in (engines.duckdb, engines.spark)
    ]
    for fragment in fragments:
        del fragment["seconds"], fragment["memory_gib"]
    assert [fragment.pop("since") for fragment in fragments] == [None, THURSDAY]
    assert fragments[0] == fragments[1]
    assert fragments[0]["redelivered"] > 0
    assert fragments[0]["without_euros"] > 0


def test_the_tables_of_a_run_lie_below_its_home(engines):
    (database,) = engines.spark.settings.home.spark_warehouse.iterdir()
    assert {table.name for table in MART_TABLES} <= {folder.name for folder in database.iterdir()}


def test_the_unit_tests_of_the_models_pass_on_spark(engines):
    settings = engines.spark.settings
    dbt = DbtCommand(settings.home.dbt, "spark")
    done = dbt.run("test", variables(settings, FRIDAY), "--select", "test_type:unit")
    results = json.loads((dbt.folder / "target" / "run_results.json").read_text())["results"]
    assert done.returncode == 0, done.stdout
    assert len(results) >= 13
    assert {result["status"] for result in results} == {"pass"}
