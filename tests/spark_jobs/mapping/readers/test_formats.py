"""Every format that a mapping may name has a reader."""

from __future__ import annotations

from spark_jobs.mapping import reading
from spark_jobs.mapping.readers import formats


def test_every_format_that_a_mapping_may_name_has_a_reader():
    assert set(formats.FORMATS) == set(reading.FORMATS)
