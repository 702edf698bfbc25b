"""OpenLineage events of the Spark jobs: START when one begins, COMPLETE or FAIL when it ends.

Spark's own integration is a jar that no Python index carries, so the jobs send their events themselves. Events leave
the machine: they hold names of tables and columns and numbers of rows, and never a value of a row. An event that cannot
be sent is a line in the log and nothing more.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from contracts.errors import NightshiftError
from contracts.lineage import LINEAGE_NAMESPACE, lineage_transport
from contracts.report import say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.mapped import IDENTITY_EDGES, QUARANTINE, RECONCILIATION, TABLES_OF_IDENTIFIERS
from contracts.tables.resolved import PERSONS, RESOLVED_TABLES
from spark_jobs.mapping.spec import load_spec
from spark_jobs.spark_errors import condition_of

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

FILES = "file"
"""OpenLineage's namespace of local and mounted files: a dataset there is named by its path."""


@dataclass
class Datasets:
    """What a job reads and writes: path -> table, None where it has no contract; rows are filled in at its end."""

    inputs: Mapping[str, Table | None]
    outputs: Mapping[str, Table | None]
    rows: dict[str, int] = field(default_factory=dict)


def mapping_datasets(settings: Settings, source: str) -> Datasets:
    """A source's deliveries, and the tables that its mapping writes."""
    tables = dict.fromkeys([*(writing.table for writing in load_spec(source).writings), QUARANTINE, RECONCILIATION])
    return Datasets({str(settings.raw / source): None}, {str(settings.home.lake / one.name): one for one in tables})


def resolving_datasets(settings: Settings) -> Datasets:
    """The tables in which identifiers arrive, and those that resolving writes."""
    read = (IDENTITY_EDGES, *TABLES_OF_IDENTIFIERS)
    return Datasets(
        *({str(settings.home.lake / one.name): one for one in tables} for tables in (read, RESOLVED_TABLES))
    )


def mapping_rows(settings: Settings, source: str, fragment: Mapping[str, Any]) -> dict[str, int]:
    """Path -> rows, from the report's fragment: rows read, and rows set aside."""
    entry = fragment["sources"][source]
    return {
        str(settings.raw / source): entry["read"],
        str(settings.home.lake / QUARANTINE.name): entry["quarantined"],
    }


def resolving_rows(settings: Settings, fragment: Mapping[str, Any]) -> dict[str, int]:
    """Path -> rows, from the report's fragment: one row of `persons` for each identifier."""
    return {str(settings.home.lake / PERSONS.name): fragment["identity"]["identifiers"]}


@contextmanager
def run_events(settings: Settings, job: str, ds: str, datasets: Callable[[], Datasets]) -> Iterator[Datasets | None]:
    """Send the events of a run of `job` for the day `ds`.

    Yields the datasets, whose rows the job fills in, or None where lineage is off; only where it is on, `datasets` is
    called.
    """
    transport = lineage_transport(settings, "spark")
    if transport is None:
        yield None
        return
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import RunState
    from openlineage.client.facet_v2 import error_message_run

    run_datasets, run_id = datasets(), _new_run_id()
    client = OpenLineageClient(config={"transport": transport})

    def send(state: RunState, facets: dict[str, Any] | None = None) -> None:
        try:
            client.emit(_event(settings, state, run_id, job, ds, run_datasets, facets or {}))
        except Exception as error:  # whichever fault an event has, the job goes on
            say(f"lineage: an event of {job} was not sent: {error}")

    send(RunState.START)
    try:
        yield run_datasets
    except BaseException as error:
        send(RunState.FAIL, {"errorMessage": error_message_run.ErrorMessageRunFacet(_message(error), "python")})
        raise
    send(RunState.COMPLETE)


def _message(error: BaseException) -> str:
    """What an event may say of an error: the sentence of one of ours; of any other its kind, as its words may quote."""
    if isinstance(error, NightshiftError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, PySparkException | Py4JError):
        return condition_of(error)
    return type(error).__name__


def _new_run_id() -> str:
    from openlineage.client.uuid import generate_new_uuid

    return str(generate_new_uuid())


def _event(
    settings: Settings, state: Any, run_id: str, job: str, ds: str, datasets: Datasets, facets: dict[str, Any]
) -> RunEvent:
    from openlineage.client.constants import DEFAULT_PRODUCER
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent
    from openlineage.client.facet_v2 import (
        input_statistics_input_dataset,
        job_type_job,
        nominal_time_run,
        output_statistics_output_dataset,
        parent_run,
    )

    def statistics(path: str, name: str, facet: type) -> dict[str, Any]:
        return {name: facet(rowCount=datasets.rows[path])} if path in datasets.rows else {}

    facets["nominalTime"] = nominal_time_run.NominalTimeRunFacet(f"{ds}T00:00:00Z")
    if settings.lineage_parent:
        namespace, name, run = settings.lineage_parent.split("/")
        facets["parent"] = parent_run.ParentRunFacet(parent_run.Run(run), parent_run.Job(namespace, name))
    read = input_statistics_input_dataset.InputStatisticsInputDatasetFacet
    written = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
    return RunEvent(
        eventType=state,
        eventTime=datetime.datetime.now(datetime.UTC).isoformat(),
        run=Run(run_id, facets),
        job=Job(LINEAGE_NAMESPACE, job, {"jobType": job_type_job.JobTypeJobFacet("BATCH", "SPARK", jobType="JOB")}),
        producer=DEFAULT_PRODUCER,
        inputs=[
            InputDataset(FILES, path, statistics(path, "inputStatistics", read), facets=_schema(table))
            for path, table in datasets.inputs.items()
        ],
        outputs=[
            OutputDataset(FILES, path, statistics(path, "outputStatistics", written), facets=_schema(table))
            for path, table in datasets.outputs.items()
        ],
    )


def _schema(table: Table | None) -> dict[str, Any]:
    """The columns of a contract, as a facet."""
    from openlineage.client.facet_v2 import schema_dataset

    if table is None:
        return {}
    fields = [schema_dataset.SchemaDatasetFacetFields(one.name, one.type, one.meaning) for one in table.columns]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields)}
