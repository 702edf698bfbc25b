"""OpenLineage events of the Spark jobs: START when one begins, COMPLETE or FAIL when it ends.

Spark's own integration is a jar that no Python index carries, so the jobs tell themselves what they read and wrote.
An event that cannot be sent is a line in the log and nothing more.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contracts.lineage import LINEAGE_NAMESPACE, lineage_transport
from contracts.report import say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.mapped import ANSWERS, CONSENTS, EVENTS, IDENTITY_EDGES, QUARANTINE, RECONCILIATION
from contracts.tables.resolved import PERSONS, RESOLVED_TABLES
from spark_jobs.mapping.spec import load_spec

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


def of_mapping(settings: Settings, source: str) -> Datasets:
    """A source's deliveries, and the tables that its mapping writes."""
    tables = dict.fromkeys([*(writing.table for writing in load_spec(source).writings), QUARANTINE, RECONCILIATION])
    return Datasets({str(settings.raw / source): None}, {str(settings.home.lake / one.name): one for one in tables})


def of_resolving(settings: Settings) -> Datasets:
    """Everything that identifiers arrive in, and the persons with what is known of them."""
    read = (IDENTITY_EDGES, EVENTS, ANSWERS, CONSENTS)
    return Datasets(
        *({str(settings.home.lake / one.name): one for one in tables} for tables in (read, RESOLVED_TABLES))
    )


def counted_mapping(settings: Settings, source: str, fragment: Mapping[str, Any]) -> dict[str, int]:
    """Path -> rows, from the report's fragment: rows read, and rows set aside."""
    entry = fragment["sources"][source]
    return {
        str(settings.raw / source): entry["read"],
        str(settings.home.lake / QUARANTINE.name): entry["quarantined"],
    }


def counted_resolving(settings: Settings, fragment: Mapping[str, Any]) -> dict[str, int]:
    """Path -> rows, from the report's fragment: one row of `persons` for each identifier."""
    return {str(settings.home.lake / PERSONS.name): fragment["identity"]["identifiers"]}


@contextmanager
def told(settings: Settings, job: str, ds: str, datasets: Callable[[], Datasets]) -> Iterator[Datasets | None]:
    """Tell of a run of `job` for the day `ds`; yields the datasets, whose rows the job fills in, or None if it is off.

    `datasets` is called only where lineage is on.
    """
    transport = lineage_transport(settings, "spark")
    if transport is None:
        yield None
        return
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import RunState
    from openlineage.client.facet_v2 import error_message_run

    found, run_id = datasets(), _new_run_id()
    client = OpenLineageClient(config={"transport": transport})

    def tell(state: RunState, facets: dict[str, Any] | None = None) -> None:
        try:
            client.emit(_event(settings, state, run_id, job, ds, found, facets or {}))
        except Exception as error:  # whatever is wrong with an event, the job goes on
            say(f"lineage: an event of {job} was not sent: {error}")

    tell(RunState.START)
    try:
        yield found
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        tell(RunState.FAIL, {"errorMessage": error_message_run.ErrorMessageRunFacet(message, "python")})
        raise
    tell(RunState.COMPLETE)


def _new_run_id() -> str:
    from openlineage.client.uuid import generate_new_uuid

    return str(generate_new_uuid())


def _event(
    settings: Settings, state: Any, run_id: str, job: str, ds: str, found: Datasets, facets: dict[str, Any]
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

    def statistics(path: str, name: str, made: type) -> dict[str, Any]:
        return {name: made(rowCount=found.rows[path])} if path in found.rows else {}

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
            for path, table in found.inputs.items()
        ],
        outputs=[
            OutputDataset(FILES, path, statistics(path, "outputStatistics", written), facets=_schema(table))
            for path, table in found.outputs.items()
        ],
    )


def _schema(table: Table | None) -> dict[str, Any]:
    """The columns of a contract, as a facet."""
    from openlineage.client.facet_v2 import schema_dataset

    if table is None:
        return {}
    fields = [schema_dataset.SchemaDatasetFacetFields(one.name, one.type, one.meaning) for one in table.columns]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields)}
