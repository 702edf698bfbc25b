"""Train what the gate has let pass once more, on everything, and serve that.

The gate measures weights that have not seen the last days; people get lists of weights that have. The same
configuration is trained on all parts for as many epochs as the validation had found, and takes the place of what was
measured, if it keeps up: on the validation metric that training watches, within the floors and ceilings of the gate,
and with an artefact that scores like the trained model. On the validation it cannot be worse by learning from it, so
that the check finds trainings that went wrong, and not which of the two is better. How far its answers are from those
of the measured weights is reported.

Both stay in the registry, and name each other by their tags. Where the check fails, or the training does, the measured
weights stay champion, and the report says so. `training/configs/gate.yml` has the settings.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.entry_point import in_a_sentence, kept_trace
from contracts.errors import NightshiftError
from contracts.report import say
from contracts.verdicts import champions_now, championships
from training.config import CONFIG_FILE, read_config
from training.gate import ledger
from training.gate.decision import gate_of, limits_broken
from training.privacy.membership import Membership, membership

if TYPE_CHECKING:
    from contracts.settings import Settings
    from training.gate.decision import GateConfig
    from training.learner import Data, Fitted, Learner
    from training.registry.client import Registry, Version

SERVED, REFUSED, SKIPPED, FAILED = "served", "refused", "skipped", "failed"


def refit(
    settings: Settings, registry: Registry, learner: Learner, data: Data, line: dict[str, Any]
) -> dict[str, Any] | None:
    """Let weights that learned from everything take the place of those that a decision made champion, or shadow.

    Args:
        data: of the night, as the gate had them.
        line: the ledger's line of the decision. One that kept a champion ends a refit that was cut off.

    Returns:
        What the report says of it; None where there is nothing to do.
    """
    from training.registry.client import CHAMPION, REFIT_VERSION, SHADOW

    decision, gate = line["decision"], gate_of(learner.name)
    alias = SHADOW if decision == ledger.IN_SHADOW else CHAMPION
    if decision not in (ledger.PROMOTED, ledger.IN_SHADOW, ledger.KEPT) or not gate.refit:
        return None
    judged = registry.aliased(learner.name, alias)
    if judged is None or not _is_due(settings, judged, line):
        return None
    everything = learner.everything(data)
    if everything is None:
        return None
    number = judged.tags.get(REFIT_VERSION)
    if number in registry.numbers(learner.name):  # it was in shadow until now
        return _serve(settings, registry, judged, registry.version(learner.name, number), line, alias, {})
    if reason := _not_affordable(gate, judged):
        say(f"refit {learner.name}: skipped: {reason}")
        return {"decision": SKIPPED, "reasons": [reason]}
    try:
        entry = _Refit(settings, registry, learner, data, everything, judged, gate).run(line, alias)
    except NightshiftError as error:
        entry = {"decision": FAILED, "reasons": [str(error)]}
    except Exception as error:  # whatever it was, what passed the gate is champion, and people get its lists
        sentence = in_a_sentence(error)
        entry = {"decision": FAILED, "reasons": [f"{sentence}{kept_trace(sentence, error)}"]}
    if entry["decision"] != SERVED:
        say(f"refit {learner.name}: {entry['decision']}: version {judged.number} is served; {entry['reasons'][0]}")
    return entry


def _is_due(settings: Settings, judged: Version, line: dict[str, Any]) -> bool:
    """Whether a version was measured on this day and is to be trained on everything.

    Of one that stays champion only where nothing came after its promotion: else a person put it back, and meant it.
    """
    from training.registry.client import DAY, JUDGED, PINNED, WEIGHTS

    if judged.tags.get(WEIGHTS) != JUDGED or judged.tags.get(DAY) != line["ds"]:
        return False
    if line["decision"] != ledger.KEPT:
        return True
    last = [one for one in championships(settings.home.ledger) if one["model"] == judged.model][-1:]
    promoted = [(ledger.PROMOTED, judged.number)]
    return PINNED not in judged.tags and [(one["decision"], str(one["version"])) for one in last] == promoted


def _not_affordable(gate: GateConfig, judged: Version) -> str:
    """Why a version is served as it was measured; empty where it is not."""
    from training.registry.client import EPOCHS, FIT_SECONDS

    if "epsilon" in judged.tags:
        return "a private training is served as it was measured: another one would spend its epsilon once more"
    if EPOCHS not in judged.tags:
        return "it does not say how many epochs its training found"
    minutes = float(judged.tags[FIT_SECONDS]) / 60
    if 0 < gate.refit_minutes < minutes:
        return f"its epochs took {minutes:.0f} minutes, and `refit_minutes` allows {gate.refit_minutes:g}"
    return ""


@dataclass(frozen=True)
class _Refit:
    """One training on everything."""

    settings: Settings
    registry: Registry
    learner: Learner
    data: Data
    everything: Data
    judged: Version
    gate: GateConfig

    def run(self, line: dict[str, Any], alias: str) -> dict[str, Any]:
        """Train, check, register, check the artefact, serve; returns what the report says of it.

        Raises:
            Exception: of any kind, where the training failed or the registry does not answer.
        """
        from training.evaluate import score_difference

        before = self.registry.load(self.judged).unwrap_python_model()
        fitted = self._train(before)
        figures = self._figures(fitted, before)
        if reasons := self._broken(figures):
            return {"decision": REFUSED, "reasons": reasons, "numbers": figures}
        attack = membership(self.learner.membership_scores(fitted, self.everything), {})
        version = self._register(fitted, figures, attack)
        after = self.registry.load(version).unwrap_python_model()
        difference = score_difference(self.registry, version, after)
        if difference is None or difference > self.gate.score_tolerance:
            reason = f"the loaded artefact scores differently from the trained model: by {difference}"
            return {"decision": REFUSED, "version": version.number, "reasons": [reason], "numbers": figures}
        return _serve(self.settings, self.registry, self.judged, version, line, alias, figures)

    def _train(self, before: Any) -> Fitted:
        from training.learner import Context
        from training.registry.client import DAY, EPOCHS

        name = self.learner.name
        config = read_config(self.registry.run_file(self.judged, CONFIG_FILE), self.learner.config)
        folder = self.settings.home.checkpoints / name / f"{self.judged.tags[DAY]}-refit-{self.judged.number}"
        context = Context(
            folder=folder, epochs=int(self.judged.tags[EPOCHS]), say=lambda words: say(f"refit {name}: {words}")
        )
        fitted = self.learner.fit(self.everything, config, context)
        self.learner.keep_calibration(fitted, before)
        shutil.rmtree(folder, ignore_errors=True)
        return fitted

    def _figures(self, fitted: Fitted, before: Any) -> dict[str, float]:
        """The watched metric of both versions, how much of the answers is the same, and what has a floor or ceiling."""
        from training.registry.client import WATCHED

        watched, metrics = self.learner.watched, self.learner.measure(fitted, self.data).metrics
        limited = {name: metrics[name] for name in (*self.gate.floors, *self.gate.ceilings) if name in metrics}
        figures = {
            watched: fitted.epochs[-1][watched],
            f"{watched}_judged": float(self.judged.tags[WATCHED]),
            **self.learner.drift(before, fitted, self.data),
            **limited,
        }
        return {name: round(float(value), 6) for name, value in figures.items()}

    def _broken(self, figures: dict[str, float]) -> list[str]:
        """Why these weights are not served."""
        watched, least = self.learner.watched, -self.gate.refit_tolerance
        own, judged = figures[watched], figures[f"{watched}_judged"]
        reasons = limits_broken(self.gate, figures)
        if not own - judged >= least:  # nor where it is no number
            reasons.append(
                f"{watched} {own:.4f} against {judged:.4f} of version {self.judged.number}, which had not learned from "
                f"it, and must not be below by more than {self.gate.refit_tolerance:g}"
            )
        return reasons

    def _register(self, fitted: Fitted, figures: dict[str, float], attack: Membership | None) -> Version:
        """Keep the weights as a version beside the measured one, which no challenger is."""
        from training.card.charts import plot_epochs
        from training.card.page import served_card
        from training.evaluate import write_parity
        from training.registry.client import (
            DAY,
            EPOCHS,
            JUDGED_VERSION,
            LEARNED_UNTIL,
            REFIT,
            WEIGHTS,
            Registration,
        )
        from training.train import git_commit, parameters_of

        learner, judged, data_hash = self.learner, self.judged, self.everything.content_hash()
        until, ds, epochs = learner.learned_until(self.everything), judged.tags[DAY], judged.tags[EPOCHS]
        config_file = self.registry.run_file(judged, CONFIG_FILE)
        words = (
            f"Trained on {ds} on everything, {epochs} epochs, like version {judged.number}, which had not seen the "
            "test and passed the gate."
        )
        with tempfile.TemporaryDirectory() as folder:
            evidence, artifacts = Path(folder) / "evidence", Path(folder) / "artifacts"
            evidence.mkdir()
            artifacts.mkdir()
            write_parity(evidence, learner, fitted, self.data)
            shutil.copy(config_file, evidence / CONFIG_FILE)
            plot_epochs(fitted.epochs, learner.watched, evidence / "epochs.png")
            card = self.registry.run_file(judged, "card.html").read_text()
            lines = [words, *([] if attack is None else [attack.words])]
            (evidence / "card.html").write_text(served_card(card, judged.number, lines, figures))
            return self.registry.register(
                Registration(
                    model=learner.name,
                    ds=ds,
                    parameters={
                        **parameters_of(read_config(config_file, learner.config)),
                        **self.everything.describe(),
                        **fitted.sizes(),
                        "epochs_run": len(fitted.epochs),
                    },
                    epochs=fitted.epochs,
                    metrics={f"refit_{name.replace('@', '_at_')}": value for name, value in figures.items()},
                    table=learner.table,
                    data_hash=data_hash,
                    files=evidence,
                    artifacts=fitted.save(artifacts),
                    signature=learner.signature,
                    example=learner.example(self.data),
                    requirements=learner.requirements(),
                    tags={
                        DAY: ds,
                        "data_hash": data_hash,
                        "git_commit": git_commit(self.settings),
                        **learner.tags(self.data),
                        WEIGHTS: REFIT,
                        JUDGED_VERSION: judged.number,
                        **({} if until is None else {LEARNED_UNTIL: until}),
                        **({} if attack is None else {"membership_auc": f"{attack.auc:.6g}"}),
                    },
                    description=words,
                    challenger=False,
                )
            )


def _serve(
    settings: Settings,
    registry: Registry,
    judged: Version,
    version: Version,
    line: dict[str, Any],
    alias: str,
    figures: dict[str, float],
) -> dict[str, Any]:
    """Let the alias point to the version that learned from everything; a champion's ledger gets a line of that."""
    from training.registry.client import CHAMPION, REFIT_VERSION

    shares = {name: value for name, value in figures.items() if name.startswith("same_")}
    said = "".join(f"; {name.replace('_', ' ')} {value:.2f}" for name, value in shares.items())
    reason = f"version {judged.number} passed; the same, trained on everything, is served{said}"
    if alias == CHAMPION:
        registry.promote(version)
        own = {"version": version.number, "previous_champion": judged.number, "decision": ledger.REFIT}
        promised = [one.promised for one in champions_now(settings.home.ledger) if one.model == judged.model]
        numbers = {"reasons": [reason], "numbers": figures, "promised": dict(promised[0]) if promised else {}}
        ledger.append(settings.home, {**ledger.new_line(judged.model, line["ds"], dry_run=False), **own, **numbers})
    else:
        registry.set_alias(version, alias)
    registry.set_tag(judged, REFIT_VERSION, version.number)
    say(f"refit {judged.model}: version {version.number}: {reason}")
    return {"decision": SERVED, "version": version.number, "reasons": [reason], "numbers": figures}
