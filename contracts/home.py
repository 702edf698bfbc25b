"""Every path below NIGHTSHIFT_HOME, once: what stands there, and what an erasure, a rotation of keys and a backup do.

`Home(root).lake` is a path; `PLACES` is the list that those three read. A place that is not in it does not exist: a
test compares the list with what a night leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

Erasure = Literal["rewritten", "removed", "registry", "kept"]
"""What an erasure does: take the person's rows and names out; remove the files, which the next run makes again; leave
the files to the model registry's own part (`python -m training.forget`); keep what holds no name by design."""

Rotation = Literal["rekeyed", "removed", "kept"]
"""What a rotation of keys does: hash what is named there under one more key; remove it; keep it."""


@dataclass(frozen=True)
class Place:
    """One file or folder below home. As an attribute of a `Home` it is that home's path."""

    path: str
    holds: str
    erasure: Erasure = "rewritten"
    rotation: Rotation = "kept"
    backup: bool = False
    """Whether a backup needs it: it cannot be made again from what a backup holds otherwise."""

    @overload
    def __get__(self, home: None, owner: type) -> Place: ...
    @overload
    def __get__(self, home: Home, owner: type) -> Path: ...
    def __get__(self, home: Home | None, owner: type) -> Place | Path:
        return self if home is None else home.root / self.path


@dataclass(frozen=True)
class Home:
    """Everything that a run writes."""

    root: Path

    # what arrives
    raw = Place("raw", "deliveries of the sources, unless NIGHTSHIFT_RAW says otherwise", backup=True)
    truth = Place("truth", "what the simulated town hides from the pipeline; only `sample_data` writes and reads it")
    made_of = Place(".made-of", "the raw folder that the lake was made of", backup=True)

    # tables and what is made of them
    lake = Place("lake", "tables of the lake, a folder each", rotation="rekeyed", backup=True)
    audiences = Place("audiences", "audience files, a folder a campaign", rotation="rekeyed", backup=True)
    delivering = Place(
        "delivering", "journals of deliveries that have not ended: ids that name nobody, no addresses", backup=True
    )
    warehouse = Place(
        "warehouse.duckdb", "DuckDB's warehouse: the history of profiles", rotation="rekeyed", backup=True
    )
    spark_warehouse = Place("spark-warehouse", "tables of Spark's Thrift server", rotation="rekeyed", backup=True)
    online = Place(
        "online",
        "stores that the API answers from: the one of the last night, and the one before it",
        erasure="removed",
        rotation="removed",
    )
    encrypted = Place("encrypted", "what owner and partner of an encrypted scoring hand each other", rotation="removed")

    # models
    registry_database = Place("mlflow.db", "MLflow's database", erasure="registry", backup=True)
    artifacts = Place("artifacts", "files of models and runs", erasure="registry", backup=True)
    checkpoints = Place("checkpoints", "states of unfinished trainings", erasure="removed")
    tensorboard = Place("tensorboard", "TensorBoard's logs")
    tuning = Place("tuning", "studies of searches for parameters")
    configs = Place("configs", "parameters that tuning found, a file a model; training reads them first", backup=True)
    privacy_curves = Place("privacy_curves", "what privacy costs each model", backup=True)
    approvals = Place("approvals", "verdicts of the gate that wait for a person", backup=True)
    retrainings = Place("retrainings", "trainings that fallen champions ask for, a file a model", backup=True)
    ledger = Place("ledger.jsonl", "decisions of the gate, a line each", backup=True)
    privacy_ledger = Place("privacy_ledger.jsonl", "what was disclosed of each table", backup=True)
    privacy_ledger_lock = Place("privacy_ledger.lock", "held while the privacy ledger is written")

    # keys and requests
    secrets = Place("secrets", "keys and passwords, for their owner alone", erasure="kept", backup=True)
    rotation = Place("rotation.json", "journal of a rotation of keys that has not ended; it holds no key", backup=True)
    erasures = Place("erasures", "requests to be forgotten and their receipts", erasure="kept", backup=True)
    tombstones = Place("tombstones.jsonl", "keyed hashes of who was forgotten", erasure="kept", backup=True)

    # how runs went
    published = Place("published", "days that one DAG hands to the next, until a run has taken them", backup=True)
    reports = Place("reports", "reports of nights", backup=True)
    pages = Place("pages", "the page of each night, for people to read")
    logs = Place("logs", "logs of nights and pages")
    traces = Place(
        "traces",
        "traces of commands that failed, for their owner alone: they may quote rows",
        erasure="removed",
        rotation="removed",
    )
    spark_application = Place(
        "spark-application.json",
        "where the Spark of a night listens, while it runs, for its owner alone",
        erasure="removed",
        rotation="removed",
    )
    spill = Place(
        "spill",
        "what DuckDB and trainings have no room for in memory, while a command runs",
        erasure="removed",
        rotation="removed",
    )
    spark_events = Place("spark-events", "event logs of the stack's Spark, for its history page")
    lineage = Place("lineage", "OpenLineage events, where they go to files")
    dbt = Place("dbt", "dbt's target folder and logs")
    airflow = Place("airflow", "Airflow's database, passwords and task logs on one machine")
    stack = Place("stack.env", "settings of the stack for a server", backup=True)
    bench = Place("bench", "environments and data of benchmarks")
    other_lakes = Place("lakes", "homes of other raw data: RAW=real, RAW=folder", backup=True)

    def __str__(self) -> str:
        return str(self.root)

    def __fspath__(self) -> str:
        return str(self.root)

    def encrypted_profiles(self) -> list[Path]:
        """Vectors and scores of people on their way to a partner and back, and who is where in them; keys stay."""
        patterns = ("*/*.ckks", "owner/people-*.json")
        return sorted(file for pattern in patterns for file in self.encrypted.glob(pattern))

    def by_erasure(self, what: Erasure) -> list[Path]:
        """The places with which an erasure does this."""
        return [self.root / place.path for place in PLACES if place.erasure == what]


PLACES: tuple[Place, ...] = tuple(value for value in vars(Home).values() if isinstance(value, Place))
