"""What a night may take: as its setting says, or a share of what the machine or the container has."""

from __future__ import annotations

import pytest

from contracts.errors import SettingsError
from contracts.memory import GIB, LEAST, duckdb_share, memory_of, spark_share, there_is


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


def test_shares_leave_a_third_for_the_rest():
    assert (spark_share(6 * GIB), duckdb_share(6 * GIB)) == ("2048m", "2048MiB")
    assert (spark_share(LEAST), spark_share(96 * GIB)) == ("1024m", "16384m")
