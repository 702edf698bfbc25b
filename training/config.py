"""Configuration files: YAML read into the frozen dataclass of its owner, each mistake named with its line."""

from __future__ import annotations

import dataclasses
import importlib
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from contracts.atomic_files import write_whole
from contracts.checked_yaml import YamlValue, advice, read_yaml
from contracts.errors import ModelError
from contracts.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from training.learner import Learner

CONFIGS = REPOSITORY / "training" / "configs"
"""Parameters that come with the code; an image cannot change them."""

CONFIG_FILE = "config.yml"
"""The file beside a version that holds the configuration with which it was trained."""

MODELS = ("next_item", "taste_autoencoder", "interest_vision", "interest_audio", "interest_gan", "response", "uplift")
"""The models that can be trained, by the name of their file and of their registered model."""

SECTIONS = ("every", *MODELS, "admission")
"""Sections of gate.yml: what holds for every model, what one model adds or replaces, and the admission of its rows."""

Config = TypeVar("Config")


def known_model(name: str) -> str:
    """The name itself, if there is such a model.

    Raises:
        ModelError: there is none.
    """
    if name not in MODELS:
        raise ModelError(
            expected=f"a model among {', '.join(MODELS)}", received=repr(name), remedy=advice(name, MODELS)
        )
    return name


def load_learner(name: str) -> Learner:
    """The learner of a model; this imports Keras.

    Raises:
        ModelError: there is no such model.
    """
    return importlib.import_module(f"training.models.{known_model(name)}.learner").LEARNER


def read_config(file: Path, kind: type[Config], *, sections: Iterable[str] = ()) -> Config:
    """Read a YAML mapping into a dataclass; keys that the file leaves out keep their defaults.

    Args:
        sections: of `SECTIONS`, those whose mappings hold the settings, a later one before an earlier one; without
            any, the file itself is that mapping.

    Raises:
        ModelError: no such file, no mapping, an unknown key, or a value of another type.
    """
    if not file.is_file():
        raise ModelError(
            expected=f"a configuration file {file}",
            received="no such file",
            remedy=f"choose one of {', '.join(sorted(found.name for found in CONFIGS.glob('*.yml')))} in {CONFIGS}",
        )
    root = read_yaml(file, ModelError)
    if not sections:
        return _read(root.mapping(get_type_hints(kind)), kind)
    parts = root.mapping(SECTIONS)
    settings: dict[str, YamlValue] = {}
    for section in sections:
        if section in parts:
            settings |= parts[section].mapping(get_type_hints(kind))
    return _read(settings, kind)


def _read(settings: Mapping[str, YamlValue], kind: type[Config]) -> Config:
    """A dataclass of settings; a setting may be a dataclass of its own."""
    types = get_type_hints(kind)
    return kind(**{name: _value(value, types[name]) for name, value in settings.items()})


def _value(value: YamlValue, kind: Any) -> Any:
    """A setting as its type in the dataclass asks for it."""
    if dataclasses.is_dataclass(kind):
        return _read(value.mapping(get_type_hints(kind)), kind)
    if kind == tuple[str, ...]:
        return tuple(item.text() for item in value.items())
    if kind == Mapping[str, float]:
        return {name: number.number(finite=False) for name, number in value.mapping().items()}
    readers = {bool: value.flag, int: value.whole_number, str: value.text}
    return value.number(finite=False) if kind is float else readers[kind]()


def config_of(settings: Settings, model: str) -> Path:
    """The file of the best known parameters: what tuning found in this home, else what comes with the code."""
    tuned = settings.home.configs / f"{model}.yml"
    return tuned if tuned.is_file() else CONFIGS / f"{model}.yml"


def require_writable(file: Path) -> None:
    """Refuse a target before the work that it is for: a file is made beside it, and removed.

    Raises:
        ModelError: nothing can be written there.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}."):
            pass
    except OSError as error:
        raise ModelError(
            expected=f"a folder {file.parent} in which {file.name} can be written",
            received=f"{error.strerror or error}",
            remedy="choose another file with --output, or make the folder writable",
        ) from error


def write_config(file: Path, config: object, *, comments: Iterable[str]) -> None:
    """Write a dataclass of settings, in one atomic step, as a file that `read_config` reads, under lines of comment."""
    import yaml

    lines = [f"# {comment}" for comment in comments]
    text = yaml.safe_dump(dataclasses.asdict(config), sort_keys=False, default_flow_style=False)
    write_whole(file, "\n".join([*lines, text]))
