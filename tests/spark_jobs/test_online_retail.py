"""A year of a real online shop by a mapping alone: customers, orders and net money equal a plain reckoning.

The shop's table has no consents: the test delivers one of every customer, and rates of the pound, as other sources.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

from contracts.lake import Lake
from contracts.settings import Settings
from dbt_project.build import build
from spark_jobs.identity.job import resolve_identities
from spark_jobs.mapping import spec as specs
from spark_jobs.mapping.job import map_source
from tests.spark_jobs.feeds_by_hand import books, deliver, expected_pseudonym, rows_of, settings_in

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).resolve().parents[2]
RETAIL = REPOSITORY.parent / "shared" / "data" / "retail" / "online_retail.csv.gz"
MAPPING = REPOSITORY / "tests" / "data" / "mappings" / "online_retail.yml"
DAY = "2011-12-09"
WINDOW_BEGINS = datetime.datetime(2010, 12, 10)
"""365 days before the end of DAY."""

RATES = ["Date,GBP", "2010-11-30,0.8", "2011-06-01,0.78125"]
CONSENTS = """
read: {format: csv, files: "*.csv", delivery: occasional, key_columns: [CustomerID]}
key: raw_key
write:
  consents:
    - columns:
        consent_id: keyed('retail_consents ' || raw_key) || ' profiling'
        identifier: pseudonym('account', raw_key)
        purpose: "'profiling'"
        granted: "true"
        occurred_at: timestamp '2010-12-01 00:00:00'
"""


@dataclass
class Customer:
    """What the table says of one customer, added up line by line."""

    orders: set[str] = field(default_factory=set)
    orders_in_window: set[str] = field(default_factory=set)
    pounds: Decimal = Decimal(0)
    euros_in_window: Decimal = Decimal(0)
    lines: int = 0


def lines() -> Iterator[dict[str, str]]:
    """The lines of the table."""
    with gzip.open(RETAIL, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def plain_reckoning() -> dict[str, Customer]:
    """Customer -> orders and money, in decimals."""
    customers: dict[str, Customer] = defaultdict(Customer)
    for line in lines():
        if not line["CustomerID"]:
            continue
        customer = customers[str(int(float(line["CustomerID"])))]
        at = datetime.datetime.fromisoformat(line["InvoiceDate"])
        euros_a_pound = Decimal("1.25") if at < datetime.datetime(2011, 6, 1) else Decimal("1.28")
        pounds = Decimal(line["Quantity"]) * Decimal(line["UnitPrice"])
        euros = (pounds * euros_a_pound).quantize(Decimal("0.01"), ROUND_HALF_UP)
        customer.lines += 1
        customer.pounds += pounds
        if at >= WINDOW_BEGINS:
            customer.euros_in_window += euros
        if not line["InvoiceNo"].startswith("C"):
            customer.orders.add(line["InvoiceNo"])
            if at >= WINDOW_BEGINS:
                customer.orders_in_window.add(line["InvoiceNo"])
    return customers


@dataclass(frozen=True)
class Night:
    settings: Settings
    read: int
    customers: dict[str, Customer]
    """Pseudonym -> what the table says."""

    def person_of(self) -> dict[str, str]:
        return {row["identifier"]: row["person_id"] for row in rows_of(self.settings, "persons", DAY)}


@pytest.fixture(scope="module")
def night(tmp_path_factory, spark) -> Night:  # noqa: ARG001
    if not RETAIL.exists():
        pytest.skip(f"{RETAIL} is not there")
    mappings = tmp_path_factory.mktemp("mappings")
    for file in (MAPPING, specs.MAPPINGS / "exchange_rates.yml"):
        shutil.copy(file, mappings)
    (mappings / "retail_consents.yml").write_text(CONSENTS)
    settings = settings_in(tmp_path_factory.mktemp("retail"))
    table = list(lines())
    raw = settings.raw / "online_retail" / f"ds={DAY}" / "online_retail.csv.gz"
    raw.parent.mkdir(parents=True)
    with gzip.open(raw, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    customers = plain_reckoning()
    deliver(settings, "exchange_rates", "eurofxref-hist.csv", RATES, ds=DAY)
    deliver(
        settings, "retail_consents", "consents.csv", ["CustomerID,agrees", *(f"{one},yes" for one in customers)], ds=DAY
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specs.load_spec, "__defaults__", (mappings,))
        for source in ("online_retail", "exchange_rates", "retail_consents"):
            map_source(settings, source, DAY)
    resolve_identities(settings, DAY)
    build(settings, DAY)
    named = {expected_pseudonym(settings, "account", one): customer for one, customer in customers.items()}
    return Night(settings, len(table), named)


def test_every_line_is_in_the_books_and_equal_lines_are_kept(night):
    mapped = sum(customer.lines for customer in night.customers.values())
    book = books(night.settings, "online_retail", DAY)
    assert book["mapped"] == mapped
    assert book["dropped guest"] == night.read - mapped
    assert not any(name.startswith("quarantined") or name == "dropped duplicate" for name in book)


def test_a_customer_has_the_orders_and_the_net_money_of_the_table(night):
    persons = night.person_of()
    files = [str(file) for file in Lake(night.settings.home.lake).files("dim_person_profile", DAY)]
    query = "select person_id, frequency, monetary from read_parquet($files)"
    profiles = {row[0]: row[1:] for row in duckdb.execute(query, {"files": files}).fetchall()}
    expected = {
        persons[one]: (len(customer.orders_in_window), float(customer.euros_in_window))
        for one, customer in night.customers.items()
    }
    assert len(expected) == len(night.customers)
    assert profiles == expected
    assert any(money < 0 for _, money in profiles.values())
    assert len(profiles) == 4_372


def test_the_lake_has_every_order_and_every_pound(night):
    files = [str(file) for file in Lake(night.settings.home.lake).files("events", DAY)]
    query = """
        select
            identifier,
            count(distinct order_id) filter (action = 'purchase'),
            sum(cast(value as decimal(38, 6)) * case when action = 'return' then -1 else 1 end)
        from read_parquet($files) group by identifier
    """
    found = {row[0]: row[1:] for row in duckdb.execute(query, {"files": files}).fetchall()}
    assert found == {one: (len(customer.orders), customer.pounds) for one, customer in night.customers.items()}


def test_counting_orders_leaves_champions_and_loyal_customers_a_minority(night):
    files = [str(file) for file in Lake(night.settings.home.lake).files("dim_person_profile", DAY)]
    query = "select avg(case when rfm_band in ('champion', 'loyal') then 1 else 0 end) from read_parquet($files)"
    [share] = duckdb.execute(query, {"files": files}).fetchone()
    assert 0.2 < share < 0.5
