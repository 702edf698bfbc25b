"""Real data that nobody here wrote, through the whole mapping."""

from __future__ import annotations

import csv
import gzip
import io
import shutil

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from contracts.settings import REPOSITORY
from spark_jobs.mapping.deliveries import deliveries_to_map
from spark_jobs.mapping.job import map_source
from spark_jobs.mapping.readers.formats import raw_scratch, read_raw
from spark_jobs.mapping.spec import load_spec
from tests.spark_jobs.feeds_by_hand import accounted, books, deliver, settings_in

BUNDLE = REPOSITORY / "sample_data" / "real"
HACKERS = REPOSITORY / "tests" / "data" / "hackers_access.log.gz"


@pytest.fixture(scope="module")
def real(tmp_path_factory, spark):  # noqa: ARG001
    return settings_in(tmp_path_factory.mktemp("real"))


def mapped_file(settings, source: str, ds: str, bundled: str) -> dict[str, int]:
    """Map a bundled file as the delivery of a day; returns the day's books."""
    folder = settings.raw / source / f"ds={ds}"
    folder.mkdir(parents=True)
    shutil.copyfile(BUNDLE / bundled, folder / bundled.split("_")[-1])
    map_source(settings, source, ds)
    return books(settings, source, ds)


def lines_of(bundled: str) -> list[str]:
    return gzip.decompress((BUNDLE / bundled).read_bytes()).decode().splitlines()


def column(settings, table: str, ds: str, name: str):
    [file] = Lake(settings.home.lake).files(table, ds)
    return pq.ParquetFile(file).read([name])[name]


def test_the_apache_log_is_read_whole_and_its_books_close(real, spark):
    ds = "2015-05-20"
    book = mapped_file(real, "apache_combined", ds, "apache_access.log.gz")
    assert book["read"] == 10_000
    assert accounted(book) == 10_000
    assert book["dropped bot"] > 0
    assert book["noted bot:Googlebot"] > 0
    assert book["quarantined malformed"] == 1  # the one line that ends within the name of its browser

    spec = load_spec("apache_combined")
    [delivery] = deliveries_to_map(real.raw, Lake(real.home.lake), spec, ds)
    with raw_scratch(Lake(real.home.lake), "test") as scratch:
        by_status = read_raw(spark, spec.read, [delivery], scratch).groupBy("status").count()
        statuses = {row.status: row["count"] for row in by_status.collect()}
    assert statuses == {200: 9125, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2, None: 1}


def test_movietweetings_gives_every_rating_person_and_film(real):
    """Every fortieth line of the ratings, and every tenth of the films: all lines are of one kind.

    The rules of identity take an account 11111 for a placeholder: the lines of such are all among them.
    """

    def is_nobodys(rating: str) -> bool:
        account = rating.partition("::")[0]
        return len(account) >= 4 and len(set(account)) == 1

    ds = "2013-09-01"
    ratings, films = (lines_of(f"movietweetings_{name}.dat.gz") for name in ("ratings", "movies"))
    assert (len(ratings), len(films)) == (100_000, 10_506)
    ratings = [rating for number, rating in enumerate(ratings) if number % 40 == 0 or is_nobodys(rating)]
    films = films[::10]
    deliver(real, "movietweetings", "ratings.dat.gz", ratings, ds=ds)
    map_source(real, "movietweetings", ds)
    nobodys = sum(map(is_nobodys, ratings))
    assert books(real, "movietweetings", ds) == {
        "read": len(ratings),
        "mapped": len(ratings) - nobodys,
        "noted no_value: account": nobodys,
        "dropped no_value": nobodys,
    }
    assert len(column(real, "events", ds, "event_id")) == len(ratings) - nobodys >= 2_400
    people = {rating.partition("::")[0] for rating in ratings if not is_nobodys(rating)}
    assert pc.count_distinct(column(real, "events", ds, "identifier")).as_py() == len(people) > 500

    deliver(real, "movietweetings_items", "movies.dat.gz", films, ds=ds)
    map_source(real, "movietweetings_items", ds)
    items = books(real, "movietweetings_items", ds)
    assert accounted(items) == items["read"] == len(films)
    assert pc.count_distinct(column(real, "items", ds, "item_id")).as_py() == len(films)


def test_the_masculinity_survey_gives_every_respondent(real):
    """The first 400 of 1,615, each of whom has some hundred answers."""
    ds = "2018-05-31"
    lines = list(csv.reader(lines_of("masculinity.csv.gz")))
    assert len(lines) == 1_616
    cut = io.StringIO()
    csv.writer(cut).writerows(lines[:401])
    deliver(real, "generic_survey_csv", "masculinity.csv.gz", cut.getvalue().splitlines(), ds=ds)
    map_source(real, "generic_survey_csv", ds)
    assert books(real, "generic_survey_csv", ds) == {"read": 401, "mapped": 400, "dropped header_row": 1}
    assert pc.count_distinct(column(real, "answers", ds, "identifier")).as_py() == 400
    assert pc.unique(column(real, "answers", ds, "survey")).to_pylist() == ["masculinity"]


def test_a_log_of_hostile_requests_is_read_whole(settings):
    deliver(settings, "apache_combined", "access.log.gz", gzip.decompress(HACKERS.read_bytes()), ds="2015-11-01")
    map_source(settings, "apache_combined", "2015-11-01")
    book = books(settings, "apache_combined", "2015-11-01")
    assert book["read"] == 3_456
    assert accounted(book) == 3_456
