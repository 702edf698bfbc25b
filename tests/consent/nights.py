"""Two nights of the towns, Thursday and Friday, by the steps of a real night; and who stands in what they published.

In between, Thursday's audiences are made once more when Friday's withdrawals have been mapped and nothing has been
built or scored since.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import duckdb
import pyarrow.dataset

from activation.export import make_audiences
from activation.plan import make_plan
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.settings import Settings
from dbt_project.build import build
from serving.score import score
from serving.words.__main__ import publish_words
from tests.consent.oracle import EXPORTED, MAY_STAND_IN, allowed_in_audience, allowed_in_table
from tests.consent.towns import FRIDAY, LONG_BEFORE, THURSDAY, Towns

CAMPAIGNS = {
    "letters": "purpose: marketing_contact\nexperiment: {holdout: 0.1}\n",
    "front_page": "purpose: personalisation\n",
    "chosen_letters": "purpose: marketing_contact\nwho: {at_least: {frequency: 0}}\n",
    "chosen_page": "purpose: personalisation\nwho: {age_band: [35-44, unknown]}\n",
}


@dataclass(frozen=True)
class Output:
    """Who stands in an output, and who may."""

    name: str
    ds: str
    people: set[str]
    allowed: set[str]


@dataclass(frozen=True)
class TownNights:
    """A home in which the two nights of some towns are run."""

    towns: Towns
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "NIGHTSHIFT_HOME": str(self.home),
            "NIGHTSHIFT_CAMPAIGNS": str(self.home / "campaigns"),
            "NIGHTSHIFT_SMALLEST_GROUP": "1",
        }

    @property
    def settings(self) -> Settings:
        return Settings.from_env(self.environment)

    def run(self, *, models: Sequence[str] = ()) -> list[Output]:
        """Everything that both nights published, and what was exported between them.

        Args:
            models: which learn on Thursday and are champions at once; without any, items are ranked by popularity.

        Raises:
            NightshiftError: a step of a night failed.
        """
        (self.home / "campaigns").mkdir(parents=True)
        for name, text in CAMPAIGNS.items():
            (self.home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\n{text}")
        with patch.dict(os.environ, self.environment):
            return self._nights(Lake(self.settings.home.lake), models)

    def _nights(self, lake: Lake, models: Sequence[str]) -> list[Output]:
        pseudonym_keys(self.settings)
        self.towns.deliver(lake, (LONG_BEFORE, THURSDAY))
        build(self.settings, THURSDAY)
        publish_words(THURSDAY)
        for model in models:
            self._learn(model)
        score(THURSDAY)
        make_plan(THURSDAY)
        make_audiences(THURSDAY)
        outputs = [*self._published(THURSDAY), *self._exported(THURSDAY, known=THURSDAY)]

        self.towns.deliver(lake, (FRIDAY,))
        make_audiences(THURSDAY)
        outputs += self._exported(THURSDAY, known=FRIDAY)
        build(self.settings, FRIDAY)
        publish_words(FRIDAY)
        score(FRIDAY)
        make_plan(FRIDAY)
        make_audiences(FRIDAY)
        return [*outputs, *self._published(FRIDAY), *self._exported(FRIDAY, known=FRIDAY)]

    def model_versions(self, ds: str) -> list[str]:
        """Model and version of all that ranked or predicted on a night."""
        found = set()
        for table in ("scores", "responses"):
            files = [str(file) for file in Lake(self.settings.home.lake).files(table, ds)]
            versions = pyarrow.dataset.dataset(files).to_table(columns=["model_version"])
            found |= set(versions["model_version"].to_pylist())
        return sorted(found)

    def _published(self, ds: str) -> list[Output]:
        """The tables of a night, and the history in the warehouse."""
        lake = Lake(self.settings.home.lake)
        with duckdb.connect(str(self.settings.home.warehouse), read_only=True) as connection:
            rows = connection.execute("select person_id from history_person_profile").fetchall()
        people = {name: _people(lake, name, ds) for name in MAY_STAND_IN if name != "history_person_profile"}
        people["history_person_profile"] = {row[0] for row in rows}
        return [Output(name, ds, found, allowed_in_table(self.towns, name, ds)) for name, found in people.items()]

    def _exported(self, ds: str, *, known: str) -> list[Output]:
        """The audiences of a day, made when the decisions until `known` had been mapped."""
        audiences = Lake(self.settings.home.audiences)
        later = ", made later" if known != ds else ""
        return [
            Output(
                f"audience {name}{later}",
                ds,
                _people(audiences, name, ds),
                allowed_in_audience(self.towns, name, ds, known),
            )
            for name in EXPORTED
        ]

    def _learn(self, model: str) -> None:
        """Train a model on Thursday and let it be champion; where there was too little to learn, there is none."""
        from training.registry.client import CHALLENGER, CHAMPION, Registry
        from training.train import train

        train(model, THURSDAY)
        registry = Registry.of(self.settings)
        version = registry.aliased(model, CHALLENGER)
        if version is not None:
            registry.set_alias(version, CHAMPION)


def _people(lake: Lake, table: str, ds: str) -> set[str]:
    files = [str(file) for file in lake.files(table, ds) if file.suffix == ".parquet"]
    column = pyarrow.dataset.dataset(files).to_table(columns=["person_id"]).column("person_id")
    return {person for person in column.to_pylist() if person is not None}
