"""Let the challenger of a model become its champion, if it has earned it on the held-out people of one day.

Challenger, champion and popularity rank the last item of the same people, each from its registered artefact, loaded
in this process, which is not the one that trained it. The rules are in training/configs/gate.yml. A promotion moves
the alias `champion`; every decision appends one line to `ledger.jsonl`. With --mode dry_run no alias moves.

    python -m training.promote --model next_item --ds 2026-11-20 --mode dry_run
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import ModelError, exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from training.config import CONFIGS, known_model, read_config
from training.entry import load_day, parser, quiet_tensorflow
from training.gates import Decision, GateConfig, decide

if TYPE_CHECKING:
    from training.registry import Registry, Version

MODES = ("enforce", "dry_run")


def main() -> None:
    arguments = parser("training.promote", __doc__)
    arguments.add_argument("--mode", choices=MODES, default="enforce", help="dry_run decides and moves nothing")
    chosen = arguments.parse_args()
    exit_with_sentence(lambda: promote(chosen.model, chosen.ds, dry_run=chosen.mode == "dry_run"))


def promote(model: str, ds: str, *, dry_run: bool = False) -> str:
    """Decide on the challenger; returns `promoted`, `refused`, or `kept` where the challenger is champion already.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: there is no challenger, or it was trained on a later day.
        RegistryError: the registry does not answer.
        BusyError: another promotion of this model is at work.
    """
    settings = Settings.from_env()
    known_model(model)
    quiet_tensorflow()
    from training.registry import CHALLENGER, CHAMPION, Registry

    with (
        Report(settings.reports, ds).timed("promote") as fragment,
        Lake(settings.lake).lock(f"promote-{model}"),
    ):
        registry = Registry.of(settings)
        challenger, champion = registry.aliased(model, CHALLENGER), registry.aliased(model, CHAMPION)
        _require_challenger(model, challenger, ds)
        if champion is not None and champion.number == challenger.number:
            word, decision = "kept", Decision(False, [f"version {champion.number} is champion already"])
        else:
            decision = _compare(registry, challenger, champion, settings, ds)
            word = "promoted" if decision.promoted else "refused"
        if decision.promoted and not dry_run:
            registry.set_alias(challenger, CHAMPION)
        line = {
            "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "ds": ds,
            "model": model,
            "version": challenger.number,
            "previous_champion": champion.number if champion else None,
            "decision": word,
            "dry_run": dry_run,
            "reasons": decision.reasons,
            "numbers": decision.numbers,
        }
        with ledger(settings).open("a") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        fragment["models"] = {model: {"decision": word, "reasons": decision.reasons}}
        if dry_run:
            fragment["models"][model]["dry_run"] = True
    headline = f"promote {model}: version {challenger.number}: {word}{' (dry run)' if dry_run else ''}"
    say("; ".join([headline, *decision.reasons]))
    return word


def ledger(settings: Settings) -> Path:
    """The file of all decisions, one JSON object a line, oldest first."""
    return settings.home / "ledger.jsonl"


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
    registry: Registry, challenger: Version, champion: Version | None, settings: Settings, ds: str
) -> Decision:
    """The gate's decision on today's held-out people."""
    from training.data import require_held_out
    from training.evaluate import evaluate
    from training.fitting import rank_baselines

    gate = read_config(CONFIGS / "gate.yml", GateConfig)
    sequences = load_day(settings, ds)
    require_held_out(sequences, at_least=1)
    evaluated = evaluate(registry, challenger, sequences)
    return decide(
        gate,
        challenger=evaluated.ranking.ndcg,
        champion=evaluate(registry, champion, sequences).ranking.ndcg if champion else None,
        popularity=rank_baselines(sequences)["popularity"].ndcg,
        score_difference=evaluated.score_difference,
    )


if __name__ == "__main__":
    main()
