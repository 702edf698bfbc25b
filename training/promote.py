"""Let the challenger of a model become its champion, if it has earned it on the held-out part of one day.

Challenger, champion and baselines are measured on the same people, pictures or rows; the first two from their
registered artefacts, loaded in this process, which is not the one that trained them. The rules are in
training/configs/gate.yml. A promotion moves the alias `champion` and removes the alias `challenger`; every decision
appends one line to <home>/ledger.jsonl. A model that has too little data tonight is skipped, and the line says why.
Several models are decided on one by one, and trouble with one, of any kind, does not stop the others: the report names
it, and the exit status says so. A challenger that learned from an earlier day than the champion is refused, and so is
one that has been champion already, or that has seen the days on which it would be measured; a champion with the tag
`pinned` stays. What was promoted is trained again on everything, compared with what was measured, and served in its
place (`training/refit.py`).

With --mode dry_run the decision is made and no alias moves. With --mode ask a challenger that passed the gate waits for
a person, who answers with `python -m training.approve`. With --mode shadow a challenger that passed, of a model that
ranks items, gets the alias `shadow`: it scores everybody each night, is shown to nobody, and the night after says what
its lists would have been worth. Of other models the decision is made, and nothing moves.

With --back-to a version that has been champion is put back by a person, without the gate, and the ledger gets its line
of that. With --champion-on the ledger says who was champion on a day by the clock (UTC).

    python -m training.promote --model next_item response --ds 2026-11-20 --mode dry_run
    python -m training.promote --model next_item --back-to 3 --by ada
    python -m training.promote --model next_item response --champion-on 2026-11-21
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.arguments import day
from contracts.entry_point import exit_with_sentence
from contracts.errors import TRANSIENT_EXIT_CODE, ModelError, NightshiftError, NothingToLearn
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.verdicts import Verdict, Verdicts
from training.arguments import choose_backend, parser
from training.config import known_model, load_learner
from training.gate import ledger
from training.gate.approval_page import approval_page
from training.gate.decision import Compared, decide, gate_of
from training.gate.seen_days import fair_champion, leak
from training.isolation import own_trouble
from training.put_back import champion_on, put_back
from training.refit import refit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.learner import Data, Learner
    from training.registry.client import Registry, Version

MODES = ("enforce", "dry_run", "ask", "shadow")

_ATTACKS = ("membership_auc",)
"""Tags of a version that say how well an attack on it does; of private versions the gate limits them."""

GENERATOR = "interest_gan"
"""The model whose champion makes synthetic rows for another model's training, if the admission gate lets it."""


def main() -> None:
    arguments = parser("training.promote", __doc__, several=True, needs_day=False)
    arguments.add_argument(
        "--mode",
        choices=MODES,
        default="enforce",
        help="dry_run moves no alias; ask lets what passed wait for a person; shadow lets it score without being shown "
        "(default enforce)",
    )
    arguments.add_argument("--back-to", metavar="N", help="put this version back, which has been champion before")
    arguments.add_argument("--by", metavar="NAME", help="name of who puts it back")
    arguments.add_argument("--champion-on", type=day, metavar="DAY", help="say who was champion then, by the ledger")
    chosen = arguments.parse_args()
    if [chosen.ds, chosen.back_to, chosen.champion_on].count(None) != 2:
        arguments.error("expected one of --ds, --back-to and --champion-on: to decide, to go back, or to look")
    if not chosen.model and not chosen.ds:
        arguments.error("expected --model MODEL, but received none")
    if chosen.champion_on:
        exit_with_sentence(lambda: print(*champion_on(chosen.model, chosen.champion_on), sep="\n"))
    elif chosen.back_to:
        if len(chosen.model) > 1 or chosen.mode not in ("enforce", "dry_run"):
            arguments.error("expected one model, and --mode enforce or dry_run, beside --back-to")
        choose_backend(chosen.backend)
        dry_run = chosen.mode == "dry_run"
        exit_with_sentence(lambda: put_back(chosen.model[0], chosen.back_to, by=chosen.by, dry_run=dry_run))
    else:
        choose_backend(chosen.backend)
        exit_with_sentence(lambda: promote_each(chosen.model, chosen.ds, mode=chosen.mode))


def promote_each(models: Sequence[str], ds: str, *, mode: str = "enforce") -> None:
    """Decide on the challengers of several models.

    Raises:
        NightshiftError: after all were tried, an error of one of them; a transient one if there is any.
    """
    if not models:
        say(f"promote {ds}: no model was trained, and there is nothing to decide")
    errors = []
    for model in models:
        try:
            with own_trouble(model, ds, step="promote"):
                promote(model, ds, mode=mode)
        except NightshiftError as error:
            say(f"promote {model}: failed: {error}")
            errors.append(error)
    if errors:
        raise max(errors, key=lambda error: error.exit_code == TRANSIENT_EXIT_CODE)


def promote(model: str, ds: str, *, mode: str = "enforce") -> str:
    """Decide on the challenger of one model; returns the decision.

    It is `promoted`, `refused`, `kept` where there is no challenger beside the champion, `skipped`, with `ask`
    `awaiting approval`, or with `shadow` `in shadow`.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: there is neither challenger nor champion, or the challenger was trained on a later day.
        RegistryError: the registry does not answer.
        BusyError: another promotion of this model is at work.
    """
    from training.registry.client import SHADOWED

    known_model(model)
    settings, unseen = Settings.from_env(), mode == "shadow" and model not in SHADOWED
    mode = "dry_run" if unseen else mode
    dry_run = mode == "dry_run"
    step = Lake(settings.home.lake).step(f"promote-{model}")
    with step, Report(settings.home.reports, ds).timed("promote", part=model) as fragment:
        if not dry_run:
            Verdicts(settings.home.approvals).forget(model)
        candidates = _look_up(settings, model)  # before the work: what people deleted there ends it at once
        learner = load_learner(model)
        try:
            data = learner.load(settings, ds)
        except NothingToLearn as error:
            line = {**ledger.new_line(model, ds, dry_run=dry_run), "reasons": [str(error)]}
        else:
            line = _decide(settings, candidates, learner, data, ds, mode=mode)
        if unseen:
            line["reasons"] = [*line["reasons"], "it ranks no items, so that nothing of it can be in shadow"]
        ledger.append(settings.home, line)
        entry = {"decision": line["decision"], "reasons": line["reasons"]}
        if line["forgotten"]:
            entry["forgotten"] = line["forgotten"]
        if line["off_policy"]:
            entry["off_policy"] = line["off_policy"]
        if dry_run:
            entry["dry_run"] = True
        elif line["decision"] != ledger.SKIPPED and (
            again := refit(settings, candidates.registry, learner, data, line)
        ):
            entry["refit"] = again
        if not dry_run and model == GENERATOR and line["decision"] not in (ledger.SKIPPED, ledger.AWAITING_APPROVAL):
            entry["synthetic_rows"] = publish_synthetic_rows(settings, learner, data, ds)
        fragment["models"] = {model: entry}
    of_version = f"version {line['version']}: " if line["version"] else ""
    headline = f"promote {model}: {of_version}{line['decision']}{' (dry run)' if dry_run else ''}"
    say("; ".join([headline, *line["reasons"]]))
    if line["off_policy"]:
        say(f"promote {model}: {line['off_policy']['words']}")
    return line["decision"]


def publish_synthetic_rows(settings: Settings, learner: Learner, data: Data, ds: str) -> dict[str, Any]:
    """Publish rows of the generator's champion, if the admission gate lets them; returns what the report says of it."""
    from training.models.interest_gan.synthetic_rows import publish_rows_of_champion
    from training.registry.client import Registry

    admission = publish_rows_of_champion(settings, Registry.of(settings), learner, data, ds)
    word = "admitted" if admission.admitted else "refused"
    say(f"promote {learner.name}: synthetic rows {word}; {'; '.join(admission.reasons)}")
    return {"admission": word, "reasons": admission.reasons, "numbers": admission.numbers}


@dataclass(frozen=True)
class _Candidates:
    """The versions of a model that a decision is about."""

    registry: Registry
    challenger: Version | None
    champion: Version | None


def _look_up(settings: Settings, model: str) -> _Candidates:
    """Challenger and champion, both as training registers a version.

    Raises:
        ModelError: an alias points to a version that training did not register, or that lost its tags.
        RegistryError: the registry does not answer.
    """
    from training.registry.client import CHALLENGER, CHAMPION, Registry

    registry = Registry.of(settings)
    found = _Candidates(registry, registry.aliased(model, CHALLENGER), registry.aliased(model, CHAMPION))
    for version in (found.challenger, found.champion):
        if version is not None:
            registry.require_trained(version)
    return found


def _decide(
    settings: Settings, candidates: _Candidates, learner: Learner, data: Data, ds: str, *, mode: str
) -> dict[str, Any]:
    """The ledger's line of the decision; where it is a promotion the aliases have moved, or the verdict waits."""
    from training.registry.client import FORGOTTEN, SHADOW

    model, registry = learner.name, candidates.registry
    challenger, champion = candidates.challenger, candidates.champion
    line = ledger.new_line(model, ds, dry_run=mode == "dry_run")
    if champion is not None:
        line |= {"previous_champion": champion.number, "forgotten": champion.tags.get(FORGOTTEN)}
        if challenger is None or challenger.number == champion.number:
            if challenger is not None and mode == "enforce":
                registry.promote(challenger)  # ends a promotion that was cut off
            reason = f"version {champion.number} is champion already"
            return {**line, "version": champion.number, "decision": ledger.KEPT, "reasons": [reason]}
        if outcome := _without_comparison(challenger, champion, ds):
            decision, reason = outcome
            return {**line, "version": challenger.number, "decision": decision, "reasons": [reason]}
    _require_challenger(model, challenger, ds)
    line["version"] = challenger.number
    if FORGOTTEN in challenger.tags:
        reason = f"it learned from {challenger.tags[FORGOTTEN]} who are to be forgotten: train again"
        return {**line, "decision": ledger.REFUSED, "reasons": [reason]}
    if reason := leak(challenger, learner.tested_from(data)):
        return {**line, "decision": ledger.REFUSED, "reasons": [reason]}
    compared = _compare(settings, registry, learner, data, ds, challenger=challenger, champion=champion)
    decision = decide(gate_of(model), compared)
    line |= {"reasons": decision.reasons, "numbers": decision.numbers, "promised": decision.promised}
    if compared.would_have_earned is not None and compared.would_have_earned.explored:
        line["off_policy"] = compared.would_have_earned.report
    if not decision.promoted:
        return {**line, "decision": ledger.REFUSED}
    if mode == "ask":
        line["decision"] = ledger.AWAITING_APPROVAL
        page = approval_page(line, compared, settings.registry_page, settings.smallest_group)
        Verdicts(settings.home.approvals).record(Verdict(line, page))
        return line
    if mode == "shadow":
        registry.set_alias(challenger, SHADOW)
        return {**line, "decision": ledger.IN_SHADOW}
    if mode == "enforce":
        registry.promote(challenger)
    return {**line, "decision": ledger.PROMOTED}


def _without_comparison(challenger: Version, champion: Version, ds: str) -> tuple[str, str] | None:
    """Decision and reason where no comparison could let the challenger pass; None where they are to be compared."""
    from training.registry.client import DAY, PINNED, PROMOTED

    if PINNED in champion.tags:
        return (
            ledger.KEPT,
            f"version {champion.number} is champion and pinned: delete its tag `{PINNED}` to let it go",
        )
    if champion.tags[DAY] > min(challenger.tags[DAY], ds):
        days = f"the champion, version {champion.number}, learned from a later day, {champion.tags[DAY]}"
        return ledger.REFUSED, f"{days}: version {challenger.number} learned from {challenger.tags[DAY]}"
    if PROMOTED in challenger.tags:
        reason = f"version {challenger.number} has been champion, and version {champion.number} was put back by hand"
        return ledger.KEPT, f"{reason}: only a version that is trained from now on can replace it"
    return None


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
    settings: Settings,
    registry: Registry,
    learner: Learner,
    data: Data,
    ds: str,
    *,
    challenger: Version,
    champion: Version | None,
) -> Compared:
    """Challenger, champion and baselines, measured on the held-out part of the day."""
    from training.evaluate import evaluate
    from training.off_policy.estimate import estimate_of
    from training.registry.client import FORGOTTEN

    stand_in, note = (None, "") if champion is None else fair_champion(registry, champion, learner.tested_from(data))
    served = None if stand_in is None else registry.load(stand_in).unwrap_python_model()
    evaluated = evaluate(registry, challenger, learner, data)
    return Compared(
        unit=learner.unit,
        challenger=evaluated.measured,
        champion=None if served is None else learner.measure(served, data),
        baselines=learner.baselines(data),
        slices=learner.slices(data),
        people=learner.people(data),
        score_difference=evaluated.score_difference,
        forgotten=champion.tags.get(FORGOTTEN, "") if champion else "",
        attack_figures={
            name: float(challenger.tags[name]) for name in _ATTACKS if {name, "epsilon"} <= challenger.tags.keys()
        },
        would_have_earned=estimate_of(settings, learner, evaluated.served, data, ds),
        champion_note=note,
    )


if __name__ == "__main__":
    main()
