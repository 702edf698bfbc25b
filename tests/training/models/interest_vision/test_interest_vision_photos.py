"""Reading pictures: what is no picture is counted, nothing outside the raw folder is opened, parts never change."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from contracts.errors import ModelError, NothingToLearn
from training.media.labelled import labelled_files, parts_of
from training.models.interest_vision.augmentation import augmented, photo_batches
from training.models.interest_vision.network import InterestVisionConfig
from training.models.interest_vision.photos import PHOTOS, PIXELS_LIMIT, STORED_PIXELS, read_photo

RED = (200, 30, 40)

STILL = InterestVisionConfig(size_pixels=8, shift_pixels=0, flip_share=0.0, erase_share=0.0, batch_size=4)


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (10, 8), (200, 5 * number, 0) if number % 2 else (0, 5 * number, 200)).save(
            folder / f"{number}.png"
        )
    return folder


def table(categories: dict[str, str | None]) -> pd.DataFrame:
    """Path -> category."""
    return pd.DataFrame(
        {
            "picture_id": [f"item:{path}" for path in categories],
            "path": list(categories),
            "category": pd.Series(list(categories.values()), dtype=object),
        }
    )


def two_categories() -> dict[str, str | None]:
    return {f"{number}.png": "pets" if number % 2 else "music" for number in range(40)}


def test_pictures_have_one_size_their_category_and_a_part(raw):
    pictures = labelled_files(table(two_categories()), raw, PHOTOS)
    assert pictures.categories.tolist() == ["music", "pets"]
    assert pictures.values.shape == (40, STORED_PIXELS, STORED_PIXELS, 3)
    place = pictures.ids.tolist().index("item:7.png")
    assert pictures.values[place, 30, 30].tolist() == [200, 35, 0]
    assert pictures.categories[pictures.labels[place]] == "pets"
    assert sum(pictures.describe()[f"{part}_pictures"] for part in ("training", "validation", "test")) == 40


def test_what_cannot_be_read_is_left_out_and_counted(raw):
    (raw / "damaged.png").write_bytes((raw / "1.png").read_bytes()[:40])
    (raw / "text.png").write_text("no picture")
    (raw / "empty.png").write_bytes(b"")
    (raw / "folder.png").mkdir()
    broken = dict.fromkeys(("damaged.png", "text.png", "empty.png", "folder.png", "missing.png"), "pets")
    described = labelled_files(table({**two_categories(), **broken}), raw, PHOTOS).describe()
    assert (described["pictures"], described["unreadable_pictures"]) == (40, 5)


def test_rare_categories_and_pictures_without_one_are_left_out(raw):
    more = {"0.png": "yachts", "2.png": "yachts", "4.png": None, "6.png": "unknown"}
    pictures = labelled_files(table({**two_categories(), **more}), raw, PHOTOS)
    assert pictures.categories.tolist() == ["music", "pets"]
    assert (len(pictures.labels), pictures.rare) == (36, 2)


@pytest.mark.parametrize(
    "categories",
    [{}, {"1.png": None}, {f"{number}.png": "pets" for number in range(40)}, {"1.png": "pets", "2.png": "music"}],
    ids=["no picture", "no label", "one category", "one picture of each"],
)
def test_too_little_is_nothing_to_learn(raw, categories):
    with pytest.raises(NothingToLearn, match="at least 2 categories"):
        labelled_files(table(categories), raw, PHOTOS)


@pytest.mark.parametrize("path", ["../outside.png", "/etc/hostname", "a/../../outside.png"])
def test_a_path_that_leads_out_of_the_raw_folder_is_an_error(raw, path):
    with pytest.raises(ModelError, match="leads out of it"):
        labelled_files(table({**two_categories(), path: "pets"}), raw, PHOTOS)


def test_a_link_that_leads_out_of_the_raw_folder_is_an_error(raw, tmp_path):
    Image.new("RGB", (8, 8), RED).save(tmp_path / "outside.png")
    (raw / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(ModelError, match="leads out of it"):
        labelled_files(table({**two_categories(), "link.png": "pets"}), raw, PHOTOS)


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path):
    side = int(PIXELS_LIMIT**0.5) + 1
    Image.new("1", (side, side)).save(tmp_path / "huge.png")
    assert (tmp_path / "huge.png").stat().st_size < 100_000
    assert read_photo(tmp_path / "huge.png") is None


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("grey.png", Image.new("L", (9, 9), 77), (77, 77, 77)),
        ("deep.png", Image.new("I;16", (9, 9), 77 * 256), (77, 77, 77)),
        ("palette.gif", Image.new("RGB", (9, 9), RED).quantize(4), RED),
        ("seen through.png", Image.new("RGBA", (9, 9), (*RED, 0)), (255, 255, 255)),
        ("opaque.png", Image.new("RGBA", (9, 9), (*RED, 255)), RED),
        ("print.jpg", Image.new("RGB", (9, 9), RED).convert("CMYK"), RED),
        ("wide.webp", Image.new("RGB", (300, 2), RED), RED),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_kind_of_picture_becomes_colours(tmp_path, name, image, expected):
    image.save(tmp_path / name)
    pixels = read_photo(tmp_path / name)
    assert pixels.shape == (STORED_PIXELS, STORED_PIXELS, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - expected).max() <= 6  # compression of JPEG and WEBP


def test_a_photo_is_turned_as_its_camera_says(tmp_path):
    image = Image.new("RGB", (64, 64), RED)
    image.paste((0, 0, 255), (0, 0, 64, 32))
    turned = image.getexif()
    turned[0x0112] = 3  # orientation: upside down
    image.save(tmp_path / "photo.jpg", exif=turned)
    pixels = read_photo(tmp_path / "photo.jpg")
    assert pixels[10, 30, 0] > 150 > pixels[54, 30, 0]


def test_a_format_that_starts_other_programs_is_not_read(tmp_path):
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), RED).save(stream, format="EPS")
    (tmp_path / "drawing.png").write_bytes(stream.getvalue())
    assert read_photo(tmp_path / "drawing.png") is None


def test_the_part_follows_from_the_id_alone():
    ids = pd.Series([f"item:{number}" for number in range(3000)])
    parts = parts_of(ids)
    assert np.bincount(parts) / 3000 == pytest.approx([0.70, 0.15, 0.15], abs=0.02)
    assert (parts_of(ids[::-1][:100]) == parts[::-1][:100]).all()


def test_equal_pictures_have_equal_hashes_and_a_changed_pixel_another(raw):
    before = labelled_files(table(two_categories()), raw, PHOTOS).content_hash()
    assert labelled_files(table(two_categories())[::-1], raw, PHOTOS).content_hash() == before
    Image.new("RGB", (10, 8), RED).save(raw / "3.png")
    assert labelled_files(table(two_categories()), raw, PHOTOS).content_hash() != before


def gradient() -> np.ndarray:
    """Two pictures (2, 8, 8, 3) in which every pixel is another."""
    return np.arange(2 * 8 * 8 * 3, dtype="uint16").reshape(2, 8, 8, 3).astype("uint8")


def varied(**changes) -> np.ndarray:
    config = InterestVisionConfig(**{**vars(STILL), **changes})
    return augmented(gradient(), config, np.random.default_rng(3))


def test_without_strength_nothing_is_varied():
    assert (varied() == gradient()).all()


def test_mirroring_turns_left_and_right():
    assert (varied(flip_share=1.0) == gradient()[:, :, ::-1]).all()


def test_moving_repeats_the_border_and_moves_all_of_a_picture_alike():
    moved = varied(shift_pixels=2)
    possible = [
        np.pad(gradient()[0], ((2, 2), (2, 2), (0, 0)), mode="edge")[down : down + 8, right : right + 8]
        for down in range(5)
        for right in range(5)
    ]
    assert any((moved[0] == one).all() for one in possible)


def test_painting_over_changes_one_square_of_bounded_size():
    changed = (varied(erase_share=1.0, erase_pixels=4) != gradient()).any(axis=-1)  # (picture, row, column)
    for picture in changed:
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        assert 1 <= len(rows) == np.ptp(rows) + 1 <= 4
        assert 1 <= len(columns) == np.ptp(columns) + 1 <= 4


def test_batches_are_whole_and_shuffled_and_their_targets_are_shares():
    pixels = np.zeros((10, 8, 8, 3), "uint8") + np.arange(10, dtype="uint8")[:, None, None, None]
    batches = photo_batches(pixels, np.arange(10) % 2, 2, STILL)
    first, second = [[(x.numpy(), y.numpy()) for x, y in batches] for _ in range(2)]
    assert [len(x) for x, _ in first] == [4, 4]
    assert all((y.argmax(axis=1) == x[:, 0, 0, 0] % 2).all() for x, y in first)
    assert any((a[0] != b[0]).any() for a, b in zip(first, second, strict=True))


def test_mixup_blends_targets_with_the_share_that_it_blends_pictures():
    pixels = np.array([0, 200, 0, 200], "uint8")[:, None, None, None] * np.ones((1, 8, 8, 3), "uint8")
    config = InterestVisionConfig(**{**vars(STILL), "mixup_alpha": 1.0})
    for pictures, shares in photo_batches(pixels, np.array([0, 1, 0, 1]), 2, config):
        assert pictures.numpy()[:, 0, 0, 0] / 200 == pytest.approx(shares.numpy()[:, 1], abs=1e-4)
