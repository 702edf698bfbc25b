"""Configuration files: YAML read into the frozen dataclass of its owner, each mistake named with its line."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import importlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_type_hints

import yaml

from contracts.errors import ModelError
from contracts.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from training.learner import Learner

CONFIGS = REPOSITORY / "training" / "configs"
"""Parameters that come with the code; an image cannot change them."""

MODELS = ("next_item", "taste_autoencoder", "interest_vision", "interest_gan", "response")
"""The models that can be trained, by the name of their file and of their registered model."""

Config = TypeVar("Config")


def known_model(name: str) -> str:
    """The name itself, if there is such a model.

    Raises:
        ModelError: there is none.
    """
    if name not in MODELS:
        raise ModelError(
            expected=f"a model among {', '.join(MODELS)}", received=repr(name), remedy=_instead(name, MODELS)
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
        sections: keys of the file whose mappings hold the settings, a later one before an earlier one; without any,
            the file itself is that mapping.

    Raises:
        ModelError: no such file, no mapping, an unknown key, or a value of another type.
    """
    if not file.is_file():
        raise ModelError(
            expected=f"a configuration file {file}",
            received="no such file",
            remedy=f"choose one of {', '.join(sorted(found.name for found in CONFIGS.glob('*.yml')))} in {CONFIGS}",
        )
    return _read(_settings(file, tuple(sections)), kind, file)


def _read(settings: list[tuple[yaml.ScalarNode, yaml.Node]], kind: type[Config], file: Path) -> Config:
    """A dataclass of settings from the nodes of a mapping; a setting may be a dataclass of its own."""
    types = get_type_hints(kind)
    values = {}
    for key, node in settings:
        place = f"{file.name}, line {key.start_mark.line + 1}"
        if key.value not in types:
            raise ModelError(
                expected=f"a setting of {kind.__name__} ({place})",
                received=repr(key.value),
                remedy=_instead(key.value, types),
            )
        wanted = types[key.value]
        if dataclasses.is_dataclass(wanted):
            values[key.value] = _read(_mapping(node, file), wanted, file)
            continue
        value = yaml.safe_load(yaml.serialize(node))
        if wanted is float:
            value = _as_float(value)
        if wanted in _LISTS and type(value) is list:
            value = tuple(value)
        if not _fits(value, wanted):
            raise ModelError(
                expected=f"{key.value} as {_WORDS[wanted]} ({place})",
                received=repr(value),
                remedy=f"write for example `{key.value}: {_default(kind, key.value)}`",
            )
        values[key.value] = value
    return kind(**values)


def config_of(settings: Settings, model: str) -> Path:
    """The file of the best known parameters: what tuning found in this home, else what comes with the code."""
    tuned = settings.home.configs / f"{model}.yml"
    return tuned if tuned.is_file() else CONFIGS / f"{model}.yml"


def write_config(file: Path, config: object, *, comments: Iterable[str]) -> None:
    """Write a dataclass of settings, in one atomic step, as a file that `read_config` reads, under lines of comment."""
    lines = [f"# {comment}" for comment in comments]
    text = yaml.safe_dump(dataclasses.asdict(config), sort_keys=False, default_flow_style=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text("\n".join([*lines, text]))
    os.replace(draft, file)


_NUMBERS, _LISTS = Mapping[str, float], (tuple[str, ...],)
_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    tuple[str, ...]: "a list of texts",
    _NUMBERS: "a mapping of names to numbers",
}


def _as_float(value: object) -> object:
    """Whole numbers are numbers, and so are `inf` and `1e-5`, which YAML reads as texts."""
    if type(value) is int:
        return float(value)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return float(value)
    return value


def _fits(value: object, wanted: type) -> bool:
    if wanted == _NUMBERS:
        return isinstance(value, dict) and all(isinstance(one, int | float) for one in value.values())
    if wanted in _LISTS:
        return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    return type(value) is wanted


def _settings(file: Path, sections: tuple[str, ...]) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    root = _mapping(_parsed(file), file)
    if not sections:
        return root
    named = {key.value: node for key, node in root}
    return [entry for section in sections if section in named for entry in _mapping(named[section], file)]


def _parsed(file: Path) -> yaml.Node:
    try:
        return yaml.compose(file.read_text())
    except yaml.YAMLError as error:
        raise ModelError(expected=f"YAML in {file}", received=str(error), remedy="mend the file") from error


def _mapping(node: yaml.Node, file: Path) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise ModelError(
            expected=f"`setting: value` lines in {file}", received="something else", remedy="mend the file"
        )
    return node.value


def _default(kind: type, name: str) -> object:
    return next(field.default for field in dataclasses.fields(kind) if field.name == name)


def _instead(name: str, known) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"use one of {', '.join(known)}"
