"""What a night may take: as its setting says, or a share of what the machine or the container has."""

from __future__ import annotations

import pytest

from contracts.errors import MemoryLimitError, SettingsError
from contracts.memory import (
    GIB,
    LEAST,
    duckdb_share,
    limits_of_groups,
    memory_of,
    require_least,
    spark_memory_of,
    spark_share,
    there_is,
)


@pytest.mark.parametrize(
    ("text", "size"), [("8g", 8 * GIB), ("6144m", 6 * GIB), ("3 GiB", 3 * GIB), ("1T", 1024 * GIB), (str(LEAST), LEAST)]
)
def test_a_size_is_read_with_its_unit(text, size):
    assert memory_of(text) == size


@pytest.mark.parametrize("text", ["0", "512m", "much", "-8g", "8x", "1.5g", "2047m"])
def test_too_little_and_what_is_no_size_is_refused_with_the_least_that_it_takes(text):
    with pytest.raises(SettingsError, match="at least 2g in NIGHTSHIFT_MEMORY"):
        memory_of(text)


def test_a_container_has_what_its_limit_says(tmp_path):
    limit, none = tmp_path / "memory.max", tmp_path / "none"
    limit.write_text("3221225472\n")
    none.write_text("max\n")
    machine = there_is(())
    assert there_is((limit,)) == min(machine, 3 * GIB)
    assert there_is((none, tmp_path / "absent")) == machine > 0


def test_a_group_within_others_may_take_what_the_tightest_of_them_may(tmp_path):
    own, root = tmp_path / "cgroup", tmp_path / "groups"
    own.write_text("9:name=systemd:/other\n4:cpu,memory:/jobs/one\n0::/night.slice/map.service\n")
    limits = {"night.slice/memory.max": 3 * GIB, "night.slice/map.service/memory.max": "max", "memory.max": "max"}
    limits |= {"memory/jobs/memory.limit_in_bytes": 5 * GIB, "other/memory.max": GIB}
    for name, limit in limits.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    assert there_is(limits_of_groups(own, root)) == min(there_is(()), 3 * GIB)
    (root / "memory/jobs/one").mkdir()
    (root / "memory/jobs/one/memory.limit_in_bytes").write_text("1073741824\n")
    assert there_is(limits_of_groups(own, root)) == GIB
    assert there_is(limits_of_groups(tmp_path / "none", root)) == there_is(()), "it is not Linux"


def test_a_container_that_is_too_small_for_anything_is_told_the_least():
    require_least(LEAST)
    with pytest.raises(MemoryLimitError, match=r"a machine or container of 1024m, where the least is 2g; give it more"):
        require_least(GIB)


@pytest.mark.parametrize(("text", "size"), [(None, "2048m"), ("", "2048m"), ("512m", "512m"), ("3G", "3G")])
def test_spark_takes_its_share_unless_it_is_told_another(text, size):
    assert spark_memory_of(text, 6 * GIB) == size


@pytest.mark.parametrize("text", ["511m", "much", "2", "1.5g", "-2g"])
def test_a_memory_with_which_spark_would_not_start_is_refused(text):
    with pytest.raises(SettingsError, match="at least 512m in NIGHTSHIFT_SPARK_DRIVER_MEMORY"):
        spark_memory_of(text, 6 * GIB)


def test_shares_leave_a_third_for_the_rest():
    assert (spark_share(6 * GIB), duckdb_share(6 * GIB)) == ("2048m", "2048MiB")
    assert (spark_share(LEAST), spark_share(96 * GIB)) == ("1024m", "16384m")
