"""Delete the versions and runs of the registry that have lived their span, and say what those that stay need.

`python -m ops.clean`, the last task of a night, starts it; `retention.yml` says how many versions and days stay, and
`--dry-run` shows what would go. The champion of each model stays, the champion before it, what a person put back last,
what has an alias or the tag `pinned`, what waits for approval, and the newest few. Of every other version the files of
the model and of its run go, the run and the version itself; the ledger and the reports keep what was measured and
decided. So do runs without a version, such as searches, after their days, and what lies in MLflow's trash that long.

    python -m training.clean --dry-run
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.cleaning import ModelsCleaned, Removed
from contracts.entry_point import exit_with_sentence
from contracts.errors import NightshiftError
from contracts.lake import Lake
from contracts.life_spans import LifeSpans
from contracts.report import say
from contracts.settings import Settings
from contracts.verdicts import Verdicts, last_champions, last_put_back
from training.config import MODELS

if TYPE_CHECKING:
    from training.registry.client import Registry
    from training.registry.erasure import Kept

GENERATOR = "interest_gan"

_VERSIONS, _RUNS = "neither champion, aliased nor among the last {}", "without a version, older than {} days"


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m training.clean", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--dry-run", action="store_true", help="look, and change nothing")
    arguments.add_argument("--result", type=Path, help="file for what became of the models, for ops.clean")
    options = arguments.parse_args()
    exit_with_sentence(lambda: clean(options.result, dry_run=options.dry_run))


def clean(result: Path | None, *, dry_run: bool) -> ModelsCleaned:
    """Do the models' part of a cleaning; returns what it also writes into `result`.

    Raises:
        SettingsError: the life spans are wrong.
        RegistryError: the registry does not answer.
        BusyError: an erasure or a rotation of keys is at work.
    """
    from training.registry.cleaning import aliased_numbers, expired_runs, purge, versions_that_stay
    from training.registry.client import Registry
    from training.registry.erasure import everything_kept

    settings = Settings.from_env()
    spans = LifeSpans.read(settings.retention)
    with Lake(settings.home.lake).among_others():
        registry = Registry.of(settings)
        kept = everything_kept(registry)
        stay = versions_that_stay(
            kept, aliased_numbers(registry), _promised(settings), newest=spans.versions, generator=GENERATOR
        )
        before = None if spans.runs is None else _milliseconds_ago(spans.runs)
        expired = list(expired_runs(kept, stay, MODELS, before=before))
        gone, removed, failed = _delete(registry, expired, spans, dry_run=dry_run)
        if not dry_run:
            purge(registry, gone)
    left = [one for one in kept if one not in gone]
    needed = frozenset((one.table, one.ds) for one in left if one.table and one.versions)
    cleaned = ModelsCleaned(removed, failed, needed)
    if result is not None:
        cleaned.write(result)
    for one in removed:
        say(f"clean {one.what}: {one.count} {'would go' if dry_run else 'gone'}: {one.why}")
    return cleaned


def _promised(settings: Settings) -> set[tuple[str, str]]:
    """Model and number of what waits for a person, of what it was compared with, and of the ledger's champions.

    Also of what a person put back last: whoever had to go back once knows that this version works.
    """
    ledger = settings.home.ledger
    found = {*last_champions(ledger).items(), *last_put_back(ledger).items()}
    for model in MODELS:
        if (verdict := Verdicts(settings.home.approvals).of(model)) is not None:
            numbers = (verdict.line["version"], verdict.line["previous_champion"])
            found |= {(model, str(number)) for number in numbers if number is not None}
    return found


def _delete(
    registry: Registry, expired: Iterable[Kept], spans: LifeSpans, *, dry_run: bool
) -> tuple[list[Kept], tuple[Removed, ...], tuple[str, ...]]:
    """What went, in lines, and a sentence for each that did not."""
    from training.registry.cleaning import delete, size_of

    gone: list[Kept] = []
    lines: dict[tuple[str, str], list[tuple[str, int]]] = {}
    failed = []
    for one in expired:
        why = _VERSIONS.format(spans.versions) if one.versions else _RUNS.format(spans.runs)
        name = one.ds or datetime.datetime.fromtimestamp(one.started / 1000, datetime.UTC).date().isoformat()
        try:
            size = size_of(registry, one)
            if not dry_run:
                delete(registry, one)
        except (OSError, NightshiftError) as error:
            reason = error if isinstance(error, NightshiftError) else error.strerror or type(error).__name__
            failed.append(f"models {one.model} {name} stays: {reason}")
            continue
        gone.append(one)
        lines.setdefault((one.model, why), []).append((name, size))
    removed = tuple(
        Removed("models", model, len(members), sum(size for _, size in members), min(members)[0], why)
        for (model, why), members in lines.items()
    )
    return gone, removed, tuple(failed)


def _milliseconds_ago(days: int) -> int:
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    return int(moment.timestamp() * 1000)


if __name__ == "__main__":
    main()
