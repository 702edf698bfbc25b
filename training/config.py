"""Configuration files: YAML read into the frozen dataclass of its owner, each mistake named with its line."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import TypeVar, get_type_hints

import yaml

from contracts.errors import ModelError
from contracts.settings import REPOSITORY

CONFIGS = REPOSITORY / "training" / "configs"

MODELS = ("next_item",)
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


def read_config(file: Path, kind: type[Config]) -> Config:
    """Read a YAML mapping into a dataclass; keys that the file leaves out keep their defaults.

    Raises:
        ModelError: no such file, no mapping, an unknown key, or a value of another type.
    """
    if not file.is_file():
        raise ModelError(
            expected=f"a configuration file {file}",
            received="no such file",
            remedy=f"choose one of {', '.join(sorted(found.name for found in CONFIGS.glob('*.yml')))} in {CONFIGS}",
        )
    types = get_type_hints(kind)
    values = {}
    for key, node in _entries(file):
        place = f"{file.name}, line {key.start_mark.line + 1}"
        if key.value not in types:
            raise ModelError(
                expected=f"a setting of {kind.__name__} ({place})",
                received=repr(key.value),
                remedy=_instead(key.value, types),
            )
        value = yaml.safe_load(yaml.serialize(node))
        wanted = types[key.value]
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise ModelError(
                expected=f"{key.value} as {_WORDS[wanted]} ({place})",
                received=repr(value),
                remedy=f"write for example `{key.value}: {_default(kind, key.value)}`",
            )
        values[key.value] = value
    return kind(**values)


_WORDS = {int: "a whole number", float: "a number", str: "a text"}


def _entries(file: Path) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    try:
        root = yaml.compose(file.read_text())
    except yaml.YAMLError as error:
        raise ModelError(expected=f"YAML in {file}", received=str(error), remedy="mend the file") from error
    if not isinstance(root, yaml.MappingNode):
        raise ModelError(
            expected=f"`setting: value` lines in {file}", received="something else", remedy="mend the file"
        )
    return root.value


def _default(kind: type, name: str) -> object:
    return next(field.default for field in dataclasses.fields(kind) if field.name == name)


def _instead(name: str, known) -> str:
    close = difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"use one of {', '.join(known)}"
