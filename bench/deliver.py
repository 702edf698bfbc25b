"""A delivery of very many messages: time, CPU time, memory and size, to a receiver on this machine or into a folder.

Makes a home of people with one account and one mail address each, and an audience of all of them, then runs
`activation.deliver` as a command; a receiver that takes everything and keeps nothing answers in a process of its own.

    python -m bench.deliver --people 1000000 --kind file
    python -m bench.deliver --people 100000 --kind webhook
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from bench import result
from bench.steps import measured
from contracts.entry_point import exit_with_sentence
from contracts.identifiers import shipped_cleaning
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.vocabulary import PURPOSES
from lake_tables.contacts import load_contacts, without_spilling

DS = "2026-11-20"

KINDS = ("file", "webhook")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.deliver", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=1_000_000, help="default %(default)s")
    parser.add_argument("--kind", choices=KINDS, default="file", help="of the destination (default %(default)s)")
    parser.add_argument("--memory", default="2g", help="NIGHTSHIFT_MEMORY (%(default)s, the least there is)")
    chosen = parser.parse_args()
    exit_with_sentence(lambda: run(chosen.people, chosen.kind, chosen.memory))


def run(people: int, kind: str, memory: str) -> None:
    """Deliver once; a line of the results for it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        # what laying takes is gone with its process, and is not counted
        laying = _started(lay, home, people)
        laying.join()
        address = multiprocessing.get_context("spawn").Queue()
        receiver = _started(receive, address)
        secret = home / "secret"
        secret.touch(mode=0o600)
        secret.write_text("s" * 64)
        entry = {
            "file": "{kind: file, folder: ../delivered}",
            "webhook": f"{{kind: webhook, url: '{address.get()}', secret: secret}}",
        }[kind]
        (home / "destinations.yml").write_text(f"destinations:\n  there: {entry}\n")
        settings = {
            "NIGHTSHIFT_CAMPAIGNS": str(home / "campaigns"),
            "NIGHTSHIFT_DESTINATIONS": str(home / "destinations.yml"),
            "NIGHTSHIFT_MEMORY": memory,
        }
        found = measured(["python", "-m", "activation.deliver", "--ds", DS, "--to", "there"], home, settings)
        receiver.terminate()
        result.write({"bench": "deliver", "people": people, "kind": kind, "memory_setting": memory, **found})


def _started(work: Callable[..., None], *arguments: object) -> multiprocessing.Process:
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments, daemon=True)
    process.start()
    return process


def lay(home: Path, people: int) -> None:
    """Marts, persons, contacts and the audience of a night."""
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home)})
    lake = Lake(settings.home.lake)
    contacts = home / "raw" / "contacts" / f"ds={DS}"
    contacts.mkdir(parents=True)
    (home / "campaigns").mkdir()
    (home / "campaigns" / "letters.yml").write_text("name: letters\npurpose: marketing_contact\n")
    keys = pseudonym_keys(settings)
    with without_spilling() as connection:
        connection.execute("set memory_limit = '8GiB'")
        person = "'p' || substr(md5(number::varchar), 1, 16)"
        numbers = f"select number, {person} as person_id from range({people}) as r(number)"
        connection.execute(
            "copy (select 'acc-' || number as account, 'someone.of.the.town' || number || '@mail.example' as email, "
            f"'+49 155 ' || (50000000 + number) as phone from range({people}) as r(number)) "
            f"to '{contacts / 'contacts.csv'}' (header)"
        )
        load_contacts(connection, [contacts / "contacts.csv"], keys, shipped_cleaning())
        agreed = ", ".join(f"true as consent_{purpose}" for purpose in PURPOSES)
        tables = {
            "persons": "select identifier, person_id, date '2026-01-01' as first_ds from (select unnest([account_id, "
            "email_id]) as identifier, 'p' || substr(md5(place::varchar), 1, 16) as person_id from contacts)",
            "dim_person_consent": f"select person_id, {agreed} from ({numbers}) order by person_id",
            "dim_item": "select 'i-1' as item_id, 'A shoe' as title, 'running' as category",
            "dim_person_profile": "select '' as person_id, [{'category': 'running'}] as interests",
        }
        for table, query in tables.items():
            _publish(connection, lake, table, query, "part-0.parquet")
        places = ", ".join(
            f"'i-{place}' as item_{place}, 'A shoe for running {place}' as item_{place}_title, "
            f"'because you bought a shoe' as item_{place}_why"
            for place in range(1, 4)
        )
        audiences = Lake(settings.home.audiences)
        query = f"select person_id, {places} from ({numbers}) order by person_id"
        _publish(connection, audiences, "letters", query, "audience.parquet")


def _publish(connection: duckdb.DuckDBPyConnection, lake: Lake, table: str, query: str, name: str) -> None:
    file = lake.staging("bench") / name
    rows = connection.sql(query).to_arrow_reader(50_000)
    with pq.ParquetWriter(file, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)
    lake.publish(table, DS, {name: file})


def receive(address: multiprocessing.Queue) -> None:
    """Answer every request; names the address in the queue."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address.put(f"http://127.0.0.1:{server.server_port}/")
    server.serve_forever()


if __name__ == "__main__":
    main()
