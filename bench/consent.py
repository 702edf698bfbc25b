"""How many identifiers without consent stand in any output, over random towns and two nights: must be none.

Each night is built, scored and turned into audiences by the commands of a real night; in between, Thursday's audiences
are made once more when Friday's withdrawals have been mapped and nothing has been built or scored since. Who may stand
where is reckoned from the raw decisions in plain Python (`bench/consent_towns.py`). Models learn on Thursday and speak
on both nights; the gate is not asked, for it is not their quality that is measured.

    python -m bench.consent --towns 50
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset

from bench.consent_towns import DAYS, FRIDAY, LONG_BEFORE, THURSDAY, Towns, draw_towns
from contracts.errors import ModelError, exit_with_sentence
from contracts.lake import Lake
from contracts.settings import REPOSITORY, Settings

CAMPAIGNS = {
    "letters": "purpose: marketing_contact\n",
    "front_page": "purpose: personalisation\n",
    "chosen_letters": "purpose: marketing_contact\nwho: {at_least: {frequency: 0}}\n",
    "chosen_page": "purpose: personalisation\nwho: {age_band: [35-44, unknown]}\n",
}

MODELS = ("next_item", "taste_autoencoder", "response")

ANY = ("profiling",), ("training",), ("personalisation",)
PROFILED, LEARNED, SCORED = ANY
MAY_STAND_IN = {
    "dim_person_profile": [PROFILED],
    "training_pictures": [PROFILED],
    "fct_interactions": list(ANY),
    "training_sequences": [LEARNED],
    "training_responses": [LEARNED],
    "scoring_sequences": [SCORED],
    "scoring_responses": [SCORED],
    "scores": [SCORED],
    "responses": [SCORED],
    "predictions": [SCORED],
}
"""Table -> sets of purposes; who agrees to all of one set may stand in it."""
EXPORTED = {
    "letters": [("personalisation", "marketing_contact")],
    "front_page": [SCORED],
    "chosen_letters": [("personalisation", "marketing_contact", "profiling")],
    "chosen_page": [("personalisation", "profiling")],
}


@dataclass(frozen=True)
class Output:
    """Who stands in an output, and who may."""

    name: str
    ds: str
    people: set[str]
    allowed: set[str]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.consent", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--towns", type=int, default=50, help="how many towns (default 50)")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    exit_with_sentence(lambda: bench(chosen.towns, seed=chosen.seed))


def bench(towns: int, *, seed: int) -> dict[str, Any]:
    """Run the two nights in a folder that is deleted afterwards, write and return the line.

    Raises:
        ModelError: a step of a night failed, or somebody stands where they may not.
    """
    from bench.result import write

    started = time.monotonic()
    drawn = draw_towns(towns, seed)
    with tempfile.TemporaryDirectory() as home:
        outputs = two_nights(drawn, Path(home), models=MODELS)
        spoke = _spoke(Lake(Settings.from_env().home.lake), FRIDAY)
    found: dict[str, dict[str, int]] = {}
    for output in outputs:
        entry = found.setdefault(output.name, {"people": 0, "identifiers": 0, "identifiers_without_consent": 0})
        entry["people"] += len(output.people)
        entry["identifiers"] += drawn.identifiers(output.ds, output.people)
        entry["identifiers_without_consent"] += drawn.identifiers(output.ds, output.people - output.allowed)
    line = {
        "bench": "consent",
        "protocol": "random towns, two nights; outputs of all steps against a plain reckoning of the raw decisions",
        "towns": towns,
        "seed": seed,
        "identifiers": len(drawn.persons[FRIDAY]),
        "models": spoke,
        "decisions": sum(len(rows) for (table, _), rows in drawn.rows.items() if table == "consents"),
        "identifiers_without_consent": sum(entry["identifiers_without_consent"] for entry in found.values()),
        "outputs": found,
        "seconds": round(time.monotonic() - started, 1),
    }
    write(line)
    if line["identifiers_without_consent"]:
        raise ModelError(
            expected="no identifier without consent in any output",
            received=f"{line['identifiers_without_consent']}",
            remedy="look at `outputs` of the line that was printed",
        )
    return line


def two_nights(drawn: Towns, home: Path, *, models: Sequence[str] = ()) -> list[Output]:
    """Everything that both nights published, and what was exported between them.

    Args:
        models: which learn on Thursday and are champions at once; without any, everyone is ranked by popularity.
    """
    (home / "campaigns").mkdir(parents=True)
    for name, text in CAMPAIGNS.items():
        (home / "campaigns" / f"{name}.yml").write_text(f"name: {name}\n{text}")
    os.environ["NIGHTSHIFT_HOME"] = str(home)
    os.environ["NIGHTSHIFT_CAMPAIGNS"] = str(home / "campaigns")
    os.environ["NIGHTSHIFT_SMALLEST_GROUP"] = "1"
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)

    drawn.deliver(lake, (LONG_BEFORE, THURSDAY))
    _run("dbt_project.build", THURSDAY)
    for model in models:
        _learn(settings, model)
    _run("serving.score", THURSDAY)
    _run("activation.export", THURSDAY)
    outputs = [*_published(drawn, settings, THURSDAY), *_exported(drawn, settings, THURSDAY, THURSDAY)]

    drawn.deliver(lake, (FRIDAY,))
    _run("activation.export", THURSDAY)
    outputs += _exported(drawn, settings, THURSDAY, FRIDAY)
    _run("dbt_project.build", FRIDAY)
    _run("serving.score", FRIDAY)
    _run("activation.export", FRIDAY)
    return [*outputs, *_published(drawn, settings, FRIDAY), *_exported(drawn, settings, FRIDAY, FRIDAY)]


def _published(drawn: Towns, settings: Settings, ds: str) -> list[Output]:
    """The tables of a night, and the history in the warehouse."""
    agreed, lake = drawn.agreed(ds), Lake(settings.home.lake)
    outputs = [
        Output(name, ds, _people(lake.partition(name, ds)), _allowed(agreed, sets))
        for name, sets in MAY_STAND_IN.items()
    ]
    with duckdb.connect(str(settings.home.warehouse), read_only=True) as connection:
        history = {row[0] for row in connection.execute("select person_id from history_person_profile").fetchall()}
    return [*outputs, Output("history_person_profile", ds, history, agreed["profiling"])]


def _exported(drawn: Towns, settings: Settings, ds: str, known: str) -> list[Output]:
    """The audiences of a day, made when the decisions until `known` had been mapped.

    Whoever withdrew since must be out under whichever name: a person of that day is allowed who agreed then, and of
    whose identifiers each belongs to somebody who agrees now, or who has decided nothing.
    """
    audiences = Lake(settings.home.audiences)
    then = drawn.agreed(ds)
    outputs = []
    for name, sets in EXPORTED.items():
        allowed = _allowed(then, sets)
        for purpose in sets[0] if known != ds else ():
            allowed -= _withdrawn(drawn, purpose, ds, known)
        people = _people(audiences.partition(name, ds))
        outputs.append(Output(f"audience {name}" + (", made later" if known != ds else ""), ds, people, allowed))
    return outputs


def _withdrawn(drawn: Towns, purpose: str, ds: str, known: str) -> set[str]:
    """People of a day with an identifier whose owner now refuses a purpose: decided on it, and does not agree."""
    now, agreed = drawn.persons[known], drawn.agreed(known)[purpose]
    deciders = {
        now[row["identifier"]]
        for (table, arrived), rows in drawn.rows.items()
        for row in rows
        if table == "consents" and arrived in DAYS and arrived <= known and row["purpose"] == purpose
    }
    return {person for identifier, person in drawn.persons[ds].items() if now[identifier] in deciders - agreed}


def _allowed(agreed: Mapping[str, set[str]], sets: list[tuple[str, ...]]) -> set[str]:
    return set().union(*(set.intersection(*(agreed[purpose] for purpose in purposes)) for purposes in sets))


def _people(partition: Path) -> set[str]:
    files = [str(file) for file in sorted(partition.glob("*.parquet"))]
    column = pyarrow.dataset.dataset(files).to_table(columns=["person_id"]).column("person_id")
    return {person for person in column.to_pylist() if person is not None}


def _learn(settings: Settings, model: str) -> None:
    """Train a model on Thursday and let it be champion; where there was too little to learn, there is none."""
    from training.registry.client import CHALLENGER, CHAMPION, Registry

    _run("training.train", THURSDAY, "--model", model)
    registry = Registry.of(settings)
    version = registry.aliased(model, CHALLENGER)
    if version is not None:
        registry.set_alias(version, CHAMPION)


def _spoke(lake: Lake, ds: str) -> list[str]:
    """Model and version of whatever ranked or predicted on a night."""
    found = set()
    for table in ("scores", "responses"):
        files = [str(file) for file in sorted(lake.partition(table, ds).glob("*.parquet"))]
        found |= set(pyarrow.dataset.dataset(files).to_table(columns=["model_version"])["model_version"].to_pylist())
    return sorted(found)


def _run(module: str, ds: str, *more: str) -> None:
    command = [sys.executable, "-m", module, "--ds", ds, *more]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(
            expected=f"python -m {module} --ds {ds} to succeed",
            received=" ".join((done.stderr or done.stdout).splitlines()[-3:]),
            remedy="run it in a home of your own and see",
        )


if __name__ == "__main__":
    main()
