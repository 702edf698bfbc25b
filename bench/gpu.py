"""How fast a GPU trains `next_item`, how busy it is, and what bfloat16 changes; beside PyTorch on the same card.

One command, under eight minutes on a data-centre GPU, which ends with one sentence where there is none. It prints a
JSON line for each of these, and keeps it in `bench/results/gpu.jsonl`:

- `input`: events a second of the input pipeline, without a model.
- `train`: `LEARNER.fit`, the training of every night, on sequences of the size of Amazon Beauty, in float32 and in
  bfloat16, once a seed: events a second, seconds to compile, utilisation of the GPU, NDCG@10 of the validation.
- `torch`: SASRec and GRU4Rec of the same sizes in plain PyTorch with its fused kernels (`bench/torch_sequences.py`),
  on the same sequences, with all of them on the card from the start, in both precisions.
- `size`: 200,000 people of 50 acts, ten million events on 100,000 items, by sampled softmax and by cross-entropy over
  all items.

An event is an act that is learned from. Events a second are those of the fastest epoch but the first, which compiles.
Keras computes with TensorFlow where it is installed and finds the GPU, else with JAX.

    python -m bench.gpu [--data sequences.txt.gz] [--seeds 1 2 3]
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.entry_point import exit_with_sentence
from contracts.settings import REPOSITORY
from training.arguments import BACKENDS, choose_backend
from training.config import CONFIGS, read_config

if TYPE_CHECKING:
    from training.models.next_item.network import NextItemConfig
    from training.sequences.histories import Sequences

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Precision of the layers, and Keras' name of it; weights are float32 in both."""

TORCH_MODELS = {"attention": "sasrec", "gru": "gru4rec"}

BEAUTY = {"people": 22_363, "acts": 9, "items": 12_101}
LARGE = {"people": 200_000, "acts": 50, "items": 100_000}
LARGE_BATCH = 1_024
"""Histories of a batch at ten million events: a GPU wants much to do at a time."""

MOST_SECONDS = 450
"""After so many seconds no further part begins."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="sequences for all parts but `size` (default: made up)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="trainings in each precision")
    parser.add_argument("--epochs", type=int, default=6, help="epochs of a training (default 6)")
    parser.add_argument("--backend", choices=BACKENDS, help="what Keras computes with (default: what finds the GPU)")
    chosen = parser.parse_args()
    backend = chosen.backend or _installed_backend()
    if backend == "jax":
        compiled = tempfile.TemporaryDirectory()
        os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled.name  # what is compiled for one seed serves the next
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.5"
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # PyTorch needs room on the same card
    choose_backend(backend)
    import keras

    if not keras.distribution.list_devices("gpu"):
        print(f"bench.gpu: skipped, as {keras.backend.backend()} finds no GPU on this machine", file=sys.stderr)
        return
    exit_with_sentence(lambda: bench(chosen.data, chosen.seeds, epochs=chosen.epochs))


def bench(
    data: Path | None,
    seeds: Sequence[int],
    *,
    epochs: int,
    small: Mapping[str, int] = BEAUTY,
    large: Mapping[str, int] = LARGE,
    most_seconds: float = MOST_SECONDS,
) -> list[dict[str, Any]]:
    """Run all parts for which there is time, write and return their lines.

    Args:
        small, large: people, mean number of acts, and items of the sequences that are made up.

    Raises:
        ModelError: the file holds no sequences, or a training failed.
    """
    from bench.result import write
    from training.models.next_item.network import NextItemConfig
    from training.sequences.loading import sequences_from_text

    started, lines = time.perf_counter(), []

    def report(part: str, **found: Any) -> None:
        lines.append({"bench": "gpu", "part": part, "backend": _backend(), "gpu": _name(), **found})
        write(lines[-1])

    def is_over(part: str) -> bool:
        over = time.perf_counter() - started > most_seconds
        if over:
            print(f"bench.gpu: {part} is left out: {most_seconds} seconds are over", file=sys.stderr)
        return over

    kept = read_config(CONFIGS / "sequences_next_item.yml", NextItemConfig)
    config = dataclasses.replace(kept, epochs=epochs, patience=0, validation_people=5000)
    sequences = made_up(**small) if data is None else sequences_from_text(data)
    named = {"data": "made up" if data is None else data.name, "sizes": dict(sequences.describe())}
    report("input", **named, **input_alone(sequences, config))
    for backbone in TORCH_MODELS:
        for precision in POLICIES:
            if not is_over(f"train {backbone} {precision}"):
                of_backbone = dataclasses.replace(config, backbone=backbone)
                some = seeds if backbone == config.backbone else seeds[:1]
                report("train", **named, **trained(sequences, of_backbone, precision, some))
    for precision in POLICIES:
        for backbone in TORCH_MODELS:
            if not is_over(f"torch {backbone} {precision}"):
                of_backbone = dataclasses.replace(config, backbone=backbone)
                report("torch", **named, **in_torch(sequences, of_backbone, precision, seeds[:1]))
    if not is_over("size"):
        sequences = made_up(**large)
        named = {"data": "made up", "sizes": dict(sequences.describe())}
        few = dataclasses.replace(
            config,
            batch_size=LARGE_BATCH,
            loss="sampled_softmax",
            negatives=1024,
            epochs=2,
            initialisation="random",
            validation_people=1000,
        )
        report("input", **named, **input_alone(sequences, few))
        for loss in ("sampled_softmax", "softmax"):
            if not is_over(f"size {loss}"):
                of_loss = dataclasses.replace(few, loss=loss)
                report("size", **named, **trained(sequences, of_loss, "bfloat16", seeds[:1]))
        if not is_over("torch at size"):
            report("torch", **named, **in_torch(sequences, few, "bfloat16", seeds[:1]))
    return lines


def made_up(people: int, acts: int, items: int, seed: int = 0) -> Sequences:
    """Sequences of chance: half of the acts follow from the act before, the others are drawn, few items often.

    Args:
        acts: mean number of a person's acts; lengths are geometric, at least 5.
    """
    import numpy as np

    from training.sequences.histories import Sequences

    random = np.random.default_rng(seed)
    lengths = 4 + random.geometric(1 / max(1, acts - 4), people)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    drawn = (items * random.random(offsets[-1]) ** 3).astype("int32")
    follows = random.random(offsets[-1]) < 0.5
    follows[offsets[:-1]] = False
    successor = random.permutation(items).astype("int32")
    for _ in range(20):  # chains longer than twenty steps are as good as none
        places = np.flatnonzero(follows)
        drawn[places] = successor[drawn[places - 1]]
    within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    return Sequences(
        person_ids=np.char.zfill(np.arange(people).astype(str), 9),
        item_ids=np.char.zfill(np.arange(items).astype(str), 9),
        acts=drawn,
        times=within.astype("datetime64[s]").astype("datetime64[us]"),
        offsets=offsets,
    )


def input_alone(sequences: Sequences, config: NextItemConfig) -> dict[str, Any]:
    """Batches as the training reads them, and nothing done with them."""
    from training.models.next_item.batches import next_item_batches
    from training.sequences.histories import training_histories
    from training.sequences.vocabulary import training_vocabulary

    histories = training_histories(sequences, training_vocabulary(sequences))
    batches = next_item_batches(histories, max_length=config.max_length, batch_size=config.batch_size, seed=config.seed)
    started, count = time.perf_counter(), 0
    for _ in batches if hasattr(batches, "prefetch") else (batches[place] for place in range(len(batches))):
        count += 1
    seconds = time.perf_counter() - started
    return {
        "batch_size": config.batch_size,
        "batches_a_second": round(count / seconds),
        "events_a_second": round(int(histories.lengths.sum()) / seconds),
    }


def trained(sequences: Sequences, config: NextItemConfig, precision: str, seeds: Sequence[int]) -> dict[str, Any]:
    """The training of the nights, once a seed."""
    import keras
    import numpy as np

    from training.learner import Context
    from training.models.next_item.learner import LEARNER

    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(POLICIES[precision])
    runs, looks = [], []
    try:
        for seed in seeds:
            keras.utils.clear_session()
            started = time.perf_counter()
            with utilisation() as seen:
                fitted = LEARNER.fit(sequences, dataclasses.replace(config, seed=seed), Context(say=_say))
            seconds = [epoch["epoch_seconds"] for epoch in fitted.epochs]
            looks += seen
            runs.append(
                {
                    "seed": seed,
                    "events_a_second": round(sequences.acts_in_training / min(seconds[1:] or seconds)),
                    "first_epoch_seconds": round(seconds[0], 1),
                    "fit_seconds": round(time.perf_counter() - started, 1),
                    LEARNER.watched: round(max(epoch[LEARNER.watched] for epoch in fitted.epochs), 6),
                }
            )
    finally:
        keras.mixed_precision.set_global_policy(before)
    means = {name: round(float(np.mean([run[name] for run in runs])), 6) for name in runs[0] if name != "seed"}
    return {**_sizes(config), "precision": precision, **means, **_busy(looks), "runs": runs}


def in_torch(sequences: Sequences, config: NextItemConfig, precision: str, seeds: Sequence[int]) -> dict[str, Any]:
    """The same sizes in PyTorch, in a process of its own; where PyTorch is not installed, that is what is found."""
    import numpy as np

    from training.parts import Part
    from training.sequences.histories import held_out_histories, training_histories
    from training.sequences.vocabulary import training_vocabulary

    if importlib.util.find_spec("torch") is None:
        return {"skipped": "PyTorch is not installed"}
    vocabulary = training_vocabulary(sequences)
    training = training_histories(sequences, vocabulary).windows(config.max_length + 1)
    validation, targets = held_out_histories(sequences, vocabulary, part=Part.VALIDATION)
    some = np.random.default_rng(config.seed).permutation(len(targets))[: config.validation_people]
    with tempfile.TemporaryDirectory() as folder, utilisation() as looks:
        file = Path(folder) / "sequences.npz"
        np.savez(
            file,
            rows=training.padded(config.max_length + 1),
            histories=validation.take(some).padded(config.max_length),
            targets=targets[some],
            items=len(vocabulary),
        )
        sizes = {**_sizes(config), "epochs": config.epochs, "max_length": config.max_length}
        command = [sys.executable, str(REPOSITORY / "bench" / "torch_sequences.py"), "--data", str(file)]
        command += ["--model", TORCH_MODELS[config.backbone], "--sizes", json.dumps(sizes)]
        command += ["--precision", precision, "--seed", str(seeds[0])]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        return {**_sizes(config), "precision": precision, "skipped": f"PyTorch ended with status {ended.returncode}"}
    return {**_sizes(config), "precision": precision, **json.loads(ended.stdout.splitlines()[-1]), **_busy(looks)}


@contextlib.contextmanager
def utilisation() -> Iterator[list[tuple[float, float]]]:
    """Share of the time in which the GPU computed, and GiB of its memory, looked at four times a second.

    A GPU counts as computing while one kernel runs, however small. Without `nvidia-smi` there are no looks.
    """
    looks: list[tuple[float, float]] = []
    command = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-lms", "250"]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        yield looks
        return

    def read() -> None:
        for line in process.stdout:
            with contextlib.suppress(ValueError):
                share, mib = map(float, line.split(","))
                looks.append((share / 100, mib / 1024))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield looks
    finally:
        process.terminate()
        process.wait()
        thread.join()


def _busy(looks: Sequence[tuple[float, float]]) -> dict[str, float]:
    if not looks:
        return {}
    shares = [share for share, _ in looks]
    return {"gpu_busy": round(sum(shares) / len(shares), 3), "gpu_gib": round(max(gib for _, gib in looks), 1)}


def _sizes(config: NextItemConfig) -> dict[str, Any]:
    names = ("backbone", "dimensions", "blocks", "dropout", "loss", "negatives", "batch_size", "learning_rate")
    return {name: getattr(config, name) for name in names}


def _installed_backend() -> str:
    """TensorFlow where it is installed, else JAX."""
    return next((name for name in BACKENDS if importlib.util.find_spec(name)), BACKENDS[0])


def _backend() -> str:
    import keras

    return keras.backend.backend()


def _name() -> str:
    """The GPU's name as its driver gives it."""
    with contextlib.suppress(OSError):
        asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "none"
    return "none"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
