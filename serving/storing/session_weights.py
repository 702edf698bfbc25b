"""The weights of a `next_item`, taken out of its net, and the proof that they say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from contracts.errors import ModelError
from serving.online.session_model import SessionModel

COMPARED = 10
"""Items at the top whose scores are compared."""

_TOLERANCE = 1e-3
"""Of a score, relative to the spread of the scores of all items: the nets add up in another order."""

_NAMED = {"items": "items", "gaps": "gaps", "positions": "positions", "categories": "categories"}


def session_weights(model: Any) -> dict[str, np.ndarray]:
    """The weights by the names that `SessionModel` reads.

    Args:
        model: what `training/models/next_item/pyfunc.py` loads.

    Raises:
        ModelError: the net has a layer that is not known here.
    """
    found: dict[str, np.ndarray] = {"max_length": np.array(model.max_length)}
    layers = model.ranker.layers
    named = {layer.name: [np.asarray(one, "float32") for one in layer.get_weights()] for layer in layers}
    for name, stored in _NAMED.items():
        if name in named:
            found[stored] = named[name][0]
    if "item_categories" in named:
        found["item_categories"] = named["item_categories"][0][:, 0].astype("int32")
    if "taste_step" in named:
        found["taste_kernel"], found["taste_bias"] = named["taste_step"]
    of_kind: dict[str, list[list[np.ndarray]]] = {}
    for layer in layers:
        if layer.name not in (*_NAMED, "item_categories", "taste_step") and named[layer.name]:
            of_kind.setdefault(type(layer).__name__, []).append(named[layer.name])
    dense, norms = of_kind.pop("Dense", []), of_kind.pop("LayerNormalization", [])
    recurrent, attention = of_kind.pop("GRU", []), of_kind.pop("MultiHeadAttention", [])
    blocks = len(recurrent) or len(attention)
    expected = (blocks, 1) if recurrent else (2 * blocks, 2 * blocks + 1)
    if of_kind or not blocks or (len(dense), len(norms)) != expected:
        raise ModelError(
            expected="a next_item of GRU or attention blocks, as training/models/next_item/network.py builds it",
            received=f"one of {blocks} blocks with {len(dense)} dense layers, {len(norms)} normalisations"
            + "".join(f" and {kind}" for kind in of_kind),
            remedy="teach serving/online/session_model.py its layers; until then sessions get the night's lists",
        )
    found["blocks"] = np.array(blocks)
    for number in range(blocks):
        if recurrent:
            parts = dict(zip(("gru_kernel", "gru_recurrent", "gru_bias"), recurrent[number], strict=True))
            parts |= dict(zip(("out_kernel", "out_bias"), dense[number], strict=True))
        else:
            names = [f"{part}_{what}" for part in ("query", "key", "value", "attended") for what in ("kernel", "bias")]
            parts = dict(zip(names, attention[number], strict=True))
            for name, weights in (("before", norms[2 * number]), ("between", norms[2 * number + 1])):
                parts |= dict(zip((f"{name}_gamma", f"{name}_beta"), weights, strict=True))
            for name, weights in (("hidden", dense[2 * number]), ("out", dense[2 * number + 1])):
                parts |= dict(zip((f"{name}_kernel", f"{name}_bias"), weights, strict=True))
        found |= {f"{number}.{name}": value for name, value in parts.items()}
    found |= dict(zip(("last_gamma", "last_beta"), norms[-1], strict=True))
    return found


def in_codes(weights: Mapping[str, np.ndarray], codes: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """The same weights with the items of a store, in its numbers; those that the net does not know are marked.

    Args:
        codes: of the net's items in the store, in the net's order; 0 where the store has none (items,).
        count: the store's items.
    """
    there = codes > 0
    made = dict(weights)
    for name in ("items", "item_categories"):
        if name in weights:
            made[name] = np.zeros((1 + count, *weights[name].shape[1:]), weights[name].dtype)
            made[name][0] = weights[name][0]
            made[name][codes[there]] = weights[name][1:][there]
    made["known"] = np.zeros(count, bool)
    made["known"][codes[there] - 1] = True
    return made


def require_equal(session_model: SessionModel, model: Any, rows: pd.DataFrame) -> None:
    """Refuse weights that do not say what the registered model says.

    Args:
        model: what `training/models/next_item/pyfunc.py` loads.
        rows: histories as that takes them; those without a known item are left out.

    Raises:
        ModelError: of one history the scores of all items, or of the best, are others.
    """
    inputs = model.encode(rows)
    known = np.flatnonzero(inputs[0].any(axis=1))
    if not len(known):
        return
    registered = model.score(*(one[known] for one in inputs))  # (rows, items)
    for row, theirs in zip(known, registered, strict=True):
        history = [item for item in rows["history"].iloc[row] if item in model.places]
        times = None
        if session_model.reads_times and "occurred_at" in rows and len(rows["occurred_at"].iloc[row]):
            pairs = zip(rows["history"].iloc[row], rows["occurred_at"].iloc[row], strict=True)
            times = np.array([time for item, time in pairs if item in model.places], "float64")
        taste = inputs[-1][row] if session_model.reads_taste else None
        ours = session_model.score(model.places.get_indexer(history) + 1, times, taste)
        limit = _TOLERANCE * float(np.std(theirs)) + 1e-6
        best = np.argsort(-ours, kind="stable")[:COMPARED]
        if (
            not (np.abs(ours - theirs) <= limit).all()
            or not (np.abs(theirs[best] - np.sort(theirs)[::-1][: len(best)]) <= limit).all()
        ):
            raise ModelError(
                expected=f"scores of a session that differ by at most {limit:.2g} from the registered model's",
                received=f"one that differs by {np.abs(ours - theirs).max():.2g}",
                remedy="compare serving/online/session_model.py with the layers of that version; until then sessions "
                "get the night's lists",
            )
