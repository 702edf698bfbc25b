"""Explain predictions of a registered model: integrated gradients (`training/integrated_gradients.py`).

For `response`, how much each feature moved a person's chance to click, against an average person; for `next_item`,
how much each item of a history moved the score of what is recommended, against an empty history. Attributions add up
to the difference of the two scores; `completeness` is how far they are from it, as a share of that difference.

    python -m training.explain --model response --ds 2026-11-20 --version 3 --rows 5
"""

from __future__ import annotations

import json

from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.settings import Settings
from training.arguments import choose_backend, parser
from training.config import known_model, load_learner


def main() -> None:
    arguments = parser("training.explain", __doc__)
    arguments.add_argument("--version", help="number of the registered version; by default the champion")
    arguments.add_argument("--rows", type=int, default=3, help="how many held-out people to explain (default 3)")
    chosen = arguments.parse_args()
    choose_backend(chosen.backend)
    exit_with_sentence(lambda: _print_explanations(chosen.model, chosen.version, chosen.ds, chosen.rows))


def _print_explanations(model: str, number: str | None, ds: str, rows: int) -> None:
    settings = Settings.from_env()
    known_model(model)
    from training.registry.client import CHAMPION, Registry

    learner, registry = load_learner(model), Registry.of(settings)
    version = registry.version(model, number) if number else registry.aliased(model, CHAMPION)
    if version is None:
        raise ModelError(
            expected=f"a champion of {model}",
            received="none",
            remedy="name a version with --version, or run `python -m training.promote` first",
        )
    served = registry.load(version).unwrap_python_model()
    explanations = learner.explain(served, learner.load(settings, ds), rows)
    if explanations is None:
        raise ModelError(
            expected="a model whose predictions can be explained: next_item or response",
            received=model,
            remedy="open its model card in MLflow instead",
        )
    for explanation in explanations:
        print(json.dumps(explanation, ensure_ascii=False))


if __name__ == "__main__":
    main()
