"""How many identifiers without consent stand in any output, over random towns and two nights: must be none.

Each night is built, scored and turned into audiences by the steps of a real night; in between, Thursday's audiences
are made once more when Friday's withdrawals have been mapped and nothing has been built or scored since. Towns, nights
and the oracle, which says in plain Python who may stand where, are those of the tests (`tests/consent/`). Models learn
on Thursday and are used on both nights; the gate is not asked, for it is not their quality that is measured.

    python -m bench.consent --towns 50
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import result
from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from tests.consent.nights import TownNights
from tests.consent.towns import FRIDAY, draw_towns

MODELS = ("next_item", "taste_autoencoder", "response")


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
        ModelError: a step of a night failed, or a person stands in an output without consent.
    """
    started = time.monotonic()
    drawn = draw_towns(towns, seed)
    with tempfile.TemporaryDirectory() as home:
        nights = TownNights(drawn, Path(home))
        outputs = nights.run(models=MODELS)
        models = nights.model_versions(FRIDAY)
    found: dict[str, dict[str, int]] = {}
    for output in outputs:
        entry = found.setdefault(output.name, {"people": 0, "identifiers": 0, "identifiers_without_consent": 0})
        entry["people"] += len(output.people)
        entry["identifiers"] += drawn.identifiers(output.ds, output.people)
        entry["identifiers_without_consent"] += drawn.identifiers(output.ds, output.people - output.allowed)
    line = {
        "bench": "consent",
        "protocol": "random towns, two nights; outputs of all steps against an oracle that reads the raw decisions",
        "towns": towns,
        "seed": seed,
        "identifiers": len(drawn.persons[FRIDAY]),
        "models": models,
        "decisions": sum(len(rows) for (table, _), rows in drawn.rows.items() if table == "consents"),
        "identifiers_without_consent": sum(entry["identifiers_without_consent"] for entry in found.values()),
        "outputs": found,
        "seconds": round(time.monotonic() - started, 1),
    }
    result.write(line)
    if line["identifiers_without_consent"]:
        raise ModelError(
            expected="no identifier without consent in any output",
            received=f"{line['identifiers_without_consent']}",
            remedy="look at `outputs` of the line that was printed",
        )
    return line


if __name__ == "__main__":
    main()
