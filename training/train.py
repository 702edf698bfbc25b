"""Train a model on the marts of one day and register it as the challenger.

Reads lake/training_sequences of the day (people who agreed to training only), trains with early stopping on the item
before each person's last, tests once on the last, and leaves a run in MLflow: parameters, a curve of every epoch,
metrics beside the popularity and recency baselines, metrics of each person, a plot, and a new version with the alias
`challenger`. It changes no champion: `python -m training.promote` does that.

    python -m training.train --model next_item --ds 2026-11-20
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from contracts.errors import exit_with_sentence
from contracts.report import Report, say
from contracts.settings import REPOSITORY, Settings
from training.config import CONFIGS, known_model, read_config
from training.entry import load_day, parser, quiet_tensorflow

FEWEST_PEOPLE = 10
"""Below this many held-out people nothing that is measured means anything."""

PARITY_PEOPLE = 64
"""Histories whose scores are kept, to see whether the loaded artefact gives the same ones."""


def main() -> None:
    arguments = parser("training.train", __doc__)
    arguments.add_argument("--config", type=Path, help="YAML of parameters; by default training/configs/<model>.yml")
    chosen = arguments.parse_args()
    exit_with_sentence(lambda: train(chosen.model, chosen.ds, chosen.config))


def train(model: str, ds: str, config_file: Path | None = None) -> str:
    """Train and register; returns the number of the new version.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: unknown model, wrong configuration, or too few people.
        RegistryError: the registry does not answer.
    """
    settings = Settings.from_env()
    known_model(model)
    quiet_tensorflow()
    from training import fitting
    from training.data import require_held_out
    from training.models.next_item import NextItemConfig
    from training.registry import Registry, Training

    with Report(settings.reports, ds).timed("train") as fragment:
        config = read_config(config_file or CONFIGS / f"{model}.yml", NextItemConfig)
        sequences = load_day(settings, ds)
        require_held_out(sequences, at_least=FEWEST_PEOPLE)
        registry = Registry.of(settings)
        people, acts, items = len(sequences.person_ids), len(sequences.acts), len(sequences.item_ids)
        say(f"train {model}: {people:,} people, {acts:,} acts, {items:,} items")

        fitted = fitting.fit(sequences, config, say=say)
        score = fitting.scorer(fitted.ranker.predict_on_batch, max_length=config.max_length)
        ranking = fitting.rank_test(score, sequences, fitted.vocabulary)
        baselines = fitting.rank_baselines(sequences)
        scores = [f"{one.summary()['ndcg@10']:.4f} {name}" for name, one in {"the model": ranking, **baselines}.items()]
        say(f"train {model}: NDCG@10 of the test items: {', '.join(scores)}")

        data_hash = sequences.content_hash()
        with tempfile.TemporaryDirectory() as folder:
            version = registry.register(
                Training(
                    model=model,
                    ds=ds,
                    parameters=fitting.parameters(config, fitted, sequences),
                    epochs=fitted.epochs,
                    metrics=_flat_metrics({"test": ranking, **{f"baseline_{k}": v for k, v in baselines.items()}}),
                    table="training_sequences",
                    data_hash=data_hash,
                    files=_evidence(Path(folder) / "files", sequences, fitted, ranking, baselines, score),
                    code=Path(__file__).with_name(f"{model}_pyfunc.py"),
                    artifacts=_artifacts(Path(folder), fitted),
                    example=[str(item) for item in fitted.vocabulary.item_ids[:2]],
                    tags={"ds": ds, "data_hash": data_hash, "git_commit": _git_commit()},
                    description=_description(ds, len(sequences.held_out), ranking, baselines),
                )
            )
        say(f"train {model}: registered version {version.number} as challenger")
        fragment["models"] = {
            model: {
                "version": version.number,
                "metrics": dict(ranking.summary()),
                "baselines": {name: dict(baseline.summary()) for name, baseline in baselines.items()},
                "people": len(sequences.held_out),
                "items": len(fitted.vocabulary),
            }
        }
    return version.number


def _description(ds: str, people: int, ranking, baselines) -> str:
    """What the version was trained on and how well it ranks, beside the baselines."""
    found = {"this model": ranking, **baselines}
    scores = ", ".join(f"{one.summary()['ndcg@10']:.4f} {name}" for name, one in found.items())
    return f"Trained on {ds}. NDCG@10 of the last item of {people:,} people among all they have not seen: {scores}."


def _flat_metrics(rankings) -> dict[str, float]:
    """Metrics by names that MLflow allows: `@` is written `_at_`."""
    return {
        f"{name}_{metric.replace('@', '_at_')}": value
        for name, ranking in rankings.items()
        for metric, value in ranking.summary().items()
    }


def _artifacts(folder: Path, fitted) -> dict[str, Path]:
    """Write what the served model loads: the ranker and its vocabulary."""
    artifacts = {"ranker": folder / "ranker.keras", "vocabulary": folder / "vocabulary.json"}
    fitted.ranker.save(artifacts["ranker"])
    vocabulary = {
        "item_ids": fitted.vocabulary.item_ids.tolist(),
        "counts": fitted.vocabulary.counts.tolist(),
        "max_length": fitted.max_length,
    }
    artifacts["vocabulary"].write_text(json.dumps(vocabulary, ensure_ascii=False))
    return artifacts


def _evidence(folder: Path, sequences, fitted, ranking, baselines, score) -> Path:
    """Write what stays beside the run: metrics of each person, scores to compare with, the plot."""
    import numpy as np
    import pandas as pd

    from training.data import held_out_histories
    from training.plots import plot_epochs

    folder.mkdir()
    people = {"person_id": sequences.person_ids[sequences.held_out]}
    for name, one in {"model": ranking, **baselines}.items():
        people |= {f"{name}_ndcg_at_10": one.ndcg, f"{name}_rank": one.ranks}
    pd.DataFrame(people).to_parquet(folder / "people.parquet", index=False)
    histories, _ = held_out_histories(sequences, fitted.vocabulary, target=1)
    sample = histories.take(slice(PARITY_PEOPLE))
    np.savez_compressed(folder / "parity.npz", histories=sample.padded(fitted.max_length), scores=score(sample))
    plot_epochs(fitted.epochs, folder / "epochs.png")
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
