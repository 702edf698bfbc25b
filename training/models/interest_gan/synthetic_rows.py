"""Synthetic rows on their way into a training set: published if the admission gate lets them, taken away if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.lake import Lake
from contracts.settings import Settings
from contracts.tables.served import SYNTHETIC_RESPONSES
from lake_tables.arrow import arrow_type
from training.config import CONFIGS, read_config
from training.models.interest_gan.admission import AdmissionConfig
from training.models.interest_gan.learner import synthesise

if TYPE_CHECKING:
    from training.learner import Data, Predictor
    from training.models.interest_gan.admission import Admission

SEED = 7


def publish_admitted(learner: Any, model: Predictor, data: Data, settings: Settings, ds: str) -> Admission:
    """Decide on the rows that a generator makes, and publish as many as there are real training rows.

    The next night's `response` finds them in `lake/synthetic_responses`; without admission there are none.

    Args:
        learner: of `interest_gan`, with `admission`.
    """
    config = read_config(CONFIGS / "gate.yml", AdmissionConfig, sections=("admission",))
    admission = learner.admission(model, data, config)
    lake = Lake(settings.home.lake)
    with lake.lock("synthetic"):
        files = {}
        if admission.admitted:
            rows = synthesise(model, data.describe()["training_rows"], SEED)[SYNTHETIC_RESPONSES.column_names]
            fields = [pa.field(column.name, arrow_type(column.parsed_type)) for column in SYNTHETIC_RESPONSES.columns]
            file = lake.staging("synthetic") / "part-00000.parquet"
            pq.write_table(pa.Table.from_pandas(rows, schema=pa.schema(fields), preserve_index=False), file)
            files = {file.name: file}
        lake.publish(SYNTHETIC_RESPONSES.name, ds, files)
    return admission
