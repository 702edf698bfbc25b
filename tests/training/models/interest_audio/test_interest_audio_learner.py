"""The net learns sounds, answers the same after saving, and training sees what serving sees."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from contracts.lake import Lake
from contracts.settings import Settings
from sample_data.sounds import broken, sound
from training.learner import Context
from training.models.interest_audio.augmentation import bank, powers_of, sound_batches, varied
from training.models.interest_audio.learner import LEARNER
from training.models.interest_audio.network import FRAMES, InterestAudioConfig, build, classifier, listener, scaled
from training.models.interest_audio.pyfunc import SAMPLES, read_sound
from training.parts import Part

DS = "2026-11-19"
KINDS = ("cycling", "music", "pets")
CONFIG = InterestAudioConfig(width=4, epochs=5, batch_size=8, learning_rate=0.01, mask_bins=2, mask_frames=4)
STILL = InterestAudioConfig(
    shift_seconds=0.0, stretch=0.0, warp=0.0, equalise_db=0.0, noise_share=0.0, mask_bins=0, mask_frames=0
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A town of 90 items with sounds, one item whose sound is silent, and one posted sound."""
    home = tmp_path_factory.mktemp("sounds")
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home)})
    folder = settings.raw / "catalogue" / f"ds={DS}"
    folder.mkdir(parents=True)
    random = np.random.default_rng(5)
    kinds = [KINDS[number % 3] for number in range(90)]
    for number, kind in enumerate(kinds):
        (folder / f"{number}.wav").write_bytes(sound(random, kind))
    (folder / "silent.wav").write_bytes(broken("silent"))
    names = [*(str(number) for number in range(90)), "silent", "gone", "posted"]
    table = pd.DataFrame(
        {
            "sound_id": [*(f"item:{name}" for name in names[:-1]), "media:posted"],
            "path": [f"catalogue/ds={DS}/{name}.wav" for name in names],
            "category": [*kinds, "music", "music", None],
            "person_id": [*[None] * 92, "p0123456789abcdef"],
            "consent_profiling": [True] * 93,
        }
    )
    staged = home / "staged.parquet"
    table.to_parquet(staged)
    Lake(settings.home.lake).publish("training_sounds", DS, {"training_sounds.parquet": staged})
    return settings


@pytest.fixture(scope="module")
def data(settings):
    return LEARNER.load(settings, DS)


@pytest.fixture(scope="module")
def fitted(data):
    return LEARNER.fit(data, CONFIG, Context(say=lambda _: None))


@pytest.fixture(scope="module")
def served(fitted, tmp_path_factory):
    from training.models.interest_audio.pyfunc import InterestAudio

    model = InterestAudio()
    files = fitted.save(tmp_path_factory.mktemp("saved"))
    model.load_context(SimpleNamespace(artifacts={name: str(file) for name, file in files.items()}))
    return model


def test_the_town_is_read_and_what_cannot_be_heard_is_counted_by_its_reason(data):
    described = data.describe()
    assert (described["sounds"], described["categories"]) == (90, 3)
    assert {name: size for name, size in described.items() if size and name not in ("sounds", "categories")} == {
        "training_sounds": (data.parts == Part.TRAIN).sum(),
        "validation_sounds": (data.parts == Part.VALIDATION).sum(),
        "test_sounds": (data.parts == Part.TEST).sum(),
        "silent_sounds": 1,
        "missing_sounds": 1,
    }


def test_it_learns_what_a_ranking_by_frequency_cannot(data, fitted):
    measure, baselines = LEARNER.measure(fitted, data), LEARNER.baselines(data)
    assert measure.value > 0.9
    assert measure.value > baselines["majority_category"].value + 0.3
    assert len(measure.values) == len(baselines["mel_logistic"].values) == len(LEARNER.slices(data))
    assert LEARNER.watched in fitted.epochs[0]


def test_the_loaded_model_answers_what_the_trained_one_did(data, fitted, served):
    [sounds] = LEARNER.parity_inputs(fitted, data)
    assert served.score(sounds) == pytest.approx(fitted.score(sounds), abs=1e-6)


def test_the_served_model_names_the_sound_and_says_why_it_cannot(served):
    good = sound(np.random.default_rng(99), "pets")
    files = [b"", good, None, broken("mp3"), broken("silent"), good[:30], good]
    rows = served.predict(None, pd.DataFrame({"sound": files})).to_dict("records")
    assert [row["category"] for row in rows] == [None, "pets", None, None, None, None, "pets"]
    assert [row["remark"] for row in rows] == ["empty", None, "empty", "not_wav", "silent", "damaged", None]
    assert [row["probabilities"] == [] for row in rows] == [row["category"] is None for row in rows]
    assert rows[1]["confidence"] == max(rows[1]["probabilities"]) == rows[1]["probabilities"][2]
    assert rows[1]["categories"] == list(KINDS)
    assert served.predict(None, pd.DataFrame({"sound": []})).empty


def test_the_example_is_what_the_served_model_takes(data, served):
    rows = served.predict(None, LEARNER.example(data))
    assert list(rows.columns) == list(LEARNER.signature.outputs)
    assert rows["category"].isin(KINDS).all()


def heard(count: int = 4) -> np.ndarray:
    random = np.random.default_rng(3)
    return np.stack([read_sound(sound(random, KINDS[number % 3]))[0] for number in range(count)])


def test_training_sees_the_spectrogram_that_serving_sees():
    sounds = heard()
    by_keras = listener(40).predict(sounds, verbose=0)[..., 0]
    assert by_keras.shape == (4, FRAMES, 40)
    assert scaled(powers_of(sounds) @ bank(40, 1.0)) == pytest.approx(by_keras, abs=2e-3)
    assert varied(sounds, STILL, np.random.default_rng(1)) == pytest.approx(by_keras, abs=2e-3)
    warped = listener(40, warp=1.1).predict(sounds, verbose=0)[..., 0]
    assert scaled(powers_of(sounds) @ bank(40, 1.1)) == pytest.approx(warped, abs=2e-3)


def test_a_spectrogram_depends_on_its_own_sound_alone_and_not_on_loudness():
    sounds = heard()
    together = listener(40).predict(sounds, verbose=0)
    alone = listener(40).predict(sounds[1:2] // 8, verbose=0)
    assert np.abs(alone[0] - together[1]).mean() < 0.02
    assert (together.max(axis=(1, 2)) == 1).all()


def test_a_warp_raises_a_tone_and_stretching_lengthens_it():
    times = np.arange(SAMPLES) / 8000
    ton = np.where(np.abs(times - 0.5) < 0.25, 30_000 * np.sin(2 * np.pi * 1000 * times), 0)[None].astype("int16")
    plain, raised = (scaled(powers_of(ton) @ bank(40, warp))[0].sum(axis=0).argmax() for warp in (1.0, 1.2))
    assert 2 <= raised - plain <= 4  # a fifth higher is 170 mel, of bands 51 mel apart
    config = InterestAudioConfig(**{**vars(STILL), "stretch": 0.4})
    lengths = (varied(np.repeat(ton, 50, axis=0), config, np.random.default_rng(2)).max(axis=2) > 0).sum(axis=1)
    assert lengths.min() < 25 and lengths.max() > 39  # 32 frames as it was


def test_batches_have_the_shape_of_the_net_and_another_variation_each_epoch():
    config = InterestAudioConfig(batch_size=4)
    batches = sound_batches(heard(), np.arange(4) % 3, 3, config)
    [(first, targets)], [(second, _)] = (list(batches) for _ in range(2))
    assert first.shape == (4, FRAMES, 40, 1) and targets.shape == (4, 3)
    assert np.isfinite(first).all() and np.abs(first).max() <= 1
    assert np.abs(np.sort(first.numpy(), axis=0) - np.sort(second.numpy(), axis=0)).max() > 0.1


def test_the_net_of_the_benchmark_stays_below_200_000_weights():
    from training.config import CONFIGS, read_config

    config = read_config(CONFIGS / "spoken_digits_interest_audio.yml", InterestAudioConfig)
    net = build(config, 10, steps=10)
    assert net.count_params() < 200_000
    assert classifier(net, voices=config.voices).input_shape == (None, SAMPLES)
