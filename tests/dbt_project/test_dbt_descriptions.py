"""Every model is described in a file that is found by its name, and every description ends with the grain."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

MODELS = Path(__file__).resolve().parents[2] / "dbt_project" / "models"
FILES = sorted(MODELS.rglob("*.sql"))
DESCRIPTIONS = {file: yaml.safe_load(file.read_text()) for file in sorted(MODELS.rglob("*.yml"))}


def described_in(file: Path) -> list[str]:
    return sorted(model["name"] for model in DESCRIPTIONS[file].get("models", ()))


def test_there_are_models_of_every_layer():
    assert {file.relative_to(MODELS).parts[0] for file in FILES} == {"staging", "intermediate", "marts"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_model_is_described_by_a_file_of_its_own_name_or_of_its_folder(file):
    own, of_folder = file.with_suffix(".yml"), file.parent / f"_{file.parent.name}.yml"
    assert any(file.stem in described_in(found) for found in (own, of_folder) if found in DESCRIPTIONS), (
        f"describe {file.stem} in {own.name} or {of_folder.name}"
    )


@pytest.mark.parametrize("file", [file for file in DESCRIPTIONS if described_in(file)], ids=lambda file: file.stem)
def test_a_file_describes_exactly_what_its_name_promises(file):
    beside = sorted(model.stem for model in file.parent.glob("*.sql"))
    promised = beside if file.stem == f"_{file.parent.name}" else [file.stem]
    assert described_in(file) == promised


@pytest.mark.parametrize(
    ("name", "description"),
    [(model["name"], model["description"]) for one in DESCRIPTIONS.values() for model in one.get("models", ())],
)
def test_a_description_ends_with_the_grain(name, description):
    assert description.strip().splitlines()[-1].startswith("Grain: "), name
