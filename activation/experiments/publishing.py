"""The table `assignments` of a night, from the lake: written before anything leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq

from activation.experiments.assignment import Assigning, Night
from activation.experiments.experiment import Experiment
from activation.experiments.sample_ratio import log_evidence, p_value
from contracts.errors import LakeError
from contracts.lake import Lake
from contracts.tables.activation import ASSIGNMENTS
from contracts.tables.resolved import PERSONS
from lake_tables.arrow import ROWS_A_GROUP, arrow_schema


def publish_assignments(
    lake: Lake, ds: str, experiments: Sequence[Experiment], people: pa.Array, keys: Sequence[bytes]
) -> dict[str, dict[str, int | float]]:
    """Assign people to the arms of every experiment, and publish that as the day's `assignments`.

    It goes on from the latest earlier night that has assignments. With no experiment the day has none.

    Args:
        people: ids of those who may be used, who all have consented to it.
        keys: those of the pseudonyms, oldest first.

    Returns:
        Experiment -> people who have changed arm since it began (`changed_arm`), and who are not compared, they among
        them (`left_out`); and the p-value of the test that the others have the shares of the arms (`sample_ratio_p`).

    Raises:
        LakeError: the persons of that day are missing, or do not know somebody.
        BusyError: another run is assigning.
    """
    if not experiments:
        if ds in lake.days(ASSIGNMENTS.name):
            lake.publish(ASSIGNMENTS.name, ds, {})
        return {}
    with lake.lock("assign"):
        staging, changes, files = lake.staging("assign"), {}, {}
        persons = _rows(lake, PERSONS.name, ds, made_by=f"spark_jobs/main.py resolve --ds {ds}")
        with Assigning(persons, pa.table({"person_id": people}), keys, _night_before(lake, ds)) as assigning:
            _require_all(assigning.people, len(people), ds)
            for experiment in experiments:
                arms = assigning.arms(experiment, ds).cast(arrow_schema(ASSIGNMENTS))
                file = staging / f"{experiment.name}.parquet"
                pq.write_table(arms, file, row_group_size=ROWS_A_GROUP)
                files[file.name] = file
                changes[experiment.name] = {
                    "changed_arm": pc.sum(arms["moved"]).as_py() or 0,
                    "left_out": pc.sum(arms["left_out"]).as_py() or 0,
                    "sample_ratio_p": _sample_ratio_p(arms, experiment),
                }
        lake.publish(ASSIGNMENTS.name, ds, files)
    return changes


def draw_arms(
    lake: Lake, ds: str, experiments: Sequence[Experiment], people: pa.Array, keys: Sequence[bytes]
) -> pa.Table:
    """The same arms, of which nothing is published: person_id, experiment, arm.

    Raises:
        LakeError: the persons of that day are missing, or do not know somebody.
    """
    persons = _rows(lake, PERSONS.name, ds, made_by=f"spark_jobs/main.py resolve --ds {ds}")
    with Assigning(persons, pa.table({"person_id": people}), keys, _night_before(lake, ds)) as assigning:
        _require_all(assigning.people, len(people), ds)
        drawn = [assigning.arms(one, ds).select(["person_id", "experiment", "arm"]) for one in experiments]
    return pa.concat_tables(drawn)


def _sample_ratio_p(arms: pa.Table, experiment: Experiment) -> float:
    """Of the people who are compared."""
    compared = arms.filter(pc.invert(arms["left_out"]))
    found = {row["values"]: row["counts"] for row in pc.value_counts(compared["arm"]).to_pylist()}
    counts = np.array([found.get(arm, 0) for arm in experiment.shares])
    return float(p_value(log_evidence(counts, np.array([*experiment.shares.values()]))))


def _night_before(lake: Lake, ds: str) -> Night | None:
    """The latest night before `ds` whose assignments and persons are both there."""
    resolved = set(lake.days(PERSONS.name))
    days = [day for day in lake.days(ASSIGNMENTS.name) if day < ds and day in resolved]
    if not days:
        return None
    return Night(*(_rows(lake, table, days[-1], made_by="") for table in (ASSIGNMENTS.name, PERSONS.name)))


def _rows(lake: Lake, table: str, ds: str, *, made_by: str) -> pa.dataset.Dataset:
    lake.require(table, ds, made_by=made_by)
    return pyarrow.dataset.dataset([str(file) for file in lake.files(table, ds) if file.suffix == ".parquet"])


def _require_all(assigned: int, people: int, ds: str) -> None:
    if assigned != people:
        raise LakeError(
            expected=f"an identifier in {PERSONS.name} of {ds} of each of {people} people",
            received=f"those of {assigned}",
            remedy="build the marts of that day again; nobody was assigned",
        )
