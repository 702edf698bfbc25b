"""What MLflow keeps of people beside the models themselves, and how it goes: the registry's side of an erasure.

MLflow keeps more than versions: runs in its trash, and models that were logged and whose version is gone. To delete a
run leaves the files of the model that it logged, and so does `mlflow gc`; here they are looked at like all others.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from training.registry.client import FORGOTTEN, HASH_TAG, Registry, Version

RUN_FILES = ("parity.npz", "units.parquet")
"""Files of a run that hold inputs of people and what was measured on each; nobody needs them to serve the model."""

EXAMPLE_FILES = ("input_example.json", "serving_input_example.json")
"""Files of a logged model that hold rows as a caller would send them."""

_REQUEST_TAG = f"{FORGOTTEN}."
_PAGE = 500


@dataclass(frozen=True)
class Kept:
    """One run, what it learned from, and the models that it logged."""

    run_id: str
    model: str
    """Name of its experiment."""
    table: str
    """The table that it learned from; empty where it names none, as a search does."""
    ds: str
    synthetic_rows: int
    """Rows of a generator among those that it learned from."""
    in_trash: bool
    logged: tuple[str, ...]
    """Ids of its logged models, but those that were deleted."""
    versions: tuple[Version, ...]
    """Registered from them."""
    started: int = 0
    """When the run began, in milliseconds since 1970."""


def everything_kept(registry: Registry) -> list[Kept]:
    """Every run of every experiment, those in the trash among them, oldest first."""
    from mlflow.entities import ViewType

    client = registry.client
    with registry.answering():
        experiments = {
            one.experiment_id: one.name
            for one in all_pages(
                lambda token: client.search_experiments(ViewType.ALL, page_token=token, max_results=_PAGE)
            )
        }
        chosen = list(experiments)
        runs = list(
            all_pages(lambda token: client.search_runs(chosen, "", ViewType.ALL, page_token=token, max_results=_PAGE))
        )
        logged = list(all_pages(lambda token: client.search_logged_models(chosen, page_token=token, max_results=_PAGE)))
        found = list(all_pages(lambda token: client.search_model_versions(page_token=token, max_results=_PAGE)))
    versions: dict[str, list[Version]] = {}
    for one in sorted(found, key=lambda one: (one.name, int(one.version))):
        versions.setdefault(one.run_id, []).append(Version(one.name, str(one.version), one.run_id, dict(one.tags)))
    return [
        Kept(
            run.info.run_id,
            experiments[run.info.experiment_id],
            *_learned_from(run),
            synthetic_rows=int(run.data.params.get("synthetic_rows", 0)),
            in_trash=run.info.lifecycle_stage == "deleted",
            logged=tuple(one.model_id for one in logged if one.source_run_id == run.info.run_id),
            versions=tuple(versions.get(run.info.run_id, ())),
            started=run.info.start_time or 0,
        )
        for run in sorted(runs, key=lambda run: run.info.start_time)
    ]


def rows_of_people(registry: Registry, kept: Kept) -> list[str]:
    """The files of a run and of the models that it logged which hold rows of people, as `<run or model>/<file>`."""
    return [f"{owner}/{name}" for owner, _, name in _files(registry, kept)]


def delete_rows_of_people(registry: Registry, kept: Kept) -> None:
    """Delete those files; a version says so no more that it has them, and can be loaded as before.

    The tag of a file goes before the file: if this is cut off between the two, the version is refused until it is
    done again, and never loaded with a file that its tags do not know.
    """
    for _, store, name in _files(registry, kept):
        for version in kept.versions:
            if name in EXAMPLE_FILES and f"{HASH_TAG}{name}" in version.tags:
                with registry.answering():
                    registry.client.delete_model_version_tag(version.model, version.number, f"{HASH_TAG}{name}")
        store.delete_artifacts(name)


def delete_logged(registry: Registry, kept: Kept) -> None:
    """Delete the models that a run logged, their files first; for those that no version was registered from."""
    for model_id in kept.logged:
        with registry.answering():
            repository(registry.client.get_logged_model(model_id).artifact_location).delete_artifacts()
            registry.client.delete_logged_model(model_id)


def empty_trash(registry: Registry, kept: list[Kept]) -> None:
    """Delete for good what lies in MLflow's trash: runs and models, with their files.

    Where MLflow is a server its trash is the server's own: the files go from here, what is left are parameters and
    metrics, which `mlflow gc` on the server deletes.
    """
    for one in kept:
        if one.in_trash and not one.versions:
            delete_logged(registry, one)
            with registry.answering():
                repository(registry.client.get_run(one.run_id).info.artifact_uri).delete_artifacts()
    if not registry.uri.startswith("http"):
        collect_garbage(registry)


def collect_garbage(registry: Registry, *options: str) -> None:
    """Let MLflow delete for good what is deleted already; it works on a database and not through a server."""
    from mlflow.cli import gc

    with contextlib.redirect_stdout(io.StringIO()):
        gc.main(["--backend-store-uri", registry.uri, *options], standalone_mode=False)


def mark(registry: Registry, version: Version, *, request: str, today: str) -> str:
    """Count one more person whom a version learned from and must not have; returns the tag's text.

    A request is counted once, however often it is done: its id, which names nobody, stands as a tag of its own.
    """
    client = registry.client
    with registry.answering():
        if f"{_REQUEST_TAG}{request}" not in version.tags:
            client.set_model_version_tag(version.model, version.number, f"{_REQUEST_TAG}{request}", today)
        tags = client.get_model_version(version.model, version.number).tags
        days = [day for name, day in tags.items() if name.startswith(_REQUEST_TAG)]
        text = f"{len(days)} people since {min(days)}"
        client.set_model_version_tag(version.model, version.number, FORGOTTEN, text)
    return text


def _learned_from(run: Any) -> tuple[str, str]:
    """Table and day of a run's data set, whose name is `<table>/ds=<day>`; two empty texts without one."""
    names = [one.dataset.name for one in run.inputs.dataset_inputs] if run.inputs else []
    table, _, ds = names[0].partition("/ds=") if names else ("", "", "")
    return table, ds


def _files(registry: Registry, kept: Kept) -> Iterator[tuple[str, Any, str]]:
    """Who has it, the store that it is in, and the file."""
    with registry.answering():
        places = [(kept.run_id, registry.client.get_run(kept.run_id).info.artifact_uri, RUN_FILES)]
        places += [
            (model_id, registry.client.get_logged_model(model_id).artifact_location, EXAMPLE_FILES)
            for model_id in kept.logged
        ]
    for owner, location, names in places:
        store = repository(location)
        for file in store.list_artifacts():
            if file.path in names:
                yield owner, store, file.path


def repository(location: str) -> Any:
    """Where the files of a run or a logged model are, as MLflow reads, lists and deletes them."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(location)


def all_pages(page: Callable[[str | None], Any]) -> Iterator[Any]:
    """What a search gives, page by page."""
    token = None
    while True:
        found = page(token)
        yield from found
        token = found.token
        if not token:
            return
