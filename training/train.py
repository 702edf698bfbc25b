"""Train a model on the marts of one day and register it as the challenger.

Reads the model's table of the day (people who agreed to training only), trains with early stopping on a validation
part, tests once on a part that was never looked at, and leaves a run in MLflow: parameters, a curve of every epoch,
metrics beside the baselines, the metric of each test unit with its groups, a model card, and a new version with the
alias `challenger`. It changes no champion: `python -m training.promote` does that. A training that was killed goes on
after its last epoch. With `privacy` in its configuration a training is differentially private: it is charged to the
privacy ledger before it begins, and refused where that is exhausted. With too little data the model is skipped, and
says why.

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

from contracts.errors import NothingToLearn, exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import REPOSITORY, Settings
from training.arguments import choose_backend, parser
from training.card.privacy import Known, read_curve
from training.config import CONFIGS, known_model, load_learner, read_config
from training.privacy.ledger import PrivacyLedger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.learner import Data, Fitted, Learner, Measured

SKIPPED = "skipped"


def main() -> None:
    arguments = parser("training.train", __doc__)
    arguments.add_argument("--config", type=Path, help="YAML of parameters; by default training/configs/<model>.yml")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(lambda: train(chosen.model, chosen.ds, chosen.config))


def train(model: str, ds: str, config_file: Path | None = None) -> str:
    """Train and register; returns the number of the new version, or `skipped` where there is too little to learn from.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: unknown model, wrong configuration, or data that cannot be learned from.
        RegistryError: the registry does not answer.
        BusyError: another training of this model is at work.
    """
    settings = Settings.from_env()
    known_model(model)
    step = Lake(settings.home.lake).step(f"train-{model}")
    with step, Report(settings.home.reports, ds).timed("train", part=model) as fragment:
        learner = load_learner(model)
        config = read_config(config_file or CONFIGS / f"{model}.yml", learner.config)
        try:
            data = learner.load(settings, ds)
        except NothingToLearn as error:
            say(f"train {model}: skipped: {error}")
            fragment["models"] = {model: {"decision": SKIPPED, "reasons": [str(error)]}}
            return SKIPPED
        number, fragment["models"] = _train(settings, learner, data, config, ds)
    return number


def _train(settings: Settings, learner: Learner, data: Data, config: Any, ds: str) -> tuple[str, dict[str, Any]]:
    """The number of the new version, and what the report says of it."""
    from training.learner import Context
    from training.privacy.membership import membership
    from training.registry.client import Registry, Training

    model, sizes, data_hash = learner.name, data.describe(), data.content_hash()
    registry = Registry.of(settings)
    say(f"train {model}: {', '.join(f'{size:,} {name}' for name, size in sizes.items())}")
    fingerprint = hashlib.sha256(f"{data_hash}{config}".encode()).hexdigest()[:12]
    checkpoints = settings.home.checkpoints / model
    context = Context(
        folder=checkpoints / f"{ds}-{fingerprint}",
        tensorboard=settings.home.tensorboard / model / f"{ds}-{fingerprint}",
        say=lambda line: say(f"train {model}: {line}"),
    )
    spent = learner.spending(data, config)
    private = {}
    if spent is not None:
        ledger = PrivacyLedger.of(settings)
        given = ledger.charge(spent, table=learner.table, model=model, ds=ds, fingerprint=fingerprint)
        private = {**spent.parameters(), "private_table_epsilon": given}
        say(f"train {model}: epsilon {spent.epsilon:g}; with it {given:.2f} of {ledger.budget:g} of {learner.table}")
    fitted = learner.fit(data, config, context)
    sizes = {**sizes, **fitted.sizes()}
    measured, baselines = learner.measure(fitted, data), learner.baselines(data)
    scores = [f"{one.value:.4f} {name}" for name, one in {"the model": measured, **baselines}.items()]
    say(f"train {model}: {measured.metric} of the test {learner.unit}: {', '.join(scores)}")
    attack = membership(learner, fitted, data, measured)
    attacked = {} if attack is None else {"membership_auc": attack.auc}
    if attack is not None:
        say(f"train {model}: {attack.words}")

    with tempfile.TemporaryDirectory() as folder:
        evidence = Path(folder) / "evidence"
        privacy = Known(spent, private.get("private_table_epsilon"), attack, read_curve(settings, model))
        _write_evidence(evidence, learner, data, fitted, config, measured, baselines, ds=ds, privacy=privacy)
        version = registry.register(
            Training(
                model=model,
                ds=ds,
                parameters={**_parameters(config), **private, **sizes, "epochs_run": len(fitted.epochs)},
                epochs=fitted.epochs,
                metrics={
                    **_flat_metrics({"test": measured, **{f"baseline_{k}": v for k, v in baselines.items()}}),
                    **attacked,
                    **private,
                },
                table=learner.table,
                data_hash=data_hash,
                files=evidence,
                artifacts=fitted.save(_new_folder(Path(folder) / "artifacts")),
                signature=learner.signature,
                example=learner.example(data),
                requirements=learner.requirements(),
                tags={
                    "ds": ds,
                    "data_hash": data_hash,
                    "git_commit": _git_commit(),
                    **{name: f"{value:.6g}" for name, value in attacked.items()},
                    **({} if spent is None else {"epsilon": f"{spent.epsilon:g}", "delta": f"{spent.delta:g}"}),
                },
                description=_description(ds, learner.unit, measured, baselines),
            )
        )
    if spent is not None:
        ledger.ended(fingerprint, version.number)
    shutil.rmtree(checkpoints, ignore_errors=True)
    say(f"train {model}: registered version {version.number} as challenger")
    return version.number, {
        model: {
            "version": version.number,
            "metric": measured.metric,
            "metrics": dict(measured.metrics),
            "baselines": {name: dict(baseline.metrics) for name, baseline in baselines.items()},
            "held_out": len(measured.values),
            **attacked,
            **private,
            **sizes,
        }
    }


def _parameters(config: Any) -> dict[str, Any]:
    """The configuration as a run's parameters; `privacy` in a flat form."""
    flat = dataclasses.asdict(config)
    privacy = flat.pop("privacy", {})
    return {**flat, **{f"privacy_{name}": value for name, value in privacy.items()}}


def _description(ds: str, unit: str, measured: Measured, baselines: Mapping[str, Measured]) -> str:
    """What the version was trained on and how well it does, beside the baselines."""
    scores = ", ".join(f"{one.value:.4f} {name}" for name, one in {"this model": measured, **baselines}.items())
    return f"Trained on {ds}. {measured.metric} on {len(measured.values):,} held-out {unit}: {scores}."


def _flat_metrics(found: Mapping[str, Measured]) -> dict[str, float]:
    """Metrics by names that MLflow allows: `@` is written `_at_`."""
    return {
        f"{name}_{metric.replace('@', '_at_')}": value
        for name, one in found.items()
        for metric, value in one.metrics.items()
    }


def _write_evidence(
    folder: Path,
    learner: Learner,
    data: Data,
    fitted: Fitted,
    config: Any,
    measured: Measured,
    baselines: Mapping[str, Measured],
    *,
    ds: str,
    privacy: Known,
) -> None:
    """Write what stays beside the run: the metric of each unit, scores to compare with, pictures, the card.

    Units stand there with their groups and without any id: a run outlives the people it was measured on.
    """
    import numpy as np

    from training.card.charts import plot_epochs
    from training.card.page import write_card

    _new_folder(folder)
    units = learner.slices(data).reset_index(drop=True)
    for name, one in {"model": measured, **baselines}.items():
        units[f"{name}_{one.metric.replace('@', '_at_')}"] = one.values
    units.to_parquet(folder / "units.parquet", index=False)
    inputs = learner.parity_inputs(fitted, data)
    arrays = {f"input_{place}": one for place, one in enumerate(inputs)}
    np.savez_compressed(folder / "parity.npz", scores=fitted.score(*inputs), **arrays)
    plot_epochs(fitted.epochs, learner.watched, folder / "epochs.png")
    write_card(folder, learner, data, fitted, config, measured, baselines, ds=ds, privacy=privacy)


def _new_folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _git_commit() -> str:
    """The commit that is checked out, or `unknown` where this is no checkout."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()


if __name__ == "__main__":
    main()
