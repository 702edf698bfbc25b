"""Put an earlier champion back, and say from the ledger who was champion on a day.

`python -m training.promote` does so with --back-to and --champion-on. What is put back has been champion before: the
gate, or who approved, let it become that once. Whatever never was goes through the gate. Nothing is scored here: the
next night is, with what was put back.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.served import SCORES
from contracts.verdicts import championships
from training.config import known_model
from training.gate import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from training.registry.client import Registry, Version


def put_back(model: str, number: str, *, by: str | None, dry_run: bool = False) -> None:
    """Let a version that has been champion be champion again, and write that down.

    The version's files are checked against their registered SHA-256 and opened first.

    Args:
        by: name of who puts it back.
        dry_run: check everything, and move nothing.

    Raises:
        ModelError: nobody is named; there is no such version, or none any more; it never was champion, is champion
            already, learned from people who are to be forgotten, or is not whole.
        RegistryError: the registry does not answer.
        BusyError: a promotion of this model is at work.
    """
    from training.registry.client import CHAMPION, DAY, FORGOTTEN, Registry

    settings = Settings.from_env()
    known_model(model)
    if not by:
        raise ModelError(
            expected="the name of who puts a version back", received="none", remedy="name yourself with --by"
        )
    lake = Lake(settings.home.lake)
    with lake.step(f"promote-{model}"):
        registry = Registry.of(settings)
        lines = championships(settings.home.ledger)
        version = _version(registry, model, number, lines)
        champion = registry.aliased(model, CHAMPION)
        _require_allowed(registry, version, champion, lines)
        registry.load(version)
        before = champion.number if champion is not None else None
        line = {
            **ledger.new_line(model, version.tags[DAY], dry_run=dry_run),
            "version": version.number,
            "previous_champion": before,
            "forgotten": champion.tags.get(FORGOTTEN) if champion is not None else None,
            "decision": ledger.PUT_BACK,
            "by": by,
            "reasons": [f"put back by {by}{f' in place of version {before}' if before else ''}"],
        }
        if not dry_run:
            registry.promote(version)
        ledger.append(settings.home, line)
    trained = f"version {version.number}, which learned from {version.tags[DAY]}"
    replaced = f"in place of {f'version {before}' if before else 'none'}"
    if dry_run:
        say(f"promote {model}: {trained}, would be champion {replaced}; nothing was moved (dry run)")
        return
    say(f"promote {model}: {trained}, is champion again, {replaced}")
    for sentence in _what_follows(settings, lake):
        say(f"promote {model}: {sentence}")


def champion_on(models: Iterable[str], day: str) -> list[str]:
    """A sentence a model: who was champion on a day by the clock (UTC), at its end, and earlier that day.

    Raises:
        ModelError: no such model, or the day has not begun.
    """
    settings = Settings.from_env()
    if day > ledger.now()[:10]:
        raise ModelError(
            expected="a day that has begun",
            received=day,
            remedy=f"ask for {ledger.now()[:10]} or a day before it",
        )
    lines = championships(settings.home.ledger)
    return [_sentence(known_model(model), day, [line for line in lines if line["model"] == model]) for model in models]


def _sentence(model: str, day: str, lines: Sequence[dict[str, Any]]) -> str:
    begun = [line for line in lines if _utc(line["when"])[:10] <= day]
    if not begun:
        first = [f"its first, version {line['version']}, came on {_utc(line['when'])[:10]}" for line in lines[:1]]
        return f"{model}: on {day} there was no champion: {first[0] if first else 'there has been none so far'}"
    *earlier, last = begun
    that_day = [line for line in earlier if _utc(line["when"])[:10] == day]
    before = [line for line in earlier if line not in that_day][-1:] if _utc(last["when"])[:10] == day else []
    words = f"{model}: on {day} version {last['version']} was champion, {_how(last)}"
    if before or that_day:
        numbers = [f"version {one['version']}" for one in [*before, *that_day]]
        words += f"; until then that day {', then '.join(numbers)}"
    return words


def _how(line: dict[str, Any]) -> str:
    by = line["by"] or "the gate"
    if line["decision"] == ledger.REFIT:
        return f"trained on everything like version {line['previous_champion']}, at {_utc(line['when'])}"
    word = "put back" if line["decision"] == ledger.PUT_BACK else "promoted" if line["by"] is None else "approved"
    return f"{word} by {by} at {_utc(line['when'])}"


def _utc(moment: str) -> str:
    return datetime.datetime.fromisoformat(moment).astimezone(datetime.UTC).isoformat(timespec="seconds")


def _version(registry: Registry, model: str, number: str, lines: Sequence[dict[str, Any]]) -> Version:
    """The version itself.

    Raises:
        ModelError: there is none, or none any more.
    """
    there = registry.numbers(model)
    if number in there:
        return registry.version(model, number)
    once = {line["version"] for line in lines if line["model"] == model}
    newest = int(there[-1]) if there else 0
    gone = str(number) in once or (number.isdecimal() and 0 < int(number) < newest)
    raise ModelError(
        expected=f"a version of {model} that is still in the registry" if gone else f"a registered version of {model}",
        received=f"version {number}, which was removed by a cleaning or by a person"
        if gone
        else f"version {number}, which there never was",
        remedy=f"nothing was moved; there are {', '.join(there) or 'none'}",
    )


def _require_allowed(
    registry: Registry, version: Version, champion: Version | None, lines: Sequence[dict[str, Any]]
) -> None:
    """Refuse what may not be put back.

    Raises:
        ModelError: as `put_back`.
    """
    from training.registry.client import FORGOTTEN, PROMOTED

    model, number = version.model, version.number
    if champion is not None and champion.number == number:
        raise ModelError(
            expected=f"a version of {model} that is not champion",
            received=f"version {number}, which is champion already",
            remedy="nothing was moved; choose an earlier one",
        )
    if FORGOTTEN in version.tags:
        raise ModelError(
            expected="a version that did not learn from people who are to be forgotten",
            received=f"version {number} of {model}, which learned from {version.tags[FORGOTTEN]}",
            remedy="nothing was moved; choose another version, or train again",
        )
    registry.require_trained(version)
    if PROMOTED not in version.tags and all((line["model"], line["version"]) != (model, number) for line in lines):
        raise ModelError(
            expected=f"a version of {model} that has been champion",
            received=f"version {number}, which never was",
            remedy=f"nothing was moved; `python -m training.promote --model {model} --ds ...` lets the gate decide on "
            "the challenger",
        )


def _what_follows(settings: Settings, lake: Lake) -> Iterable[str]:
    """What the person may want to do next."""
    yield (
        "the next night scores with it; a challenger that is trained from now on may replace it: set its tag `pinned` "
        "in the registry to keep it"
    )
    scored = lake.days(SCORES.name)
    if scored:
        yield f"to score {scored[-1]} again at once: python -m serving.score --ds {scored[-1]}"
        if (settings.home.online / "current").exists():
            yield f"then, for the API to answer from it: python -m serving.store --ds {scored[-1]}"
