"""The bundled real data, laid as raw feeds; the counts are those that their publishers state."""

from __future__ import annotations

import csv
import gzip
import io

import pytest

from contracts.errors import RawDataError
from sample_data.real import BUNDLE, DELIVERIES, lay_real_data
from tests.sample_data.town_on_disk import settings_in


def text_of(settings, place: str) -> str:
    return gzip.decompress((settings.raw / place).read_bytes()).decode()


def test_each_file_has_its_place_and_all_its_rows(tmp_path):
    settings = settings_in(tmp_path)
    assert len(lay_real_data(settings)) == 4
    assert len(text_of(settings, "movietweetings/ds=2018-05-31/ratings.dat.gz").splitlines()) == 100_000
    assert len(text_of(settings, "movietweetings_items/ds=2018-05-31/movies.dat.gz").splitlines()) == 10_506
    assert len(text_of(settings, "apache_combined/ds=2018-05-31/access.log.gz").splitlines()) == 10_000
    survey = csv.DictReader(io.StringIO(text_of(settings, "generic_survey_csv/ds=2018-05-31/masculinity.csv.gz")))
    assert len(list(survey)) == 1_615


def test_laying_twice_changes_nothing_and_another_file_is_kept(tmp_path):
    settings = settings_in(tmp_path)
    first = lay_real_data(settings)
    assert lay_real_data(settings) == []
    first[0].write_bytes(b"mine")
    with pytest.raises(RawDataError, match="move it away"):
        lay_real_data(settings)
    assert first[0].read_bytes() == b"mine"


def test_the_notice_names_every_file():
    notice = (BUNDLE / "NOTICE.md").read_text()
    assert all(name in notice for name in DELIVERIES)
