"""Which versions and runs of the registry have lived their span, and how they go: the registry's side of a cleaning.

A version goes with everything that it was made of: the files of its model, the files of its run, the run, the entry.
Its number is not given again, so that the ledger still says of each decision which version it was about.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from training.registry.client import CHAMPION, DAY, JUDGED_VERSION, PINNED, PROMOTED, Registry, Version
from training.registry.erasure import Kept, all_pages, collect_garbage, delete_logged, repository


def aliased_numbers(registry: Registry) -> dict[str, dict[str, str]]:
    """Model -> alias -> number of its version."""
    with registry.answering():
        models = list(all_pages(lambda token: registry.client.search_registered_models(page_token=token)))
    return {one.name: {alias: str(number) for alias, number in one.aliases.items()} for one in models}


def versions_that_stay(
    kept: Iterable[Kept],
    aliases: Mapping[str, Mapping[str, str]],
    needed: Collection[tuple[str, str]],
    *,
    newest: int | None,
    generator: str,
) -> set[tuple[str, str]]:
    """Model and number of every version that stays.

    Args:
        aliases: model -> alias -> number.
        needed: model and number of what waits for a person, or by the ledger is champion or was put back.
        newest: how many of each model stay because they are the newest; None for all.
        generator: the model whose synthetic rows others learn from.
    """
    kept = list(kept)
    runs = {(version.model, version.number): one for one in kept for version in one.versions}
    versions = {(version.model, version.number): version for one in kept for version in one.versions}
    if newest is None:
        return set(versions)
    stay = {*needed, *((model, number) for model, named in aliases.items() for number in named.values())}
    for model in {model for model, _ in versions}:
        own = sorted((one for one in versions.values() if one.model == model), key=lambda one: int(one.number))
        champion = aliases.get(model, {}).get(CHAMPION)
        twin = {one.tags.get(JUDGED_VERSION) for one in own if one.number == champion}
        former = [one for one in own if PROMOTED in one.tags and one.number != champion and one.number not in twin]
        one_before = sorted(former, key=lambda one: one.tags[PROMOTED])[-1:]
        # who registered a version by hand has not left the tag of its day, and knows what for
        others = [one for one in own if PINNED in one.tags or DAY not in one.tags]
        stay |= {(model, one.number) for one in [*own[-newest:], *one_before, *others]}
        # a champion that learned from everything is measured by the weights that had not
        twins = [one for one in own if (model, one.number) in stay and JUDGED_VERSION in one.tags]
        stay |= {(model, one.tags[JUDGED_VERSION]) for one in twins}
    return (stay & versions.keys()) | _generators_of(runs, versions, stay, generator)


def _generators_of(
    runs: Mapping[tuple[str, str], Kept],
    versions: Mapping[tuple[str, str], Version],
    stay: Collection[tuple[str, str]],
    generator: str,
) -> set[tuple[str, str]]:
    """The generator's champion of before, for each version that stays and learned from synthetic rows.

    Whoever asks to be forgotten may be known to that version through these rows alone.
    """
    made = [(runs[key].ds, int(key[1]), key) for key, one in versions.items() if key[0] == generator]
    promoted = [one for one in made if PROMOTED in versions[one[2]].tags]
    learners = [runs[key].ds for key in stay if key in runs and runs[key].synthetic_rows]
    found = {max((one for one in promoted if one[0] < ds), default=None) for ds in learners}
    return {one[2] for one in found if one is not None}


def expired_runs(
    kept: Iterable[Kept], stay: Collection[tuple[str, str]], models: Collection[str], *, before: int | None
) -> Iterator[Kept]:
    """The runs that go, oldest first: none of their versions stays; of those without a version, the old ones.

    Args:
        models: only their experiments; others are somebody else's.
        before: when a run without a version has to have begun, in milliseconds since 1970; None keeps all.
    """
    for one in kept:
        if one.model not in models:
            continue
        if one.versions:
            if not any((version.model, version.number) in stay for version in one.versions):
                yield one
        elif before is not None and one.started < before:
            yield one


def size_of(registry: Registry, one: Kept) -> int:
    """Bytes of the files of a run and of the models that it logged."""
    with registry.answering():
        places = [registry.client.get_run(one.run_id).info.artifact_uri]
        places += [registry.client.get_logged_model(model_id).artifact_location for model_id in one.logged]
        return sum(_bytes_below(repository(place).list_artifacts) for place in places)


def delete(registry: Registry, one: Kept) -> None:
    """Delete a run with its models, files and versions.

    The versions go last: as long as one is there the run is found again, and what a kill cut off is ended.
    """
    delete_logged(registry, one)
    with registry.answering():
        repository(registry.client.get_run(one.run_id).info.artifact_uri).delete_artifacts()
        if not one.in_trash:
            registry.client.delete_run(one.run_id)
        for version in one.versions:
            registry.client.delete_model_version(version.model, version.number)


def purge(registry: Registry, deleted: Sequence[Kept]) -> None:
    """Delete for good the entries of runs that were deleted, and of the models that they had logged.

    A server does that itself (`mlflow gc`). Where an experiment lies in the trash nothing is done: MLflow would delete
    it as well, and a person may want it back.
    """
    from mlflow.entities import ViewType

    if not deleted or registry.uri.startswith("http"):
        return
    with registry.answering():
        if list(registry.client.search_experiments(ViewType.DELETED_ONLY)):
            return
    logged = [name for one in deleted for name in one.logged]
    options = ["--run-ids", ",".join(one.run_id for one in deleted)]
    collect_garbage(registry, *options, *(["--logged-model-ids", ",".join(logged)] if logged else []))


def _bytes_below(listed: Callable[[str | None], Iterable], folder: str | None = None) -> int:
    found = list(listed(folder))
    return sum(_bytes_below(listed, one.path) if one.is_dir else one.file_size or 0 for one in found)
