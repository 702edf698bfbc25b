"""Rename the people of the warehouse after a rotation of keys; `privacy rotate-key` runs it.

    python -m dbt_project.rekey --file var/warehouse.duckdb --spark var/spark-warehouse --persons names.json --keys 2

Only the history of profiles outlasts a night. It goes into a new file with the new names, and that file takes the old
one's place in one step, so that no old name is left in a block that the old file had freed. The next
`python -m dbt_project.build` makes every other table again. A second run of this command changes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import duckdb

from contracts.entry_point import exit_with_sentence
from contracts.settings import duckdb_config
from contracts.tables.marts import PROFILE_HISTORY
from dbt_project.runner.parquet import quoted

_MARK = "rotated_keys"
"""A table of one row: under how many keys the people of the file are named."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dbt_project.rekey",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--file", required=True, type=Path, help="the DuckDB file; it need not be there")
    parser.add_argument("--spark", required=True, type=Path, help="folder of Spark's tables; it need not be there")
    parser.add_argument("--persons", required=True, type=Path, help="JSON: old person id -> new one")
    parser.add_argument("--keys", required=True, type=int, help="how many keys there are now")
    arguments = parser.parse_args()
    rekey(arguments.file, arguments.spark, json.loads(arguments.persons.read_text()), arguments.keys)


def rekey(file: Path, spark: Path, persons: dict[str, str], keys: int) -> None:
    """Rename the people of the history, and drop what the next night makes again.

    Args:
        file: DuckDB's warehouse.
        spark: where Spark keeps its tables, which every build makes again.
        persons: old person id -> new one; a person who is not in it gets a hash of the old id.
        keys: how many keys there are; a warehouse whose people are already named under so many stays as it is.
    """
    shutil.rmtree(spark, ignore_errors=True)
    if not file.exists() or _keys_of(file) == keys:
        return
    draft = file.with_name(f".{file.name}.rotated")
    for leftover in (draft, draft.with_name(f"{draft.name}.wal")):
        leftover.unlink(missing_ok=True)
    with duckdb.connect(str(draft), config=duckdb_config()) as connection:
        connection.execute(f"attach '{quoted(file)}' as before (read_only)")
        connection.execute("create temp table names (old varchar, new varchar)")
        listed = json.dumps([{"old": old, "new": new} for old, new in persons.items()])
        connection.execute(
            "insert into names select unnest.old, unnest.new "
            'from (select unnest(from_json(?, \'[{"old": "varchar", "new": "varchar"}]\')) as unnest)',
            [listed],
        )
        if _has(connection, "before", PROFILE_HISTORY.name):
            connection.execute(f"""
                create table {PROFILE_HISTORY.name} as
                select history.* replace (
                    coalesce(names.new, 'p' || left(sha256('retired ' || person_id), 16)) as person_id)
                from before.{PROFILE_HISTORY.name} as history
                left join names on history.person_id = names.old
                order by dbt_valid_from, person_id
            """)
        connection.execute(f"create table {_MARK} as select {keys} as keys")
        connection.execute("detach before")
    file.with_name(f"{file.name}.wal").unlink(missing_ok=True)
    os.replace(draft, file)


def _keys_of(file: Path) -> int | None:
    with duckdb.connect(str(file), read_only=True, config=duckdb_config()) as connection:
        if not _has(connection, connection.execute("select current_database()").fetchone()[0], _MARK):
            return None
        return connection.execute(f"select keys from {_MARK}").fetchone()[0]


def _has(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> bool:
    query = "select count(*) from duckdb_tables() where database_name = ? and table_name = ?"
    return connection.execute(query, [database, table]).fetchone()[0] > 0


if __name__ == "__main__":
    exit_with_sentence(main)
