"""Find the model versions that learned from a person, mark them, and delete the rows that MLflow keeps beside them.

One part of the erasure of a person, `python -m privacy forget`, which starts it before the lake is erased:
whether a version learned from the person is read from the table and day that it was trained on. A version of a day
whose table is gone cannot be excluded, and is marked too. With --mode dry_run nothing changes.

A marked version (tag `forgotten`) goes on serving until a challenger that never saw the person replaces it; the gate
asks less of such a challenger, and a challenger that is marked itself is refused. Of everything that learned from the
person go: example inputs, kept inputs, metrics of single people, checkpoints, models whose version was deleted,
synthetic rows; and MLflow's trash is emptied. Encrypted profile vectors of everybody go too: their key, which
the owner keeps, would open them. Done twice, a request counts once.

    python -m training.forget --request var/erasures/5f0c2d --mode dry_run
"""

from __future__ import annotations

import argparse
import datetime
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.dataset

from contracts.entry_point import exit_with_sentence
from contracts.erasure import (
    DRY_RUN,
    ENFORCE,
    MODES,
    Deletion,
    LearnedVersion,
    MarkedVersion,
    ModelsReport,
    OpenRequest,
)
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.marts import POSTED_FILES
from contracts.tables.served import SYNTHETIC_RESPONSES

if TYPE_CHECKING:
    from training.registry.client import Registry
    from training.registry.erasure import Kept

GENERATOR = "interest_gan"

_OF_FILES = tuple(table.name for table in POSTED_FILES)

UNKNOWN = "its rows are no longer there: that it learned from the person cannot be excluded"


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m training.forget", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--request", required=True, type=Path, help="folder of the request, with its subject.json")
    arguments.add_argument("--mode", choices=MODES, required=True, help="dry_run looks and changes nothing")
    options = arguments.parse_args()
    exit_with_sentence(lambda: forget(options.request, mode=options.mode))


def forget(request: Path, *, mode: str) -> ModelsReport:
    """Do the models' part of a request; returns what it also writes into the request's folder.

    Raises:
        LakeError: the folder has no subject.json that can be read.
        RegistryError: the registry does not answer.
    """
    from training.registry.client import Registry
    from training.registry.erasure import everything_kept

    settings = Settings.from_env()
    people, lake = OpenRequest.read(request).subject.ids_ever(), Lake(settings.home.lake)
    with lake.lock("forget-models"):
        registry = Registry.of(settings)
        kept = everything_kept(registry)
        reasons = learned(lake, kept, people, generator=GENERATOR) if people else {}
        learners = _Learners(settings, registry, kept, [one for one in kept if one.run_id in reasons])
        report = _with_earlier(ModelsReport(mode, _searched(kept), found=_found(kept, reasons)), request)
        if mode == ENFORCE:
            report = replace(report, deleted=_added_up([*report.deleted, *learners.deletions()]))
            report = replace(report, marked=_mark(registry, report.found, request.name))
            learners.delete()
        else:
            report = replace(report, would_delete=tuple(learners.deletions()))
    report.write(request)
    action = "would be marked (dry run)" if mode == DRY_RUN else "marked"
    say(f"forget: {len(report.found)} model versions learned from the person or may have; {action}")
    return report


def learned(lake: Lake, kept: Iterable[Kept], people: Iterable[str], *, generator: str) -> dict[str, str]:
    """Run -> why it learned from these people, or may have; runs that did not are missing.

    Args:
        people: ids of the person, which may differ from day to day.
        generator: the model whose synthetic rows another may have learned from.
    """
    people, kept, reasons = set(people), list(kept), {}
    for one in kept:
        if one.table and (reason := _reason(lake, one.table, one.ds, people)):
            reasons[one.run_id] = reason
    trained = [one.ds for one in kept if one.model == generator and one.run_id in reasons]
    for one in kept:
        if one.synthetic_rows and one.run_id not in reasons and any(day < one.ds for day in trained):
            reasons[one.run_id] = f"it learned from synthetic rows, and {generator} had learned from the person"
    return reasons


def _reason(lake: Lake, table: str, ds: str, people: set[str]) -> str | None:
    """Why a training on a table of one day learned from these people; None where it did not.

    All folders of the day are looked at, those that were published before the present one among them. A photo or
    sound of an item names nobody, and no model learns from those that people posted: they have no category.
    """
    files = sorted((lake.root / ".runs" / table / ds).glob("*/*.parquet"))
    if not files:
        return None if table in _OF_FILES else UNKNOWN
    for file in files:
        rows = pyarrow.dataset.dataset(file, format="parquet")
        theirs = pc.field("person_id").isin(sorted(people))
        for column in {"consent_training"} & set(rows.schema.names):
            theirs &= pc.field(column)
        if table in _OF_FILES:
            theirs &= pc.field("category").is_valid()
        if rows.count_rows(filter=theirs):
            return f"the person is in {table} of {ds}"
    return None


def _searched(kept: Sequence[Kept]) -> tuple[str, ...]:
    return (
        f"{sum(len(one.versions) for one in kept)} versions, {sum(len(one.logged) for one in kept)} logged "
        f"models and {len(kept)} runs of the model registry, {sum(one.in_trash for one in kept)} of them in its trash",
        *sorted({f"{one.table} of {one.ds}" for one in kept if one.table}),
    )


def _found(kept: Iterable[Kept], reasons: dict[str, str]) -> tuple[LearnedVersion, ...]:
    return tuple(
        LearnedVersion(version.model, version.number, one.ds, reasons[one.run_id])
        for one in kept
        if one.run_id in reasons
        for version in one.versions
    )


def _with_earlier(report: ModelsReport, request: Path) -> ModelsReport:
    """What an attempt at the same request found before the lake was erased stays found, what it deleted deleted."""
    earlier = ModelsReport.read(request)
    if earlier is None:
        return report
    found = {(one.model, one.version) for one in report.found}
    more = tuple(one for one in earlier.found if (one.model, one.version) not in found)
    return replace(report, found=report.found + more, deleted=earlier.deleted)


def _mark(registry: Registry, found: Iterable[LearnedVersion], request: str) -> tuple[MarkedVersion, ...]:
    from training.registry.erasure import mark

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    marked = []
    for one in found:
        version = registry.version(one.model, one.version)
        text = mark(registry, version, request=request, today=today)
        marked.append(MarkedVersion(version.model, version.number, text))
    return tuple(marked)


@dataclass(frozen=True)
class _Learners:
    """The runs that learned from the person, among all that MLflow keeps, and what is deleted because of them."""

    settings: Settings
    registry: Registry
    kept: Sequence[Kept]
    learned: Sequence[Kept]

    def deletions(self) -> Iterator[Deletion]:
        """What `delete` deletes, as the receipt has it; nothing has been deleted yet."""
        from training.registry.erasure import rows_of_people

        files = [name for one in self.learned for name in rows_of_people(self.registry, one)]
        trash = [one for one in self.kept if one.in_trash and not one.versions]
        orphans = [one for one in [*self.learned, *trash] if one.logged and not one.versions]
        logged = {name for one in orphans for name in one.logged}
        for what, where, count in (
            ("files with rows of people", "runs and logged models", len(files)),
            ("logged models without a version", "model registry", len(logged)),
            ("runs in the trash", "model registry", len(trash)),
            ("days of synthetic rows", f"lake/{SYNTHETIC_RESPONSES.name}", len(self._synthetic_days())),
            ("checkpoints", "checkpoints", len(self._checkpoints())),
            ("files of encrypted profiles", "encrypted", len(self.settings.home.encrypted_profiles())),
        ):
            if count:
                yield Deletion(what, where, count)

    def delete(self) -> None:
        """Delete rows of people beside the models, what is in the trash, synthetic rows, checkpoints and vectors."""
        from training.registry.erasure import delete_logged, delete_rows_of_people, empty_trash

        for one in self.learned:
            delete_rows_of_people(self.registry, one)
            if not one.versions and not one.in_trash:
                delete_logged(self.registry, one)
        empty_trash(self.registry, list(self.kept))
        lake = Lake(self.settings.home.lake)
        for day in self._synthetic_days():
            lake.withdraw(SYNTHETIC_RESPONSES.name, day)
        for folder in self._checkpoints():
            shutil.rmtree(folder)
        for file in self.settings.home.encrypted_profiles():
            file.unlink()

    def _synthetic_days(self) -> list[str]:
        """The days whose synthetic rows a generator made, or may have made, that learned from the person."""
        trained = [one.ds for one in self.learned if one.model == GENERATOR]
        folders = sorted((self.settings.home.lake / ".runs" / SYNTHETIC_RESPONSES.name).glob("*"))
        return [folder.name for folder in folders if trained and folder.name >= min(trained)]

    def _checkpoints(self) -> list[Path]:
        """Folders of trainings that were cut off, of the models that learned from the person."""
        return [
            folder
            for model in sorted({one.model for one in self.learned})
            for folder in sorted((self.settings.home.checkpoints / model).glob("*"))
        ]


def _added_up(deletions: Iterable[Deletion]) -> tuple[Deletion, ...]:
    counts: dict[tuple[str, str], int] = {}
    for one in deletions:
        counts[one.what, one.where] = counts.get((one.what, one.where), 0) + one.count
    return tuple(Deletion(what, where, count) for (what, where), count in counts.items())


if __name__ == "__main__":
    main()
