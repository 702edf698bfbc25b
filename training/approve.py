"""Answer a verdict that waits: approve or reject a challenger that passed the gate with `promote --mode ask`.

An approval moves the alias `champion` at once; a rejection moves nothing. The answer is about one version, as it was
shown: an approval is refused when challenger or champion have changed since then. What was approved is trained on
everything, and served. Each answer appends one line to
<home>/ledger.jsonl. An approval needs a name; a rejection without one is written down as an answer that never came.

    python -m training.approve --model next_item --version 3 --ds 2026-11-20 --answer approve --by ada
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings
from contracts.verdicts import Verdicts
from training.arguments import choose_backend, parser
from training.config import known_model, load_learner
from training.gate import ledger
from training.promote import GENERATOR, publish_synthetic_rows
from training.refit import refit

if TYPE_CHECKING:
    from training.registry.client import Registry

ANSWERS = ("approve", "reject")


def main() -> None:
    arguments = parser("training.approve", __doc__)
    arguments.add_argument("--version", required=True, help="number of the version that the answer is about")
    arguments.add_argument("--answer", required=True, choices=ANSWERS)
    arguments.add_argument("--by", help="name of who answers; an approval needs one")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(
        lambda: approve(chosen.model, chosen.ds, chosen.version, answer=chosen.answer, by=chosen.by or None)
    )


def approve(model: str, ds: str, version: str, *, answer: str, by: str | None) -> str:
    """Act on the answer to a verdict that waits; returns `promoted` or `rejected`.

    Args:
        answer: `approve` or `reject`.
        by: name of who answered; None where no answer came in time, which is a rejection.

    Raises:
        ModelError: no such verdict waits, an approval without a name, or challenger or champion have changed.
        RegistryError: the registry does not answer.
        BusyError: another promotion of this model is at work.
    """
    from training.registry.client import Registry

    settings = Settings.from_env()
    known_model(model)
    step = Lake(settings.home.lake).step(f"promote-{model}")
    with step, Report(settings.home.reports, ds).timed("promote", part=model) as fragment:
        registry = Registry.of(settings)
        line = apply_answer(settings, registry, model=model, ds=ds, version=version, answer=answer, by=by)
        ledger.append(settings.home, line)
        entry = {"decision": line["decision"], "by": by, "reasons": line["reasons"]}
        learner = load_learner(model)
        if model == GENERATOR:
            entry["synthetic_rows"] = publish_synthetic_rows(settings, learner, learner.load(settings, ds), ds)
        fragment["models"] = {model: entry}
        Verdicts(settings.home.approvals).forget(model)
        if line["decision"] == ledger.PROMOTED and (
            again := refit(settings, registry, learner, learner.load(settings, ds), line)
        ):
            entry["refit"] = again
    say(f"promote {model}: version {version}: {line['decision']}; {line['reasons'][0]}")
    return line["decision"]


def apply_answer(
    settings: Settings, registry: Registry, *, model: str, ds: str, version: str, answer: str, by: str | None
) -> dict[str, Any]:
    """Move the champion if the answer is an approval; returns the ledger's line of it.

    The verdict waits until the caller has written that line and removes the verdict, so that an answer whose
    processing was cut off can be processed again.

    Raises:
        ModelError: as `approve`.
    """
    verdict = Verdicts(settings.home.approvals).of(model)
    line = verdict.line if verdict is not None else {}
    if (line.get("version"), line.get("ds")) != (version, ds):
        raise ModelError(
            expected=f"a verdict on {model} version {version} of {ds} that waits for an answer",
            received=f"one on version {line['version']} of {line['ds']}" if line else "none",
            remedy=f"run `python -m training.promote --model {model} --ds {ds} --mode ask` first: only what has passed "
            "the gate can be approved",
        )
    line = {**line, "when": ledger.now(), "by": by}
    if answer == "reject":
        reason = f"rejected by {by}" if by else f"no answer in {settings.approval_hours} hours"
        return {**line, "decision": ledger.REJECTED, "reasons": [reason, *line["reasons"]]}
    if not by:
        raise ModelError(
            expected="the name of who approved",
            received="none",
            remedy="answer in Airflow's required actions, or name yourself with --by",
        )
    _promote_as_shown(registry, line)
    return {**line, "decision": ledger.PROMOTED, "reasons": [f"approved by {by}", *line["reasons"]]}


def _promote_as_shown(registry: Registry, line: dict[str, Any]) -> None:
    """Promote the version of a verdict, if challenger and champion are still those that the gate compared.

    An attempt that was cut off before its line was written may have moved `champion`, and removed `challenger` after
    that: both states are promoted again.
    """
    from training.registry.client import CHALLENGER, CHAMPION, FORGOTTEN

    model, number = line["model"], line["version"]
    challenger, champion = registry.aliased(model, CHALLENGER), registry.aliased(model, CHAMPION)
    found = (challenger and challenger.number, champion and champion.number)
    compared = (number, line["previous_champion"])
    if found not in (compared, (number, number), (None, number)):
        raise ModelError(
            expected=f"{_versions(*compared)} of {model}, as when the gate compared them",
            received=_versions(*found),
            remedy=f"nothing was moved; run `python -m training.promote --model {model} --ds {line['ds']} --mode ask` "
            "to compare those that there are now",
        )
    version = challenger or champion
    if FORGOTTEN in version.tags:
        raise ModelError(
            expected="a version that did not learn from people who are to be forgotten",
            received=f"version {number}, which learned from {version.tags[FORGOTTEN]}",
            remedy=f"nothing was moved; run `python -m training.train --model {model} --ds {line['ds']}` again",
        )
    registry.promote(version)


def _versions(challenger: str | None, champion: str | None) -> str:
    named = {"challenger": challenger, "champion": champion}
    return " and ".join(f"{alias} {f'version {number}' if number else 'none'}" for alias, number in named.items())


if __name__ == "__main__":
    main()
