"""Let the challenger of a model become its champion, if it has earned it on the held-out part of one day.

Challenger, champion and baselines answer for the same people, pictures or rows; the first two from their registered
artefacts, loaded in this process, which is not the one that trained them. The rules are in training/configs/gate.yml.
A promotion moves the alias `champion`; every decision appends one line to `ledger.jsonl`. With --mode dry_run no alias
moves. A model that has too little data tonight is skipped, and says why. Several models are decided on one by one, and
one that cannot be decided on keeps none of the others from it.

With --mode ask, the verdict on a challenger that passed waits for a person; --mode approve and --mode reject say what
was answered. An approval holds for the version that was judged and is refused when challenger or champion have changed.

    python -m training.promote --model next_item response --ds 2026-11-20 --mode dry_run
    python -m training.promote --model next_item --ds 2026-11-20 --mode approve --version 3 --by ada
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
from contracts.verdicts import Verdict, Verdicts
from training.arguments import choose_backend, parser
from training.config import CONFIGS, known_model, load_learner, read_config
from training.gate.approval import WAITS, apply_answer, page
from training.gate.decision import Compared, GateConfig, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.learner import Data, Learner
    from training.registry.client import Registry, Version

ANSWERS = ("approve", "reject")
MODES = ("enforce", "dry_run", "ask", *ANSWERS)

_ATTACKED = ("membership_auc",)
"""Tags of a version that tell how well an attack on it does; of private versions the gate looks at them."""

GENERATOR = "interest_gan"
"""The model whose champion may hand synthetic rows to a training set, if the admission gate lets it."""


def main() -> None:
    arguments = parser("training.promote", __doc__, several=True)
    arguments.add_argument(
        "--mode",
        choices=MODES,
        default="enforce",
        help="dry_run decides and moves nothing; ask lets what passed wait for a person; approve and reject answer",
    )
    arguments.add_argument("--version", help="with approve and reject: the version that the answer is about")
    arguments.add_argument("--by", help="with approve and reject: who answered; a rejection by nobody is a timeout")
    chosen = arguments.parse_args()
    answers = chosen.mode in ANSWERS
    if answers and not (len(chosen.model) == 1 and chosen.version):
        arguments.error(f"--mode {chosen.mode} is about one --model and one --version")
    if not answers and (chosen.version or chosen.by):
        arguments.error(f"--version and --by belong to --mode {' and '.join(ANSWERS)}")
    choose_backend(chosen.backend)
    if answers:
        [model], approved = chosen.model, chosen.mode == "approve"
        exit_with_sentence(lambda: settle(model, chosen.ds, chosen.version, by=chosen.by or None, approved=approved))
    else:
        exit_with_sentence(lambda: promote_each(chosen.model, chosen.ds, mode=chosen.mode))


def promote_each(models: Sequence[str], ds: str, *, mode: str = "enforce") -> None:
    """Decide on the challengers of several models; after all were tried, raises an error, rather one that may pass."""
    errors = []
    for model in models:
        try:
            promote(model, ds, mode=mode)
        except NightshiftError as error:
            say(f"promote {model}: failed: {error}")
            errors.append(error)
    if errors:
        raise max(errors, key=lambda error: error.exit_code == TRANSIENT_EXIT_CODE)


def promote(model: str, ds: str, *, mode: str = "enforce") -> str:
    """Decide on the challenger, in one of the modes that judge; returns the decision.

    It is `promoted`, `refused`, `kept` where it is champion already, `skipped`, or with `ask` `awaiting approval`.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: there is no challenger, or it was trained on a later day.
        RegistryError: the registry does not answer.
        BusyError: another promotion of this model is at work.
    """
    settings, dry_run = Settings.from_env(), mode == "dry_run"
    known_model(model)
    step = Lake(settings.home.lake).step(f"promote-{model}")
    with step, Report(settings.home.reports, ds).timed("promote", part=model) as fragment:
        if not dry_run:
            Verdicts(settings.home.approvals).forget(model)
        learner = load_learner(model)
        try:
            data = learner.load(settings, ds)
        except NothingToLearn as error:
            line = {**_line(model, ds, dry_run=dry_run), "reasons": [str(error)]}
        else:
            line = _decide(settings, learner, data, ds, mode=mode)
        _write(settings, line)
        entry = {"decision": line["decision"], "reasons": line["reasons"]}
        if line["forgotten"]:
            entry["forgotten"] = line["forgotten"]
        if dry_run:
            entry["dry_run"] = True
        elif model == GENERATOR and line["decision"] not in ("skipped", WAITS):
            entry["synthetic_rows"] = _admit(settings, learner, data, ds)
        fragment["models"] = {model: entry}
    of_version = f"version {line['version']}: " if line["version"] else ""
    headline = f"promote {model}: {of_version}{line['decision']}{' (dry run)' if dry_run else ''}"
    say("; ".join([headline, *line["reasons"]]))
    return line["decision"]


def settle(model: str, ds: str, version: str, *, by: str | None, approved: bool) -> str:
    """Do what a person has answered to a verdict that waits; returns `promoted` or `rejected`.

    Args:
        by: name of who answered; None where nobody did, which is a rejection.

    Raises:
        ModelError: no such verdict waits, an approval names nobody, or challenger or champion are others by now.
        RegistryError: the registry does not answer.
        BusyError: another promotion of this model is at work.
    """
    from training.registry.client import Registry

    settings = Settings.from_env()
    known_model(model)
    step = Lake(settings.home.lake).step(f"promote-{model}")
    with step, Report(settings.home.reports, ds).timed("promote", part=model) as fragment:
        line = apply_answer(
            settings, Registry.of(settings), model=model, ds=ds, version=version, by=by, approved=approved
        )
        line["when"] = _now()
        _write(settings, line)
        entry = {"decision": line["decision"], "by": by, "reasons": line["reasons"]}
        if model == GENERATOR:
            learner = load_learner(model)
            entry["synthetic_rows"] = _admit(settings, learner, learner.load(settings, ds), ds)
        fragment["models"] = {model: entry}
        Verdicts(settings.home.approvals).forget(model)
    say(f"promote {model}: version {version}: {line['decision']}; {line['reasons'][0]}")
    return line["decision"]


def ledger(settings: Settings) -> Path:
    """The file of all decisions, one JSON object a line, oldest first."""
    return settings.home.ledger


def _write(settings: Settings, line: dict[str, Any]) -> None:
    with ledger(settings).open("a") as stream:
        stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _line(model: str, ds: str, *, dry_run: bool) -> dict[str, Any]:
    """The ledger's line of a model that is skipped; a decision fills in the rest.

    `forgotten` says of the champion before the decision how many it learned from who are to be forgotten.
    """
    return {
        "when": _now(),
        "ds": ds,
        "model": model,
        "version": None,
        "previous_champion": None,
        "forgotten": None,
        "decision": "skipped",
        "dry_run": dry_run,
        "by": None,
        "reasons": [],
        "numbers": {},
    }


def _decide(settings: Settings, learner: Learner, data: Data, ds: str, *, mode: str) -> dict[str, Any]:
    """The ledger's line of the decision; a promotion has moved the alias, or waits for a person."""
    from training.registry.client import CHALLENGER, CHAMPION, FORGOTTEN, Registry

    model, registry = learner.name, Registry.of(settings)
    challenger, champion = registry.aliased(model, CHALLENGER), registry.aliased(model, CHAMPION)
    _require_challenger(model, challenger, ds)
    line = _line(model, ds, dry_run=mode == "dry_run")
    line |= {"version": challenger.number, "previous_champion": champion.number if champion else None}
    line["forgotten"] = champion.tags.get(FORGOTTEN) if champion else None
    if champion is not None and champion.number == challenger.number:
        return {**line, "decision": "kept", "reasons": [f"version {champion.number} is champion already"]}
    if FORGOTTEN in challenger.tags:
        learned_from = f"it learned from {challenger.tags[FORGOTTEN]} who are to be forgotten: train again"
        return {**line, "decision": "refused", "reasons": [learned_from]}
    compared = _compare(registry, learner, data, challenger, champion)
    decision = decide(read_config(CONFIGS / "gate.yml", GateConfig, sections=("every", model)), compared)
    line |= {"reasons": decision.reasons, "numbers": decision.numbers}
    if not decision.promoted:
        return {**line, "decision": "refused"}
    if mode == "ask":
        line["decision"] = WAITS
        Verdicts(settings.home.approvals).record(
            Verdict(line, page(line, compared, settings.registry_page, settings.smallest_group))
        )
        return line
    if mode == "enforce":
        registry.set_alias(challenger, CHAMPION)
    return {**line, "decision": "promoted"}


def _admit(settings: Settings, learner: Learner, data: Data, ds: str) -> dict[str, Any]:
    """Whether tonight's champion among generators may hand its rows to a training set, for the report."""
    from training.models.interest_gan.synthetic_rows import publish_admitted
    from training.registry.client import CHAMPION, Registry

    registry = Registry.of(settings)
    champion = registry.aliased(learner.name, CHAMPION)
    if champion is None:
        return {"admission": "refused", "reasons": ["there is no champion"], "numbers": {}}
    served = registry.load(champion).unwrap_python_model()
    admission = publish_admitted(learner, served, data, settings, ds)
    word = "admitted" if admission.admitted else "refused"
    say(f"promote {learner.name}: synthetic rows {word}; {'; '.join(admission.reasons)}")
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
    registry: Registry, learner: Learner, data: Data, challenger: Version, champion: Version | None
) -> Compared:
    """Everyone measured on today's held-out part."""
    from training.evaluate import evaluate
    from training.registry.client import FORGOTTEN

    evaluated = evaluate(registry, challenger, learner, data)
    return Compared(
        unit=learner.unit,
        challenger=evaluated.measured,
        champion=evaluate(registry, champion, learner, data).measured if champion else None,
        baselines=learner.baselines(data),
        slices=learner.slices(data),
        people=learner.people(data),
        score_difference=evaluated.score_difference,
        forgotten=champion.tags.get(FORGOTTEN, "") if champion else "",
        attacked={
            name: float(challenger.tags[name]) for name in _ATTACKED if {name, "epsilon"} <= challenger.tags.keys()
        },
    )


if __name__ == "__main__":
    main()
