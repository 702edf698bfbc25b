"""dbt on a project that it has parsed before.

dbt parses the whole project whenever a variable of the command line differs, as the day of a night does: seven seconds,
as long as the models of a small shop take. What it parses depends on the files of the project alone and on variables
that stay, so it is kept in a file, named by both, and by where the project stands: seeds are read from there.

    python -m dbt_project.runner.parsed FILE build --project-dir ... --target-path ...
"""

from __future__ import annotations

import gc
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from contracts.atomic_files import write_whole
from contracts.entry_point import IMPORTING_THRESHOLD

OF_A_RUN = frozenset(
    {
        "assigned_on",
        "columns_without_data",
        "days_with_interactions",
        "ds",
        "fold_until",
        "history",
        "kept_until",
        "lake",
        "memory_limit",
        "newest_profiles",
        "predicted_on",
        "tables_without_days",
        "thrift_host",
        "thrift_port",
        "to_date_until",
        "warehouse",
        "words_read_on",
    }
)
"""Variables that models read when they run and not when they are parsed."""
PARSED_BY_DBT = "partial_parse.msgpack"


def parsed_file(folder: Path, project: Path, target: str, variables: Mapping[str, Any]) -> Path:
    """Where the project, parsed for a target, is kept; the name changes with a file, a lasting variable, or dbt."""
    digest = hashlib.sha256()
    lasting = {name: value for name, value in variables.items() if name not in OF_A_RUN}
    warehouse = Path(str(variables.get("warehouse", ""))).name
    adapter = version(f"dbt-{target}")
    kept = [version("dbt-core"), adapter, warehouse, str(project.resolve()), lasting]
    digest.update(json.dumps(kept, sort_keys=True).encode())
    for file in sorted(file for file in project.rglob("*") if file.suffix in (".sql", ".yml", ".md", ".csv")):
        digest.update(str(file.relative_to(project)).encode() + b"\0" + file.read_bytes())
    return folder / f"{target}-{digest.hexdigest()[:32]}.msgpack"


def main(arguments: Sequence[str]) -> int:
    """Run dbt with the project from the file, or parse it and write the file."""
    gc.set_threshold(IMPORTING_THRESHOLD)
    from dbt.cli.main import dbtRunner

    file, options = Path(arguments[0]), list(arguments[1:])
    manifest = _read(file)
    result = dbtRunner(manifest=manifest).invoke(options)
    written = Path(options[options.index("--target-path") + 1]) / PARSED_BY_DBT
    if manifest is None and written.is_file():
        _keep(written, file)
    if result.exception is not None:
        print(result.exception, file=sys.stderr)
        return 2
    return 0 if result.success else 1


def _read(file: Path) -> Any:
    """The parsed project, or None where there is none that can be read."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    try:
        return Manifest.from_msgpack(file.read_bytes(), decoder=extended_mashumuro_decoder)
    except Exception:  # whatever is wrong with it, the project is there to be parsed
        return None


def _keep(written: Path, file: Path) -> None:
    """Copy it in one step, and remove what was parsed of earlier states of the project."""
    try:
        write_whole(file, written.read_bytes())
        for other in file.parent.glob(f"{file.name.split('-')[0]}-*.msgpack"):
            if other != file:
                other.unlink(missing_ok=True)
    except OSError:
        return  # the next run parses again


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
