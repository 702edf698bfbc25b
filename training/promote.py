"""Let the challenger of a model become its champion, if it has earned it on the held-out part of one day.

Challenger, champion and baselines answer for the same people, pictures or rows; the first two from their registered
artefacts, loaded in this process, which is not the one that trained them. The rules are in training/configs/gate.yml.
A promotion moves the alias `champion`; every decision appends one line to `ledger.jsonl`. With --mode dry_run no alias
moves. A model that has too little data tonight is skipped, and says why. Several models are decided on one by one, and
one that cannot be decided on keeps none of the others from it.

    python -m training.promote --model next_item response --ds 2026-11-20 --mode dry_run
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import TRANSIENT_EXIT_CODE, ModelError, NightshiftError, NothingToLearn, exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from training.config import CONFIGS, known_model, learner, read_config
from training.entry import choose_backend, parser
from training.gates import Decision, GateConfig, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.learner import Data, Learner
    from training.registry import Registry, Version

MODES = ("enforce", "dry_run")

GENERATOR = "interest_gan"
"""The model whose champion may hand synthetic rows to a training set, if the admission gate lets it."""


def main() -> None:
    arguments = parser("training.promote", __doc__, several=True)
    arguments.add_argument("--mode", choices=MODES, default="enforce", help="dry_run decides and moves nothing")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(lambda: promote_each(chosen.model, chosen.ds, dry_run=chosen.mode == "dry_run"))


def promote_each(models: Sequence[str], ds: str, *, dry_run: bool = False) -> None:
    """Decide on the challengers of several models; after all were tried, raises an error, rather one that may pass."""
    errors = []
    for model in models:
        try:
            promote(model, ds, dry_run=dry_run)
        except NightshiftError as error:
            say(f"promote {model}: failed: {error}")
            errors.append(error)
    if errors:
        raise max(errors, key=lambda error: error.exit_code == TRANSIENT_EXIT_CODE)


def promote(model: str, ds: str, *, dry_run: bool = False) -> str:
    """Decide on the challenger; returns `promoted`, `refused`, `kept` where it is champion already, or `skipped`.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: there is no challenger, or it was trained on a later day.
        RegistryError: the registry does not answer.
        BusyError: another promotion of this model is at work.
    """
    settings = Settings.from_env()
    known_model(model)
    with (
        Report(settings.reports, ds).timed("promote", part=model) as fragment,
        Lake(settings.lake).lock(f"promote-{model}"),
    ):
        brought = learner(model)
        try:
            data = brought.load(settings, ds)
        except NothingToLearn as error:
            line = {**_line(model, ds, dry_run=dry_run), "reasons": [str(error)]}
        else:
            line = _decide(settings, brought, data, ds, dry_run=dry_run)
        with ledger(settings).open("a") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        entry = {"decision": line["decision"], "reasons": line["reasons"]}
        if dry_run:
            entry["dry_run"] = True
        elif model == GENERATOR and line["decision"] != "skipped":
            entry["synthetic_rows"] = admission = _admit(settings, brought, data, ds)
            say(f"promote {model}: synthetic rows {admission['admission']}; {'; '.join(admission['reasons'])}")
        fragment["models"] = {model: entry}
    of_version = f"version {line['version']}: " if line["version"] else ""
    headline = f"promote {model}: {of_version}{line['decision']}{' (dry run)' if dry_run else ''}"
    say("; ".join([headline, *line["reasons"]]))
    return line["decision"]


def ledger(settings: Settings) -> Path:
    """The file of all decisions, one JSON object a line, oldest first."""
    return settings.home / "ledger.jsonl"


def _line(model: str, ds: str, *, dry_run: bool) -> dict[str, Any]:
    """The ledger's line of a model that is skipped; a decision fills in the rest."""
    return {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "ds": ds,
        "model": model,
        "version": None,
        "previous_champion": None,
        "decision": "skipped",
        "dry_run": dry_run,
        "reasons": [],
        "numbers": {},
    }


def _decide(settings: Settings, brought: Learner, data: Data, ds: str, *, dry_run: bool) -> dict[str, Any]:
    """The ledger's line of the decision; a promotion has moved the alias."""
    from training.registry import CHALLENGER, CHAMPION, Registry

    model, registry = brought.name, Registry.of(settings)
    challenger, champion = registry.aliased(model, CHALLENGER), registry.aliased(model, CHAMPION)
    _require_challenger(model, challenger, ds)
    line = _line(model, ds, dry_run=dry_run)
    line |= {"version": challenger.number, "previous_champion": champion.number if champion else None}
    if champion is not None and champion.number == challenger.number:
        return {**line, "decision": "kept", "reasons": [f"version {champion.number} is champion already"]}
    decision = _compare(registry, brought, data, challenger, champion)
    if decision.promoted and not dry_run:
        registry.set_alias(challenger, CHAMPION)
    word = "promoted" if decision.promoted else "refused"
    return {**line, "decision": word, "reasons": decision.reasons, "numbers": decision.numbers}


def _admit(settings: Settings, brought: Learner, data: Data, ds: str) -> dict[str, Any]:
    """Whether tonight's champion among generators may hand its rows to a training set."""
    from training.registry import CHAMPION, Registry
    from training.synthetic_rows import publish_admitted

    registry = Registry.of(settings)
    champion = registry.aliased(brought.name, CHAMPION)
    if champion is None:
        return {"admission": "refused", "reasons": ["there is no champion"], "numbers": {}}
    served = registry.load(champion).unwrap_python_model()
    admission = publish_admitted(brought, served, data, settings, ds)
    word = "admitted" if admission.admitted else "refused"
    return {"admission": word, "reasons": admission.reasons, "numbers": admission.numbers}


def _require_challenger(model: str, challenger: Version | None, ds: str) -> None:
    if challenger is None:
        raise ModelError(
            expected=f"a challenger of {model} in the registry",
            received="no version with the alias `challenger`",
            remedy=f"run `python -m training.train --model {model} --ds {ds}` first",
        )
    if challenger.tags["ds"] > ds:
        raise ModelError(
            expected=f"a challenger that has seen nothing after {ds}",
            received=f"version {challenger.number}, trained on {challenger.tags['ds']}",
            remedy=f"promote with `--ds {challenger.tags['ds']}`, or train on {ds} again",
        )


def _compare(
    registry: Registry, brought: Learner, data: Data, challenger: Version, champion: Version | None
) -> Decision:
    """The gate's decision on today's held-out part."""
    from training.evaluate import evaluate

    evaluated = evaluate(registry, challenger, brought, data)
    return decide(
        read_config(CONFIGS / "gate.yml", GateConfig, sections=("every", brought.name)),
        unit=brought.unit,
        challenger=evaluated.measured,
        champion=evaluate(registry, champion, brought, data).measured if champion else None,
        baselines=brought.baselines(data),
        slices=brought.slices(data),
        score_difference=evaluated.score_difference,
    )


if __name__ == "__main__":
    main()
