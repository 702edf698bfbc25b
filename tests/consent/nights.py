"""Two nights of the towns, Thursday and Friday, by the commands of a real night; and who stands in what they published.

In between, Thursday's audiences are made once more when Friday's withdrawals have been mapped and nothing has been
built or scored since.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.dataset

from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings
from tests.consent.oracle import EXPORTED, MAY_STAND_IN, allowed_in_audience, allowed_in_table
from tests.consent.towns import FRIDAY, LONG_BEFORE, THURSDAY, Towns

CAMPAIGNS = {
    "letters": "purpose: marketing_contact\n",
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
            ModelError: a step of a night failed.
        """
        (self.home / "campaigns").mkdir(parents=True)
        for name, text in CAMPAIGNS.items():
            (self.home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\n{text}")
        lake = Lake(self.settings.home.lake)

        self.towns.deliver(lake, (LONG_BEFORE, THURSDAY))
        self._command("dbt_project.build", THURSDAY)
        for model in models:
            self._learn(model)
        self._command("serving.score", THURSDAY)
        self._command("activation.export", THURSDAY)
        outputs = [*self._published(THURSDAY), *self._exported(THURSDAY, known=THURSDAY)]

        self.towns.deliver(lake, (FRIDAY,))
        self._command("activation.export", THURSDAY)
        outputs += self._exported(THURSDAY, known=FRIDAY)
        self._command("dbt_project.build", FRIDAY)
        self._command("serving.score", FRIDAY)
        self._command("activation.export", FRIDAY)
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

        self._command("training.train", THURSDAY, "--model", model)
        registry = Registry.of(self.settings)
        version = registry.aliased(model, CHALLENGER)
        if version is not None:
            registry.set_alias(version, CHAMPION)

    def _command(self, module: str, ds: str, *more: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", module, "--ds", ds, *more],
            cwd=REPOSITORY,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ModelError(
                expected=f"python -m {module} --ds {ds} to succeed",
                received=" ".join((done.stderr or done.stdout).splitlines()[-3:]),
                remedy="run it in a home of your own and see",
            )


def _people(lake: Lake, table: str, ds: str) -> set[str]:
    files = [str(file) for file in lake.files(table, ds) if file.suffix == ".parquet"]
    column = pyarrow.dataset.dataset(files).to_table(columns=["person_id"]).column("person_id")
    return {person for person in column.to_pylist() if person is not None}
