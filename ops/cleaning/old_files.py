"""Files beside tables, deliveries and models: logs, reports, learning curves, states of trainings, days handed over."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.home import Home
from contracts.lake import Lake
from contracts.life_spans import LifeSpans
from contracts.published_days import PublishedDays
from contracts.tables.marts import CONSENT
from ops.cleaning.removal import Removal, Today, days, half_removed, is_day, remove_path


@dataclass(frozen=True)
class OldFiles:
    """Those of a home."""

    home: Home
    spans: LifeSpans
    today: Today

    def removals(self, expired_marts: Collection[str]) -> Iterator[Removal]:
        """Everything that goes.

        Args:
            expired_marts: days whose profiles go in this cleaning.
        """
        yield from self._logs()
        yield from self._of_trainings(self.home.checkpoints, self.spans.checkpoints)
        yield from self._of_trainings(self.home.tensorboard, self.spans.learning_curves)
        yield from self._reports()
        yield from self._handed_over(expired_marts)

    def _logs(self) -> Iterator[Removal]:
        """Files that nobody has written to: a log that is being written is young."""
        for folder, what in (
            (self.home.logs, "logs"),
            (self.home.airflow / "logs", "logs of Airflow's tasks"),
            (self.home.spark_events, "event logs of Spark"),
        ):
            old = [file for file in _files_below(folder) if self.today.is_untouched(file, self.spans.logs)]
            for file in sorted(old):
                yield Removal("logs", what, file.name, days(self.spans.logs), (file,), _remover(file, folder))

    def _of_trainings(self, folder: Path, span: int | None) -> Iterator[Removal]:
        """Folders of single trainings in which nothing was written, `<model>/<day>-<hash>`."""
        for training in sorted(folder.glob("*/[!.]*")):
            inside = [training, *training.rglob("*")]
            if training.is_dir() and all(self.today.is_untouched(path, span) for path in inside):
                name, model = training.name, training.parent.name
                remove = _remover(training, folder)
                yield Removal(folder.name, model, name, days(span), (training,), remove)
        yield from half_removed(folder, folder.name)

    def _reports(self) -> Iterator[Removal]:
        for entry in sorted((*self.home.reports.glob("[!.]*"), *self.home.pages.glob("nightly-*.html"))):
            ds = entry.name.removeprefix("nightly-").removesuffix(entry.suffix)
            if is_day(ds) and self.today.is_past(ds, self.spans.reports):
                why = days(self.spans.reports)
                yield Removal("reports", "nights", ds, why, (entry,), lambda entry=entry: remove_path(entry))
        yield from half_removed(self.home.reports, "reports", below="")

    def _handed_over(self, expired_marts: Collection[str]) -> Iterator[Removal]:
        """Days that wait for a run, or were taken by one, and whose profiles are no longer there to run with."""
        lake = Lake(self.home.lake)
        for folder in sorted(self.home.published.glob("[!.]*")):
            known = PublishedDays(folder)
            for ds in known.days():
                gone = ds in expired_marts or not lake.partition(CONSENT.name, ds).is_dir()
                if is_day(ds) and gone and self.today.is_past(ds, self.spans.marts):
                    file = folder / f"{ds}.json"
                    why = "its profiles are gone"
                    yield Removal(
                        "published", folder.name, ds, why, (file,), lambda known=known, ds=ds: known.forget(ds)
                    )


def _files_below(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in names)


def _remover(path: Path, top: Path):
    """Removes a path, and the folders above it that are empty then, up to `top`."""

    def remove() -> None:
        remove_path(path)
        for folder in path.parents:
            if folder == top or next(folder.iterdir(), None) is not None:
                break
            folder.rmdir()

    return remove
