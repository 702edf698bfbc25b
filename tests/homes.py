"""A copy of a home, for a test that changes it while others look at the original."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path


def copied_home(home: Path, target: Path) -> Path:
    """Copy a home to `target`, which must not be there; MLflow's database names the files of the copy."""
    shutil.copytree(home, target, symlinks=True)
    database = target / "mlflow.db"
    if database.exists():
        with sqlite3.connect(database) as connection:
            tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (table,) in tables:
                for _, column, *_ in connection.execute(f'pragma table_info("{table}")').fetchall():
                    connection.execute(
                        f'update "{table}" set "{column}" = replace("{column}", ?, ?) where instr("{column}", ?)',
                        (f"{home}/", f"{target}/", f"{home}/"),
                    )
        connection.close()
    return target
