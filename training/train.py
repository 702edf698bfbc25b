"""Train a model on the marts of one day and register it as the challenger.

Reads the model's table of the day (people who agreed to training only), trains with early stopping on a validation
part, and measures once on a test part that was never looked at: the last days, where the data have days. It leaves a
run in MLflow: parameters, a curve of every epoch, metrics beside the baselines, the metric of each test unit with its
groups, a model card, and a new version with the alias `challenger`. It moves no champion: `python -m training.promote`
does that. A training that was killed resumes after its last epoch. With `privacy` in its configuration a training is
differentially private: it is charged to the privacy ledger before it begins, and refused where the ledger is exhausted.
With too little data the model is skipped, and the report says why.

Parameters are those of --config, else those that `python -m training.tune` kept in <home>/configs/<model>.yml, else
those of training/configs/<model>.yml.

    python -m training.train --model next_item --ds 2026-11-20
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.entry_point import exit_with_sentence
from contracts.errors import NothingToLearn
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import REPOSITORY, Settings
from training.arguments import choose_backend, parser
from training.config import CONFIG_FILE, config_of, known_model, load_learner, read_config, write_config
from training.isolation import own_trouble
from training.privacy.ledger import PrivacyLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from training.learner import Data, Learner, Measured, Trained
    from training.off_policy.estimate import WouldHaveEarned
    from training.privacy.accounting import Spending
    from training.registry.client import Registry, Version

SKIPPED = "skipped"

TEST = "test"
"""What the names of the model's own metrics begin with in a run, and the name of its interval."""


def main() -> None:
    arguments = parser("training.train", __doc__)
    arguments.add_argument("--config", type=Path, help="YAML of parameters; by default the best that are known")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(lambda: train_alone(chosen.model, chosen.ds, chosen.config))


def train_alone(model: str, ds: str, config_file: Path | None = None) -> str:
    """`train`, whose trouble of any kind ends in a sentence and stands in the report under the model's name."""
    with own_trouble(model, ds, step="train"):
        return train(model, ds, config_file)


def train(model: str, ds: str, config_file: Path | None = None) -> str:
    """Train and register; returns the number of the new version, or `skipped` where there is too little to learn from.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: unknown model, wrong configuration, data that cannot be learned from, or a registry that has no
            place for a version.
        RegistryError: the registry does not answer.
        BusyError: another training of this model is at work.
    """
    settings = Settings.from_env()
    known_model(model)
    step = Lake(settings.home.lake).step(f"train-{model}")
    with step, Report(settings.home.reports, ds).timed("train", part=model) as fragment:
        learner = load_learner(model)
        config = _configuration(settings, learner, config_file)
        try:
            data = learner.load(settings, ds)
        except NothingToLearn as error:
            say(f"train {model}: skipped: {error}")
            fragment["models"] = {model: {"decision": SKIPPED, "reasons": [str(error)]}}
            return SKIPPED
        from training.registry.client import CHALLENGER, DAY, Registry

        registry = Registry.of(settings)  # before the training: a registry that takes no version costs no hours
        registry.require_experiment(model)
        trained = _train(settings, learner, data, config, ds)
        version = _register(settings, registry, trained)
        if trained.spending is not None:
            PrivacyLedger.of(settings).ended(_fingerprint(trained.data_hash, config), version.number)
        shutil.rmtree(settings.home.checkpoints / model, ignore_errors=True)
        challenger = registry.aliased(model, CHALLENGER)
        if challenger is None or challenger.number == version.number:
            say(f"train {model}: registered version {version.number} as challenger")
        else:
            later = f"version {challenger.number}, which learned from {challenger.tags.get(DAY)}, stays challenger"
            say(f"train {model}: registered version {version.number}; {later}")
        fragment["models"] = {model: _report_entry(trained, version)}
    return version.number


def git_commit(settings: Settings, folder: Path = REPOSITORY) -> str:
    """The commit that is checked out; where this is no checkout, the release of the image, or `unknown`."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"release {settings.release}" if settings.release else "unknown"
    return found.stdout.strip()


def _configuration(settings: Settings, learner: Learner, file: Path | None) -> Any:
    if file is None:
        file = config_of(settings, learner.name)
        if file.is_relative_to(settings.home.configs):
            say(f"train {learner.name}: parameters that tuning found: {file}")
    return read_config(file, learner.config)


def _fingerprint(data_hash: str, config: Any) -> str:
    """Equal for trainings of the same configuration on the same data, which resume from each other's checkpoints."""
    return hashlib.sha256(f"{data_hash}{config}".encode()).hexdigest()[:12]


def _train(settings: Settings, learner: Learner, data: Data, config: Any, ds: str) -> Trained:
    """Charge the privacy ledger, fit, measure, attack."""
    from training.gate.decision import bootstrap_interval, gate_of
    from training.learner import Context, Trained
    from training.off_policy.estimate import estimate_of
    from training.privacy.membership import membership

    model, data_hash = learner.name, data.content_hash()
    say(f"train {model}: {', '.join(f'{size:,} {name}' for name, size in data.describe().items())}")
    fingerprint = _fingerprint(data_hash, config)
    spending = learner.spending(data, config)
    table_epsilon = _charge(settings, learner, spending, ds=ds, fingerprint=fingerprint)
    context = Context(
        folder=settings.home.checkpoints / model / f"{ds}-{fingerprint}",
        tensorboard=settings.home.tensorboard / model / f"{ds}-{fingerprint}",
        say=lambda line: say(f"train {model}: {line}"),
    )
    fitted = learner.fit(data, config, context)
    measured, baselines = learner.measure(fitted, data), learner.baselines(data)
    scores = _scores("the model", measured, baselines)
    say(f"train {model}: {measured.metric} of the test {learner.unit}: {scores}")
    gate = gate_of(model)
    intervals = {name: bootstrap_interval(one.values, gate) for name, one in _by_prefix(measured, baselines).items()}
    low, high = intervals[TEST]
    say(
        f"train {model}: {gate.confidence:.0%} interval of the model's {measured.metric} on {len(measured.values):,} "
        f"{learner.unit}: {low:.4f} to {high:.4f}"
    )
    attack = membership(learner.membership_scores(fitted, data), measured.metrics)
    if attack is not None:
        say(f"train {model}: {attack.words}")
    would_have_earned = estimate_of(settings, learner, fitted, data, ds)
    if would_have_earned is not None and would_have_earned.explored:
        say(f"train {model}: {would_have_earned.words}")
    return Trained(
        learner=learner,
        config=config,
        ds=ds,
        data=data,
        data_hash=data_hash,
        fitted=fitted,
        measured=measured,
        baselines=baselines,
        intervals=intervals,
        attack=attack,
        would_have_earned=would_have_earned,
        spending=spending,
        table_epsilon=table_epsilon,
    )


def _charge(
    settings: Settings, learner: Learner, spending: Spending | None, *, ds: str, fingerprint: str
) -> float | None:
    """Charge a private training to the privacy ledger; the epsilon of its table in all, None for a plain training."""
    if spending is None:
        return None
    ledger = PrivacyLedger.of(settings)
    table_epsilon = ledger.charge(spending, table=learner.table, model=learner.name, ds=ds, fingerprint=fingerprint)
    say(
        f"train {learner.name}: epsilon {spending.epsilon:g}; with it {table_epsilon:.2f} of {ledger.budget:g} of "
        f"{learner.table}"
    )
    return table_epsilon


def _register(settings: Settings, registry: Registry, trained: Trained) -> Version:
    """Write evidence and files of the model, and keep both as a new version in the registry."""
    from training.registry.client import Registration

    learner, spending = trained.learner, trained.spending
    with tempfile.TemporaryDirectory() as folder:
        evidence, artifacts = Path(folder) / "evidence", Path(folder) / "artifacts"
        evidence.mkdir()
        artifacts.mkdir()
        _write_evidence(settings, evidence, trained)
        return registry.register(
            Registration(
                model=trained.model,
                ds=trained.ds,
                parameters={
                    **parameters_of(trained.config),
                    **trained.privacy_figures,
                    **trained.sizes,
                    "epochs_run": len(trained.fitted.epochs),
                },
                epochs=trained.fitted.epochs,
                metrics={
                    **_flat_metrics(_by_prefix(trained.measured, trained.baselines)),
                    **_flat_intervals(trained.measured.metric, trained.intervals),
                    **trained.off_policy_figures,
                    **trained.attack_figures,
                    **trained.privacy_figures,
                },
                table=learner.table,
                data_hash=trained.data_hash,
                files=evidence,
                artifacts=trained.fitted.save(artifacts),
                signature=learner.signature,
                example=learner.example(trained.data),
                requirements=learner.requirements(),
                tags={
                    "ds": trained.ds,
                    "data_hash": trained.data_hash,
                    "git_commit": git_commit(settings),
                    **learner.tags(trained.data),
                    **_what_it_saw(trained),
                    **{name: f"{value:.6g}" for name, value in trained.attack_figures.items()},
                    **_off_policy(trained, lambda found: found.words),
                    **(
                        {} if spending is None else {"epsilon": f"{spending.epsilon:g}", "delta": f"{spending.delta:g}"}
                    ),
                },
                description=_description(trained),
            )
        )


def _what_it_saw(trained: Trained) -> dict[str, str]:
    """The tags by which the gate knows which days a version has seen, and a refit what to train."""
    from training.registry.client import EPOCHS, FIT_SECONDS, JUDGED, LEARNED_UNTIL, WATCHED, WEIGHTS

    until, epochs = trained.learner.learned_until(trained.data), trained.fitted.epochs
    watched = [epoch[trained.learner.watched] for epoch in epochs]
    best = len(epochs) if trained.spending is not None else watched.index(max(watched)) + 1
    return {
        WEIGHTS: JUDGED,
        **({} if until is None else {LEARNED_UNTIL: until}),
        EPOCHS: str(best),
        WATCHED: f"{watched[best - 1]:.6g}",
        FIT_SECONDS: f"{sum(epoch['epoch_seconds'] for epoch in epochs[:best]):.1f}",
    }


def _write_evidence(settings: Settings, folder: Path, trained: Trained) -> None:
    """Write what stays beside the run: the metric of each unit, scores to compare with, charts, the card.

    Units stand there with their groups and without any id: a run outlives the people it was measured on.
    """
    from training.card.charts import plot_epochs
    from training.card.page import write_card
    from training.card.privacy import read_curve
    from training.evaluate import write_parity
    from training.gate.decision import gate_of

    learner, fitted = trained.learner, trained.fitted
    units = learner.slices(trained.data).reset_index(drop=True)
    for name, one in {"model": trained.measured, **trained.baselines}.items():
        units[f"{name}_{one.metric.replace('@', '_at_')}"] = one.values
    units.to_parquet(folder / "units.parquet", index=False)
    write_parity(folder, learner, fitted, trained.data)
    write_config(folder / CONFIG_FILE, trained.config, comments=[f"{trained.model} of {trained.ds}"])
    plot_epochs(fitted.epochs, learner.watched, folder / "epochs.png")
    write_card(
        folder,
        trained,
        gate=gate_of(trained.model),
        smallest_group=settings.smallest_group,
        curve=read_curve(settings, trained.model),
    )


def _report_entry(trained: Trained, version: Version) -> dict[str, Any]:
    """What the night's report says of a training."""
    return {
        "version": version.number,
        "metric": trained.measured.metric,
        "metrics": dict(trained.measured.metrics),
        "interval": [round(end, 6) for end in trained.intervals[TEST]],
        "baselines": {name: dict(baseline.metrics) for name, baseline in trained.baselines.items()},
        "held_out": len(trained.measured.values),
        **_off_policy(trained, lambda found: found.report),
        **trained.attack_figures,
        **trained.privacy_figures,
        **trained.sizes,
        **trained.learner.tags(trained.data),
    }


def _off_policy(trained: Trained, said: Callable[[WouldHaveEarned], Any]) -> dict[str, Any]:
    """What is said of the lists that it would have made, under `off_policy`; nothing where no campaign explores."""
    found = trained.would_have_earned
    return {"off_policy": said(found)} if found is not None and found.explored else {}


def parameters_of(config: Any) -> dict[str, Any]:
    """The configuration as a run's parameters; `privacy` in a flat form."""
    flat = dataclasses.asdict(config)
    privacy = flat.pop("privacy", {})
    return {**flat, **{f"privacy_{name}": value for name, value in privacy.items()}}


def _description(trained: Trained) -> str:
    """The day and the deciding metric beside the baselines, in a sentence."""
    measured = trained.measured
    return (
        f"Trained on {trained.ds}. {measured.metric} on {len(measured.values):,} held-out {trained.learner.unit}: "
        f"{_scores('this model', measured, trained.baselines)}."
    )


def _scores(name: str, measured: Measured, baselines: Mapping[str, Measured]) -> str:
    return ", ".join(f"{one.value:.4f} {whose}" for whose, one in {name: measured, **baselines}.items())


def _by_prefix(measured: Measured, baselines: Mapping[str, Measured]) -> dict[str, Measured]:
    """The model and its baselines, by what the names of their metrics begin with in a run."""
    return {TEST: measured, **{f"baseline_{name}": one for name, one in baselines.items()}}


def _flat_intervals(metric: str, intervals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Both ends of each interval of the deciding metric, by names that MLflow allows."""
    return {
        f"{name}_{metric.replace('@', '_at_')}_{end}": value
        for name, ends in intervals.items()
        for end, value in zip(("low", "high"), ends, strict=True)
    }


def _flat_metrics(found: Mapping[str, Measured]) -> dict[str, float]:
    """Metrics by names that MLflow allows: `@` is written `_at_`."""
    return {
        f"{name}_{metric.replace('@', '_at_')}": value
        for name, one in found.items()
        for metric, value in one.metrics.items()
    }


if __name__ == "__main__":
    main()
