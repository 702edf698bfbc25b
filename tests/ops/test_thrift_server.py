"""The command line that becomes the Thrift server, and what is refused before Spark starts."""

from __future__ import annotations

import socket

import pytest

from contracts.errors import SettingsError
from contracts.settings import Settings
from ops.ports import require_free
from ops.thrift_server import command


def test_the_server_listens_and_works_where_the_settings_say(tmp_path):
    words = command(
        Settings.from_env(
            {
                "NIGHTSHIFT_HOME": str(tmp_path),
                "NIGHTSHIFT_SPARK_MASTER": "spark://master:7077",
                "NIGHTSHIFT_THRIFT_SERVER": "0.0.0.0:10017",
            }
        )
    )
    assert words[words.index("--master") + 1] == "spark://master:7077"
    assert {"hive.server2.thrift.bind.host=0.0.0.0", "hive.server2.thrift.port=10017"} <= set(words)
    assert f"spark.sql.warehouse.dir={tmp_path}/spark-warehouse" in words


def test_a_port_that_is_taken_is_refused_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"expected to listen on 127.0.0.1:{port}, but received .*in use"):
            require_free("127.0.0.1", port, remedy="name another")
    require_free("127.0.0.1", port, remedy="name another")
