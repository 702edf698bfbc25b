"""The build as its user meets it: what it refuses before dbt starts, and in which words."""

from __future__ import annotations

import dataclasses
import socket

import pytest

from contracts.errors import BusyError, LakeError, WarehouseError
from dbt_project import build as entry_point
from dbt_project.build import build
from tests.dbt_project.tiny_lake import TinyHome

DAY = "2026-11-20"


def test_without_persons_the_error_names_the_command_that_makes_them(new_home):
    with pytest.raises(
        LakeError, match=r"expected table persons of 2026-11-20 .* run `spark_jobs/main.py resolve --ds"
    ):
        build(new_home().settings, DAY)


def test_a_second_build_at_the_same_time_is_refused(new_home):
    home: TinyHome = new_home()
    home.deliver_persons(DAY, {"ann": ["cookie:ann"]})
    with home.lake.lock("profile"), pytest.raises(BusyError, match="only run of 'profile'"):
        build(home.settings, DAY)


def test_without_a_thrift_server_the_error_names_its_address_and_how_to_start_one(new_home):
    home: TinyHome = new_home()
    home.deliver_persons(DAY, {"ann": ["cookie:ann"]})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = dataclasses.replace(home.settings, dbt_target="spark", thrift_port=port)
    with pytest.raises(
        WarehouseError, match=f"Thrift server at 127.0.0.1:{port}, but received Connection refused; start it"
    ):
        build(settings, DAY)
    assert home.lake.days("dim_item") == []


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
def test_a_day_that_is_none_is_refused_in_words(text, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["build", "--ds", text])
    with pytest.raises(SystemExit):
        entry_point.main()
    assert "expected a day as YYYY-MM-DD" in capsys.readouterr().err
