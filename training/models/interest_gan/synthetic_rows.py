"""Synthetic rows on their way into a training set: published if the admission gate lets them, withdrawn if not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.served import SYNTHETIC_RESPONSES
from lake_tables.arrow import arrow_type
from training.config import CONFIGS, read_config
from training.models.interest_gan.admission import Admission, AdmissionConfig
from training.registry.client import CHAMPION, FORGOTTEN

if TYPE_CHECKING:
    import pandas as pd

    from training.learner import Data
    from training.models.interest_gan.learner import InterestGanLearner
    from training.registry.client import Registry

SEED = 7


def publish_rows_of_champion(
    settings: Settings, registry: Registry, learner: InterestGanLearner, data: Data, ds: str
) -> Admission:
    """Publish as many rows of the generator's champion as there are real training rows, if the gate admits them.

    The next night's `response` finds them in `lake/synthetic_responses`. Rows that are refused are not published, and
    those that a run before published for this day are withdrawn. A champion that learned from a person who is to be
    forgotten is refused: a model that learned from its rows would have learned from that person, without a mark of it.
    """
    champion = registry.aliased(learner.name, CHAMPION)
    if champion is None:
        return Admission(False, ["there is no champion"], {})
    if FORGOTTEN in champion.tags:
        reason = f"version {champion.number} learned from {champion.tags[FORGOTTEN]} who are to be forgotten"
        _publish(settings, ds, None)
        return Admission(False, [reason], {})
    model = registry.load(champion).unwrap_python_model()
    config = read_config(CONFIGS / "gate.yml", AdmissionConfig, sections=("admission",))
    admission = learner.admission(model, data, config)
    rows = None
    if admission.admitted:
        rows = learner.rows(model, data, data.describe()["training_rows"], SEED)[SYNTHETIC_RESPONSES.column_names]
    _publish(settings, ds, rows)
    return admission


def _publish(settings: Settings, ds: str, rows: pd.DataFrame | None) -> None:
    """Publish these rows as the day's; None withdraws the rows of that day."""
    lake = Lake(settings.home.lake)
    with lake.lock("synthetic"):
        files = {}
        if rows is not None:
            fields = [pa.field(column.name, arrow_type(column.parsed_type)) for column in SYNTHETIC_RESPONSES.columns]
            file = lake.staging("synthetic") / "part-00000.parquet"
            pq.write_table(pa.Table.from_pandas(rows, schema=pa.schema(fields), preserve_index=False), file)
            files = {file.name: file}
        lake.publish(SYNTHETIC_RESPONSES.name, ds, files)
