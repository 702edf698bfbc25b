"""The champions of the night, each loaded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.report import say
from lake_tables.described_items import DescribedItems
from lake_tables.shown.catalogue import Catalogue
from lake_tables.shown.rules import VECTORS, Rules
from training.registry.client import CHAMPION, FORGOTTEN, SHADOW, SHADOWED, Registry, Version


@dataclass(frozen=True)
class Champion:
    """A promoted model, loaded."""

    name: str
    served: Any
    """MLflow's pyfunc; `training/models/<model>/pyfunc.py` says what goes in and comes out."""

    def predict(self, rows: pd.DataFrame, **parameters: Any) -> pd.DataFrame:
        """Its answers; parameters that a version does not know, as it was registered before them, are left out."""
        known = self.served.metadata.get_params_schema()
        names = {one.name for one in known.params} if known else set()
        parameters = {name: value for name, value in parameters.items() if name in names}
        return self.served.predict(rows, params=parameters or None)

    @property
    def model(self) -> Any:
        """The object behind the pyfunc, with its nets."""
        return self.served.unwrap_python_model()


@dataclass
class Champions:
    """Champions by model, each loaded when it is first needed."""

    registry: Registry
    _loaded: dict[str, Champion | None] = field(default_factory=dict)
    night: tuple[Lake, str] | None = None
    """Lake and day of a catalogue: a model that can tells from it the place of items that it has not learned from."""

    def get(self, model: str) -> Champion | None:
        """The champion of a model, or None where none has earned it yet.

        Raises:
            ModelError: its files are not those that were registered.
            RegistryError: the registry does not answer.
        """
        if model not in self._loaded:
            version = self.registry.aliased(model, CHAMPION)
            self._loaded[model] = None if version is None else self._load(version)
        return self._loaded[model]

    def shadows(self) -> list[Champion]:
        """The versions in shadow, loaded; one that cannot be used is named, and keeps no night from its scores.

        Raises:
            RegistryError: the registry does not answer.
        """
        found = []
        for model in SHADOWED:
            version, champion = self.registry.aliased(model, SHADOW), self.get(model)
            if version is None or (champion is not None and champion.name == f"{model}/{version.number}"):
                continue
            if FORGOTTEN in version.tags:
                why = f"it learned from {version.tags[FORGOTTEN]} who are to be forgotten"
                say(f"score: {model}/{version.number} is not scored in shadow: {why}")
                continue
            try:
                found.append(self._load(version))
            except ModelError as error:
                say(f"score: {model}/{version.number} is not scored in shadow: {error}")
        return found

    def replaced_by(self, shadows: Sequence[Champion]) -> Champions:
        """These champions, with versions in shadow in the place of the champions of their models."""
        loaded = {**self._loaded, **{one.name.partition("/")[0]: one for one in shadows}}
        return Champions(self.registry, loaded, self.night)

    def _load(self, version: Version) -> Champion:
        champion = Champion(f"{version.model}/{version.number}", self.registry.load(version))
        if self.night is not None and getattr(champion.model, "content", None):
            items = DescribedItems.of(*self.night)
            if items is not None:
                champion.model.admit(items.item_ids, items.categories, items.prices, items.texts)
        return champion


def vectors_for(rules: Rules, champion: Champion | None, catalogue: Catalogue) -> np.ndarray | None:
    """The items as a `next_item` sees them, where the rules tell likeness by that; None where they do not.

    Returns:
        Of length 1, zeros for items that it does not know (items, dimensions).
    """
    if champion is None or rules.diversity is None or rules.diversity.by != VECTORS:
        return None
    known = champion.model.places.get_indexer(catalogue.item_ids)
    return np.where((known >= 0)[:, None], champion.model.directions[np.maximum(known, 0)], 0.0)
