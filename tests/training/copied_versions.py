"""More versions of a model of which there is one: with its files, in no time."""

from __future__ import annotations

from training.registry.client import Registry, Version


def copied(registry: Registry, *, of: str = "1", without: tuple[str, ...] = (), **tags: str) -> Version:
    """One more version of `next_item`, with the files and the tags of another.

    Args:
        of: its number.
        without: beginnings of tags that it lacks.
        tags: tags that it has besides, or instead.
    """
    first = registry.client.get_model_version("next_item", of)
    kept = {name: value for name, value in {**first.tags, **tags}.items() if not name.startswith(without or ("-",))}
    made = registry.client.create_model_version("next_item", first.source, first.run_id, tags=kept)
    return registry.version("next_item", str(made.version))
