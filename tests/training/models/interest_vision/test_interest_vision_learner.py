"""The net learns shapes, answers the same after saving, and its served form survives whatever it is sent."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from contracts.lake import Lake
from contracts.settings import Settings
from training.learner import Context
from training.media.learner import measured
from training.models.interest_vision.learner import LEARNER
from training.models.interest_vision.network import InterestVisionConfig, build, classifier
from training.models.interest_vision.photos import PIXELS_LIMIT, read_photo

DS = "2026-11-19"

CONFIG = InterestVisionConfig(size_pixels=16, width=8, epochs=8, batch_size=16, learning_rate=0.01, shift_pixels=1)

SHAPES = ("disc", "frame", "stripes")


def shape_picture(kind: str, random: np.random.Generator) -> Image.Image:
    """A shape in a random colour on a light ground, 40 x 40 pixels: the colour tells nothing."""
    image = Image.new("RGB", (40, 40), tuple(random.integers(220, 256, 3).tolist()))
    pen, colour = ImageDraw.Draw(image), tuple(random.integers(0, 120, 3).tolist())
    left, top = random.integers(2, 9, 2).tolist()
    box = (left, top, left + 28, top + 28)
    if kind == "disc":
        pen.ellipse(box, fill=colour)
    elif kind == "frame":
        pen.rectangle(box, outline=colour, width=4)
    else:
        for row in range(top, top + 28, 8):
            pen.rectangle((left, row, left + 28, row + 3), fill=colour)
    return image


def png(image: Image.Image, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, format=form)
    return stream.getvalue()


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A town of 150 items with pictures, one of which is damaged, and one posted picture."""
    home = tmp_path_factory.mktemp("pictures")
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(home)})
    folder = settings.raw / "catalogue" / f"ds={DS}"
    folder.mkdir(parents=True)
    random = np.random.default_rng(5)
    kinds = [SHAPES[number % 3] for number in range(150)]
    for number, kind in enumerate(kinds):
        shape_picture(kind, random).save(folder / f"{number}.png")
    (folder / "damaged.png").write_bytes(b"no picture")
    names = [*(str(number) for number in range(150)), "damaged", "posted"]
    table = pd.DataFrame(
        {
            "picture_id": [*(f"item:{name}" for name in names[:-1]), "media:posted"],
            "path": [f"catalogue/ds={DS}/{name}.png" for name in names],
            "category": [*kinds, "disc", None],
            "person_id": [*[None] * 151, "p0123456789abcdef"],
            "consent_profiling": [*[True] * 151, True],
        }
    )
    staged = home / "staged.parquet"
    table.to_parquet(staged)
    Lake(settings.home.lake).publish("training_pictures", DS, {"training_pictures.parquet": staged})
    return settings


@pytest.fixture(scope="module")
def data(settings):
    return LEARNER.load(settings, DS)


@pytest.fixture(scope="module")
def fitted(data):
    return LEARNER.fit(data, CONFIG, Context(say=lambda _: None))


@pytest.fixture(scope="module")
def served(fitted, tmp_path_factory):
    from training.models.interest_vision.pyfunc import InterestVision

    model = InterestVision()
    files = fitted.save(tmp_path_factory.mktemp("saved"))
    model.load_context(SimpleNamespace(artifacts={name: str(file) for name, file in files.items()}))
    return model


def answer(served, *files) -> list[dict]:
    return served.predict(None, pd.DataFrame({"picture": list(files)})).to_dict("records")


def test_the_town_is_read_and_counted(data):
    described = data.describe()
    assert (described["pictures"], described["categories"], described["unreadable_pictures"]) == (150, 3, 1)


def test_it_learns_what_a_ranking_by_frequency_cannot(data, fitted):
    measure, baselines = LEARNER.measure(fitted, data), LEARNER.baselines(data)
    assert measure.value > 0.9
    assert measure.value > baselines["majority_category"].value + 0.3
    assert len(measure.values) == len(baselines["pixels_logistic"].values) == len(LEARNER.slices(data))
    assert set(measure.metrics) == {"accuracy", "log_loss", "ece", "macro_f1"}
    assert LEARNER.watched in fitted.epochs[0]


def test_chances_add_up_to_one_and_a_mirror_image_has_the_same(data, fitted):
    [pictures] = LEARNER.parity_inputs(fitted, data)
    chances = fitted.score(pictures)
    assert chances.sum(axis=1) == pytest.approx(np.ones(len(pictures)))
    assert fitted.score(pictures[:, :, ::-1]) == pytest.approx(chances, abs=1e-3)


def test_the_loaded_model_answers_what_the_trained_one_did(data, fitted, served):
    [pictures] = LEARNER.parity_inputs(fitted, data)
    assert served.score(pictures) == pytest.approx(fitted.score(pictures), abs=1e-6)
    assert LEARNER.measure(served, data).values.tolist() == LEARNER.measure(fitted, data).values.tolist()


def test_a_category_that_a_model_does_not_know_counts_against_it(data, fitted):
    names = np.array(["disc", "frame", "lines"])
    other = SimpleNamespace(categories=names, score=fitted.score)
    measure = LEARNER.measure(other, data)
    stripes = LEARNER.slices(data)["category"] == "stripes"
    assert not measure.values[stripes].any()
    assert np.isfinite(measure.metrics["log_loss"])


def test_figures_by_hand():
    chances = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    metrics = measured(chances, np.array([0, 1, 1])).metrics
    assert metrics["accuracy"] == pytest.approx(2 / 3)
    assert metrics["log_loss"] == pytest.approx(-np.log([0.8, 0.4, 0.7]).mean())
    assert metrics["macro_f1"] == pytest.approx(2 / 3)  # both: one right, one of them wrong once


def test_the_served_model_names_the_shape(served):
    random = np.random.default_rng(99)
    [row] = answer(served, png(shape_picture("disc", random)))
    assert row["category"] == "disc"
    assert row["categories"] == ["disc", "frame", "stripes"]
    assert row["confidence"] == max(row["probabilities"]) == row["probabilities"][0]


def test_what_is_no_picture_has_no_category_and_costs_the_others_nothing(served):
    good = png(shape_picture("frame", np.random.default_rng(98)))
    side = int(PIXELS_LIMIT**0.5) + 1
    huge = png(Image.new("1", (side, side)))
    rows = answer(served, b"", good, None, float("nan"), "text", b"\x89PNG\r\n", good[:60], huge, good)
    assert [row["category"] for row in rows] == [None, "frame", *[None] * 6, "frame"]
    assert [row["confidence"] == 0.0 and row["probabilities"] == [] for row in rows] == [
        True, False, *[True] * 6, False,
    ]  # fmt: skip
    [alone] = answer(served, good)
    for row in (rows[1], rows[-1]):
        # float32: batches of other sizes are computed by other kernels, and two rows of one batch may be rounded apart
        assert row["probabilities"] == pytest.approx(alone["probabilities"], rel=1e-4, abs=1e-6)


def test_no_picture_at_all_is_an_empty_answer(served):
    assert answer(served) == []
    assert [row["category"] for row in answer(served, None)] == [None]


@pytest.mark.parametrize(
    ("mode", "form"), [("L", "PNG"), ("RGBA", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("I;16", "PNG"), ("1", "BMP")]
)
def test_every_kind_of_picture_is_answered_with_a_number(served, mode, form):
    [row] = answer(served, png(Image.new(mode, (50, 30)), form))
    assert row["category"] in SHAPES
    assert 1 / 3 <= row["confidence"] <= 1


def test_serving_reads_pictures_as_training_does(served, tmp_path, monkeypatch):
    scored, score = [], served.score
    monkeypatch.setattr(served, "score", lambda pixels: scored.append(pixels) or score(pixels))
    files, random = [], np.random.default_rng(4)
    for mode, form in (("RGB", "JPEG"), ("RGBA", "PNG"), ("L", "WEBP"), ("CMYK", "TIFF")):
        channels = len(mode) if mode != "L" else None
        shades = random.integers(0, 256, (300, 211, *([channels] if channels else [])), dtype="uint8")
        file = tmp_path / f"{mode}.{form}"
        Image.fromarray(shades, mode=mode).save(file, format=form)
        files.append(file)
    answer(served, *(file.read_bytes() for file in files))
    [pixels] = scored
    assert len(pixels) == len(files)
    for one, file in zip(pixels, files, strict=True):
        assert (one == read_photo(file)).all(), file.name


def test_the_example_is_what_the_served_model_takes(data, served):
    rows = served.predict(None, LEARNER.example(data))
    assert list(rows.columns) == list(LEARNER.signature.outputs)
    assert rows["category"].isin(SHAPES).all()


def test_the_largest_configuration_stays_below_a_million_weights_and_reads_grey():
    config = InterestVisionConfig(size_pixels=28, channels=1, width=48, mirror=False)
    net = build(config, 10, steps=10)
    assert net.count_params() < 1_000_000
    served = classifier(net, (64, 64, 3), mirror=False)
    assert served(np.zeros((2, 64, 64, 3), "uint8")).shape == (2, 10)


def test_the_same_seed_gives_the_same_first_weights():
    first, second = (build(CONFIG, 3, steps=10).get_weights() for _ in range(2))
    assert all((one == other).all() for one, other in zip(first, second, strict=True))
