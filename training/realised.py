"""Log what a night measured beside the model versions that it is about, in the registry.

`realised` of the night goes to the run that trained the version, as `realised_ndcg_at_10`, popularity on the same
people as `realised_popularity_ndcg_at_10`; `lift` of the night to the runs of the versions of `response` that scored
it, or where none did of those that ranked its items, as `lift_<campaign>_<arm>_<metric>`, `..._low` and `..._high`. A
step is a day after the one that the version learned from. The charts of the night lie in the run's folder `nights`. A
version that is not there any more is named and passed over.

    python -m training.realised --ds 2026-11-20
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pyarrow.compute as pc

from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.tables.activation import LIFT, REALISED
from contracts.tables.served import RESPONSES, SCORES
from lake_tables.arrow import read_table

_OF_MODELS = {"lift": "lift-*.svg", "realised": "realised.svg"}
"""What a metric's name begins with -> the night's charts that belong to it."""


def main() -> None:
    chosen = day_parser("training.realised", __doc__).parse_args()
    exit_with_sentence(lambda: log_measured(chosen.ds))


def log_measured(ds: str) -> None:
    """Log `realised` and `lift` of one day.

    Raises:
        RegistryError: the registry does not answer.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.among_others(), Report(settings.home.reports, ds).timed("log_measured"):
        metrics = metrics_of_versions(lake, ds)
        if not metrics:
            say("registry: nothing was measured of this night, or no model has a part in it")
            return
        from training.registry.client import Registry

        registry = Registry.of(settings)
        folder = Report(settings.home.reports, ds).folder / ds
        for version, found in sorted(metrics.items()):
            model, _, number = version.partition("/")
            try:
                registry.log_night(registry.version(model, number), found, ds, _charts(folder, found))
            except ModelError as error:
                say(f"registry {version}: not logged: {error}")
            else:
                say(f"registry {version}: {len(found)} metrics of the night lie beside its training")


def metrics_of_versions(lake: Lake, ds: str) -> dict[str, dict[str, float]]:
    """Model and version as `next_item/3` -> metrics of the night by the names that they have in a run."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    if ds in lake.days(REALISED.name):
        columns = ["people_of", "model_version", "metric", "value"]
        for row in read_table(lake.partition(REALISED.name, ds), columns).to_pylist():
            beside = "" if row["model_version"] == row["people_of"] else f"{row['model_version']}_"
            found[row["people_of"]][f"realised_{beside}{_name(row['metric'])}"] = row["value"]
    if ds in lake.days(LIFT.name):
        columns = ["campaign", "arm", "metric", "difference", "low", "high"]
        lifts = read_table(lake.partition(LIFT.name, ds), columns).to_pylist()
        for version in versions_of(lake, ds):
            for row in lifts:
                name = f"lift_{row['campaign']}_{row['arm']}_{row['metric']}"
                figures = {name: row["difference"], f"{name}_low": row["low"], f"{name}_high": row["high"]}
                found[version] |= {key: value for key, value in figures.items() if value is not None}
    return {version: metrics for version, metrics in found.items() if "/" in version and metrics}


def versions_of(lake: Lake, ds: str) -> list[str]:
    """The versions that said of a night whom messages are worth: of `response`, else those that ranked items."""
    for table in (RESPONSES, SCORES):
        if ds in lake.days(table.name):
            versions = pc.unique(read_table(lake.partition(table.name, ds), ["model_version"])["model_version"])
            if named := sorted(version for version in versions.to_pylist() if "/" in version):
                return named
    return []


def _charts(folder: Path, metrics: dict[str, float]) -> list[Path]:
    """Those of the night that show some of the metrics."""
    wanted = [pattern for start, pattern in _OF_MODELS.items() if any(name.startswith(start) for name in metrics)]
    return sorted(file for pattern in wanted for file in folder.glob(pattern))


def _name(metric: str) -> str:
    return metric.replace("@", "_at_")


if __name__ == "__main__":
    main()
