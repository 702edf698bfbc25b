"""Find the model versions that learned from a person, mark them, and delete the rows that MLflow keeps beside them.

One part of the erasure of a person, `python -m privacy forget`, which starts it before the lake is erased:
whether a version learned from the person is read from the table and day that it was trained on. A version of a day
whose table is gone cannot be excluded, and is marked too. With --mode dry_run nothing changes.

A marked version (tag `forgotten`) goes on serving until a challenger that never saw the person replaces it; the gate
asks less of such a challenger, and a challenger that is marked itself is refused. Of everything that learned from the
person go: example inputs, kept inputs, metrics of single people, checkpoints, models whose version was deleted,
synthetic rows; and MLflow's trash is emptied. Encrypted profile vectors go too, whoever is in them: their key, which
the owner keeps, would open them. Done twice, a request counts once.

    python -m training.forget --request var/erasures/5f0c2d --mode dry_run
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.dataset

from contracts.errors import ModelError, exit_with_sentence
from contracts.lake import Lake
from contracts.report import say, write_json
from contracts.settings import Settings
from contracts.tables.served import SYNTHETIC_RESPONSES

if TYPE_CHECKING:
    from training.registry.client import Registry
    from training.registry.erasure import Kept

MODES = ("dry_run", "enforce")

GENERATOR = "interest_gan"

UNKNOWN = "its rows are no longer there: that it learned from the person cannot be excluded"


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m training.forget", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--request", required=True, type=Path, help="folder of the request, with its subject.json")
    arguments.add_argument("--mode", choices=MODES, required=True, help="dry_run looks and changes nothing")
    chosen = arguments.parse_args()
    exit_with_sentence(lambda: forget(chosen.request, mode=chosen.mode))


def forget(request: Path, *, mode: str) -> dict[str, Any]:
    """Do the models' part of a request; returns what it also writes as `models.json` into the request's folder.

    That file names no person: what was searched, which versions were found and why, what was marked and deleted.

    Raises:
        ModelError: the folder has no subject.json that can be read.
        RegistryError: the registry does not answer.
    """
    from training.registry.client import Registry
    from training.registry.erasure import everything_kept

    settings = Settings.from_env()
    people, lake = _people(request), Lake(settings.home.lake)
    with lake.lock("forget-models"):
        registry = Registry.of(settings)
        kept = everything_kept(registry)
        found = learned(lake, kept, people, generator=GENERATOR) if people else {}
        days = _synthetic_days(lake, kept, found)
        result = {
            "mode": mode,
            "searched": [
                f"{sum(len(one.versions) for one in kept)} versions, {sum(len(one.logged) for one in kept)} logged "
                f"models and {len(kept)} runs of the model registry, {sum(one.in_trash for one in kept)} of them in "
                "its trash",
                *sorted({f"{one.table} of {one.ds}" for one in kept if one.table}),
            ],
            "found": [
                {"model": version.model, "version": version.number, "ds": one.ds, "why": found[one.run_id]}
                for one in kept
                if one.run_id in found
                for version in one.versions
            ],
            "marked": [],
            "deleted": [],
        }
        _add_earlier(request, result)
        if mode == "enforce":
            _enforce(settings, registry, kept, found, days, result, request=request.name)
        else:
            result["would_delete"] = _deleted(settings, registry, kept, found, days)
    write_json(request / "models.json", result)
    word = "marked" if mode == "enforce" else "would be marked (dry run)"
    say(f"forget: {len(result['found'])} model versions learned from the person or may have; {word}")
    return result


def learned(lake: Lake, kept: Iterable[Kept], people: Iterable[str], *, generator: str) -> dict[str, str]:
    """Run -> why it is said to have learned from these people; runs that did not are missing.

    Args:
        people: ids of the person, which may differ from day to day.
        generator: the model whose synthetic rows another may have learned from.
    """
    people, kept, reasons = set(people), list(kept), {}
    for one in kept:
        if one.table and (reason := _reason(lake, one.table, one.ds, people)):
            reasons[one.run_id] = reason
    taught = [one.ds for one in kept if one.model == generator and one.run_id in reasons]
    for one in kept:
        if one.synthetic_rows and one.run_id not in reasons and any(day < one.ds for day in taught):
            reasons[one.run_id] = f"it learned from synthetic rows, and {generator} had learned from the person"
    return reasons


def _reason(lake: Lake, table: str, ds: str, people: set[str]) -> str | None:
    """Why a training on a table of one day learned from these people; None where it did not.

    All folders of the day are looked at, those that were published before the present one among them. A picture of
    an item is nobody's, and no model learns from the pictures that people posted: they have no category.
    """
    files = sorted((lake.root / ".runs" / table / ds).glob("*/*.parquet"))
    if not files:
        return None if table == "training_pictures" else UNKNOWN
    for file in files:
        rows = pyarrow.dataset.dataset(file, format="parquet")
        wanted = pc.field("person_id").isin(sorted(people))
        for column in {"consent_training"} & set(rows.schema.names):
            wanted &= pc.field(column)
        if table == "training_pictures":
            wanted &= pc.field("category").is_valid()
        if rows.count_rows(filter=wanted):
            return f"the person is in {table} of {ds}"
    return None


def _people(request: Path) -> list[str]:
    file = request / "subject.json"
    try:
        return list(json.loads(file.read_text())["person_ids"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            expected=f"the person_ids of a request in {file}",
            received=str(error) if isinstance(error, OSError) else "something else",
            remedy="make a request with `python -m privacy forget`",
        ) from error


def _synthetic_days(lake: Lake, kept: Iterable[Kept], found: dict[str, str]) -> list[str]:
    """The days whose synthetic rows a generator made, or may have made, that learned from the person."""
    taught = [one.ds for one in kept if one.model == GENERATOR and one.run_id in found]
    days = sorted(folder.name for folder in (lake.root / ".runs" / SYNTHETIC_RESPONSES.name).glob("*"))
    return [day for day in days if taught and day >= min(taught)]


def _add_earlier(request: Path, result: dict[str, Any]) -> None:
    """What an attempt at the same request found before the lake was erased stays found, what it deleted deleted."""
    file = request / "models.json"
    earlier = json.loads(file.read_text()) if file.is_file() else {"found": [], "deleted": []}
    named = {(one["model"], one["version"]) for one in result["found"]}
    result["found"] += [one for one in earlier["found"] if (one["model"], one["version"]) not in named]
    result["deleted"] = earlier["deleted"]


def _deleted(
    settings: Settings, registry: Registry, kept: list[Kept], found: dict[str, str], days: list[str]
) -> list[dict[str, Any]]:
    """What an erasure deletes, as the receipt has it; nothing has been deleted yet."""
    from training.registry.erasure import rows_of_people

    chosen = [one for one in kept if one.run_id in found]
    files = [name for one in chosen for name in rows_of_people(registry, one)]
    trash = [one for one in kept if one.in_trash and not one.versions]
    orphans = [one for one in [*chosen, *trash] if one.logged and not one.versions]
    checkpoints = list(_checkpoints(settings, chosen))
    counts = [
        ("files with rows of people", "runs and logged models", len(files)),
        ("logged models without a version", "model registry", len({name for one in orphans for name in one.logged})),
        ("runs in the trash", "model registry", len(trash)),
        ("days of synthetic rows", f"lake/{SYNTHETIC_RESPONSES.name}", len(days)),
        ("checkpoints", "checkpoints", len(checkpoints)),
        ("files of encrypted profiles", "encrypted", len(settings.home.encrypted_profiles())),
    ]
    return [{"what": what, "where": where, "count": count} for what, where, count in counts if count]


def _enforce(
    settings: Settings,
    registry: Registry,
    kept: list[Kept],
    found: dict[str, str],
    days: list[str],
    result: dict[str, Any],
    *,
    request: str,
) -> None:
    """Mark and delete; what has been done stands in `result`."""
    from training.registry.erasure import delete_logged, delete_rows_of_people, empty_trash, mark

    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    result["deleted"] = _added(result["deleted"], _deleted(settings, registry, kept, found, days))
    for one in result["found"]:
        version = registry.version(one["model"], one["version"])
        text = mark(registry, version, request=request, today=today)
        result["marked"].append({"model": version.model, "version": version.number, "forgotten": text})
    for one in kept:
        if one.run_id in found:
            delete_rows_of_people(registry, one)
            if not one.versions and not one.in_trash:
                delete_logged(registry, one)
    empty_trash(registry, kept)
    lake = Lake(settings.home.lake)
    for day in days:
        lake.withdraw(SYNTHETIC_RESPONSES.name, day)
    for folder in _checkpoints(settings, [one for one in kept if one.run_id in found]):
        shutil.rmtree(folder)
    for file in settings.home.encrypted_profiles():
        file.unlink()


def _added(earlier: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], int] = {}
    for one in [*earlier, *now]:
        counts[one["what"], one["where"]] = counts.get((one["what"], one["where"]), 0) + one["count"]
    return [{"what": what, "where": where, "count": count} for (what, where), count in counts.items()]


def _checkpoints(settings: Settings, kept: Iterable[Kept]) -> Iterable[Path]:
    """Folders of trainings that were cut off, of the models that learned from the person."""
    return [
        folder
        for model in sorted({one.model for one in kept})
        for folder in sorted((settings.home.checkpoints / model).glob("*"))
    ]


if __name__ == "__main__":
    main()
