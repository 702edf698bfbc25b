"""The model registry: the only file that imports MLflow, beside the code that MLflow itself runs.

A registered version carries the SHA-256 of each of its files as a tag, for example `sha256.artifacts/ranker.keras`;
`load` compares them before it opens anything, because a model file is code.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import importlib.metadata
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from contracts.errors import ModelError, RegistryError
from contracts.quiet_imports import errors_alone
from contracts.registry_database import RegistryDatabase
from contracts.settings import Settings
from training.learner import Signature

CHALLENGER = "challenger"
CHAMPION = "champion"

SHADOW = "shadow"
"""The alias of a version that scores every night beside the champion, and is shown to nobody."""

SHADOWED = ("next_item", "taste_autoencoder")
"""The models of which a version can be in shadow: those that rank items."""

FORGOTTEN = "forgotten"
"""The tag of a version that learned from people who are to be forgotten: `<n> people since <day>`."""

PROMOTED = "promoted"
"""The tag of a version that has been champion: when it became that. It does not become champion twice by the gate: who
moved the alias back did so on purpose."""

PINNED = "pinned"
"""The tag with which a person lets a champion stay, whatever challenges it; any value."""

DAY = "ds"
"""The tag that says on which day's tables a version was trained."""

LEARNED_UNTIL = "learned_until"
"""The tag that says of which day a version learned last, or chose its epochs by; missing where data have no days."""

WEIGHTS, JUDGED, REFIT = "weights", "judged", "refit"
"""The tag that says what a version's weights have seen: `judged` ones all but the test, `refit` ones everything."""

JUDGED_VERSION, REFIT_VERSION = "judged_version", "refit_version"
"""The tags by which the two versions of one training name each other."""

EPOCHS, WATCHED, FIT_SECONDS = "epochs", "watched", "fit_seconds"
"""The tags of judged weights that a refit needs: epochs until the best, what the validation said then, seconds."""

MODELS_FOLDER = Path(__file__).resolve().parents[1] / "models"

_METRICS_A_REQUEST = 1000
"""MLflow takes no more."""

_BYTECODE = "__pycache__"
"""The folder in which Python keeps what it has compiled, beside the code, where it may write."""

_REQUIREMENTS = ("keras", "mlflow", "numpy", "pandas", "tensorflow")
_NO_ANSWER = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE")
"""MLflow's error codes of a server that is down or cannot be reached; others are mistakes of the request."""

_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Lets MLflow's page open on the training runs."""

HASH_TAG = "sha256."
_WRITTEN_ON_DOWNLOAD = "registered_model_meta"


@dataclass(frozen=True)
class Version:
    """One registered version of a model."""

    model: str
    number: str
    run_id: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Registration:
    """Everything that is registered of one training."""

    model: str
    ds: str
    parameters: Mapping[str, Any]
    epochs: Sequence[Mapping[str, float]]
    """Metrics of each epoch."""
    metrics: Mapping[str, float]
    table: str
    data_hash: str
    files: Path
    """Folder whose files are kept beside the model: card, charts, metrics of each unit."""
    artifacts: Mapping[str, Path]
    """What the pyfunc loads."""
    signature: Signature
    example: pd.DataFrame
    """A few rows of the model's input."""
    requirements: Sequence[str]
    """Packages that this model's pyfunc imports, beside those that all need."""
    tags: Mapping[str, str]
    """What the page of the version shows first: day, data, commit."""
    description: str
    """The version in a sentence, for its page."""
    challenger: bool = True
    """Whether it gets that alias: what is trained again after the gate has decided does not."""


@dataclass(frozen=True)
class TuningLog:
    """A search, as runs within a run."""

    experiment_id: str

    @contextlib.contextmanager
    def trial(self, name: str, parameters: Mapping[str, Any]) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
        """A nested run; yields what logs the metrics of an epoch."""
        import mlflow

        with mlflow.start_run(experiment_id=self.experiment_id, run_name=name, nested=True):
            mlflow.log_params(dict(parameters))
            yield lambda epoch, metrics: mlflow.log_metrics(dict(metrics), step=epoch)

    def file(self, file: Path) -> None:
        """Keep a file beside the search."""
        import mlflow

        mlflow.log_artifact(str(file))


class Registry:
    """A connection to MLflow that works: it has been used once."""

    def __init__(self, uri: str, artifacts: Path) -> None:
        """Connect.

        Raises:
            RegistryError: no answer within a few seconds.
        """
        self.uri, self.artifacts = uri, artifacts
        os.environ["DO_NOT_TRACK"] = "true"
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "10"
        import mlflow  # after the switches above: MLflow reads them while it is imported

        if (database := RegistryDatabase.of(uri, artifacts)) is not None:
            database.move_addresses()  # of a home that was copied or moved
        with self.answering():
            mlflow.set_tracking_uri(uri)
            self.client = mlflow.MlflowClient()
            self.client.search_experiments(max_results=1)

    @classmethod
    def of(cls, settings: Settings) -> Registry:
        return cls(settings.registry_uri, settings.home.artifacts)

    def aliased(self, model: str, alias: str) -> Version | None:
        """The version that an alias points to, if there is one."""
        with self.answering():
            named = self.client.search_registered_models(f"name = '{model}'")
            number = named[0].aliases.get(alias) if named else None
        return None if number is None else self.version(model, str(number))

    def numbers(self, model: str) -> list[str]:
        """The numbers of the versions of a model that there are, oldest first."""
        with self.answering():
            found = self.client.search_model_versions(f"name = '{model}'")
        return sorted((str(one.version) for one in found), key=int)

    def version(self, model: str, number: str) -> Version:
        """One version by its number.

        Raises:
            ModelError: there is no such version.
        """
        with self.answering():
            found = self.client.search_model_versions(f"name = '{model}'")
        for one in found:
            if str(one.version) == number:
                return Version(model, number, one.run_id, dict(one.tags))
        numbers = sorted((str(one.version) for one in found), key=int)
        raise ModelError(
            expected=f"a registered version of {model}",
            received=f"version {number!r}; there are {', '.join(numbers) or 'none'}",
            remedy=f"run `python -m training.train --model {model} --ds ...`" if not numbers else "choose one of these",
        )

    def require_trained(self, version: Version) -> None:
        """Refuse a version that no training registered, before anything is done with it.

        Raises:
            ModelError: the version lacks its day or the SHA-256 of its files, which training leaves as tags.
        """
        missing = [] if version.tags.get(DAY) else [f"`{DAY}`"]
        if not any(name.startswith(HASH_TAG) for name in version.tags):
            missing.append(f"`{HASH_TAG}<file>`")
        if missing:
            raise ModelError(
                expected=f"version {version.number} of {version.model} as training registers it",
                received=f"one without the tags {' and '.join(missing)}",
                remedy="it was registered by hand or its tags were removed: delete its alias in the registry, or move "
                f"the alias to another version; `python -m training.train --model {version.model} --ds ...` makes one",
            )

    def require_experiment(self, model: str) -> None:
        """Refuse to work towards a run that has no place, before the work.

        Raises:
            ModelError: the experiment of the model lies in MLflow's trash.
            RegistryError: the registry does not answer.
        """
        with self.answering():
            self._experiment(model)

    def set_tag(self, version: Version, name: str, value: str) -> None:
        with self.answering():
            self.client.set_model_version_tag(version.model, version.number, name, value)

    def set_alias(self, version: Version, alias: str) -> None:
        with self.answering():
            self.client.set_registered_model_alias(version.model, alias, version.number)

    def promote(self, version: Version) -> None:
        """Let the alias `champion` point to a version, which is then no challenger any more, nor in shadow.

        The champion moves first: if this is cut off between the steps, the version has both aliases, and a second call
        ends it.
        """
        self.set_alias(version, CHAMPION)
        with self.answering():
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            self.client.set_model_version_tag(version.model, version.number, PROMOTED, now)
        self._remove_alias(CHALLENGER, version)
        self._remove_alias(SHADOW, version)

    def _remove_alias(self, alias: str, version: Version) -> None:
        """Let an alias point to nothing, if it points to this version."""
        aliased = self.aliased(version.model, alias)
        if aliased is not None and aliased.number == version.number:
            with self.answering():
                self.client.delete_registered_model_alias(version.model, alias)

    def register(self, registration: Registration) -> Version:
        """Keep a training as a run and its model as a new version, which gets the alias `challenger` if it should.

        A challenger that learned from a later day keeps the alias.
        """
        import mlflow
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset

        dataset = MetaDataset(
            CodeDatasetSource({"table": registration.table, "ds": registration.ds}),
            name=f"{registration.table}/ds={registration.ds}",
            digest=registration.data_hash[:36],
        )
        experiment, parameters = self._experiment(registration.model), dict(registration.signature.parameters)
        with self.answering(), mlflow.start_run(experiment_id=experiment, run_name=registration.ds) as run:
            mlflow.set_tags(dict(registration.tags))
            mlflow.log_params(dict(registration.parameters))
            mlflow.log_input(dataset, context="training")
            steps = enumerate((registration.metrics, *registration.epochs))  # epochs count from 1
            self._log_metrics(run.info.run_id, steps, int(time.time() * 1000))
            mlflow.log_artifacts(str(registration.files))
            logged = mlflow.pyfunc.log_model(
                name=registration.model,
                python_model=str(MODELS_FOLDER / registration.model / "pyfunc.py"),
                artifacts={name: str(file) for name, file in registration.artifacts.items()},
                signature=mlflow_signature(registration.signature),
                input_example=(registration.example, parameters) if parameters else registration.example,
                pip_requirements=[
                    f"{name}=={importlib.metadata.version(name)}"
                    for name in (*_REQUIREMENTS, *registration.requirements)
                ],
                registered_model_name=registration.model,
                tags=dict(registration.tags),
            )
            version = self.version(registration.model, str(logged.registered_model_version))
            folder = Path(mlflow.artifacts.download_artifacts(logged.model_uri))
            _remove_bytecode(folder)  # MLflow has tried the model
            hashes = _hashes(folder)
            tags = {**registration.tags, **{f"{HASH_TAG}{name}": digest for name, digest in hashes.items()}}
            card = f"#/experiments/{experiment}/runs/{version.run_id}/artifacts/card.html"
            self.client.update_model_version(
                version.model, version.number, f"{registration.description} [Model card]({card})"
            )
            for name, value in tags.items():
                self.client.set_model_version_tag(version.model, version.number, name, value)
        if registration.challenger:
            before = self.aliased(registration.model, CHALLENGER)
            if before is None or before.tags.get(DAY, "") <= registration.ds:
                self.set_alias(version, CHALLENGER)
        return Version(version.model, version.number, version.run_id, tags)

    def log_night(self, version: Version, metrics: Mapping[str, float], ds: str, charts: Iterable[Path]) -> None:
        """What a night measured of a version, beside its training: a step a day after the one that it learned from.

        Of a night that is measured again with equal figures nothing is added; a chart takes the place of its former.

        Raises:
            ModelError: the run was deleted.
            RegistryError: the registry does not answer.
        """
        night = datetime.datetime.fromisoformat(ds).replace(tzinfo=datetime.UTC)
        learned = datetime.datetime.fromisoformat(version.tags.get(DAY, ds)).replace(tzinfo=datetime.UTC)
        with self.answering(f"the run that trained {version.model} version {version.number}"):
            self._log_metrics(version.run_id, [((night - learned).days, metrics)], int(night.timestamp() * 1000))
            for chart in charts:
                self.client.log_artifact(version.run_id, str(chart), artifact_path="nights")

    def _log_metrics(self, run_id: str, steps: Iterable[tuple[int, Mapping[str, float]]], moment: int) -> None:
        """Metrics by their step, in few requests: a server checks the password of each.

        Args:
            moment: in milliseconds since 1970.
        """
        from mlflow.entities import Metric

        metrics = [
            Metric(name, float(value), moment, step) for step, measured in steps for name, value in measured.items()
        ]
        for start in range(0, len(metrics), _METRICS_A_REQUEST):
            self.client.log_batch(run_id, metrics=metrics[start : start + _METRICS_A_REQUEST])

    def load(self, version: Version) -> Any:
        """The pyfunc of a version, once its files have been checked against their registered SHA-256.

        Raises:
            ModelError: no training registered it, a file is not the one that was registered, or it cannot be opened.
        """
        import mlflow

        self.require_trained(version)
        with self.answering(f"the files of {version.model} version {version.number}"):
            mlflow.set_tracking_uri(self.uri)  # another registry may have been opened since
            folder = Path(mlflow.artifacts.download_artifacts(f"models:/{version.model}/{version.number}"))
        _remove_bytecode(folder)
        registered = {
            name.removeprefix(HASH_TAG): digest
            for name, digest in version.tags.items()
            if name.startswith(HASH_TAG) and _BYTECODE not in name  # which releases before this one registered, too
        }
        found = _hashes(folder)
        for name in sorted({*registered, *found}):
            if found.get(name) != registered.get(name):
                raise ModelError(
                    expected=f"{name} of {version.model} version {version.number} with SHA-256 {registered.get(name)}",
                    received=f"SHA-256 {found.get(name)}",
                    remedy="do not load it: find out who changed the file, and train a new version",
                )
        try:
            with errors_alone():
                import keras  # noqa: F401  as the version's own code does
            with _without_bytecode():
                return mlflow.pyfunc.load_model(str(folder))
        except Exception as error:  # its own code runs, with the libraries of today
            raise ModelError(
                expected=f"version {version.number} of {version.model} that can be opened",
                received=f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}",
                remedy="train a new version with the libraries that are installed now",
            ) from error

    def run_file(self, version: Version, name: str) -> Path:
        """A file that the training of a version left beside it.

        Raises:
            ModelError: the run or the file was deleted.
        """
        import mlflow

        with self.answering(f"{name} of the run that trained {version.model} version {version.number}"):
            return Path(mlflow.artifacts.download_artifacts(run_id=version.run_id, artifact_path=name))

    @contextlib.contextmanager
    def tuning(self, model: str, name: str) -> Iterator[TuningLog]:
        """A run that holds the runs of trials."""
        import mlflow

        with self.answering():
            run = mlflow.start_run(experiment_id=self._experiment(model), run_name=name)
        with run:
            yield TuningLog(run.info.experiment_id)

    def _experiment(self, model: str) -> str:
        """Id of the model's experiment; where MLflow is no server, its artifacts are kept below `artifacts`.

        Raises:
            ModelError: it lies in MLflow's trash.
        """
        found = self.client.get_experiment_by_name(model)
        if found is not None and found.lifecycle_stage == "deleted":
            raise ModelError(
                expected=f"the experiment {model} in the registry, or none",
                received=f"one that was deleted and lies in the trash, number {found.experiment_id}",
                remedy=f"restore it with `mlflow experiments restore --experiment-id {found.experiment_id}`",
            )
        if found is not None:
            return found.experiment_id
        location = None if self.uri.startswith("http") else (self.artifacts / model).as_uri()
        return self.client.create_experiment(model, artifact_location=location, tags=_EXPERIMENT_TAGS)

    @contextlib.contextmanager
    def answering(self, thing: str = "what training left there") -> Iterator[None]:
        """Turn MLflow's errors into ours.

        Args:
            thing: what the registry is asked for, for the sentence that says that it is not there.

        Raises:
            RegistryError: the registry is down or cannot be reached.
            ModelError: it answers, and what is asked for is not there or refused: people edit registries.
        """
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError, FileNotFoundError) as error:
            received = (str(error).splitlines() or [type(error).__name__])[0]
            missing = isinstance(error, FileNotFoundError) or (
                getattr(error, "error_code", _NO_ANSWER[0]) not in _NO_ANSWER
            )
            if missing:
                raise ModelError(
                    expected=f"{thing} in the model registry at {self.uri}",
                    received=received,
                    remedy="look whether a person deleted it there; to do without it, move the alias to a version that "
                    "is whole, or train again",
                ) from error
            raise RegistryError(
                expected=f"an answer of the model registry at {self.uri}",
                received=received,
                remedy="start it, or correct NIGHTSHIFT_REGISTRY_URI",
            ) from error


def mlflow_signature(signature: Signature) -> Any:
    """MLflow's form of a signature."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType, Array

    def kind(written: str) -> Any:
        element = written.removeprefix("array<").removesuffix(">")
        if element == "any":
            return Array(AnyType())
        return Array(DataType[element]) if element != written else DataType[element]

    kinds = {int: DataType.long, float: DataType.double, str: DataType.string}
    inputs = [
        ColSpec(kind(written), name, required=name not in signature.optional)
        for name, written in signature.inputs.items()
    ]
    outputs = [ColSpec(kind(written), name) for name, written in signature.outputs.items()]
    parameters = [ParamSpec(name, kinds[type(value)], value) for name, value in signature.parameters.items()]
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema(parameters) if parameters else None)


def _remove_bytecode(folder: Path) -> None:
    """Remove what Python compiled of a model's code when somebody else opened it: it would be run unread."""
    for compiled in [*folder.rglob(_BYTECODE)]:
        shutil.rmtree(compiled, ignore_errors=True)


@contextlib.contextmanager
def _without_bytecode() -> Iterator[None]:
    """Let Python leave nothing beside the code that it opens."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a model, by its path within the model; of bytecode, which is never run, none."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != _WRITTEN_ON_DOWNLOAD and _BYTECODE not in file.relative_to(folder).parts
    }
