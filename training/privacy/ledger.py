"""What private trainings have given away of each data set, over all nights, and how much is left.

The same people are in a table night after night, so what trainings give away of them adds up. Each private training
writes its mechanisms to `<home>/privacy_ledger.jsonl` BEFORE it begins, and is refused where all of them together
would give away more than NIGHTSHIFT_PRIVACY_BUDGET, an epsilon for each table. They are composed by the accountant,
which finds less than the sum of their epsilons. A training that was killed and goes on is not charged again. Nothing
leaves the ledger: what was released stays known.

    python -m training.privacy.ledger
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from contracts.errors import ModelError, exit_with_sentence
from contracts.privacy_ledger import REPORT, LedgerFile
from contracts.settings import Settings
from training.privacy.accounting import Spending, epsilon_of

BUDGET_DELTA = 1e-5
"""The delta at which the budget's epsilon is meant."""


class BudgetError(ModelError):
    """A training would give away more of a data set than its budget allows."""


@dataclass(frozen=True)
class PrivacyLedger(LedgerFile):
    """The file of the ledger, as private trainings write it."""

    budget: float
    """Most epsilon of each table, over all trainings that ever were."""

    @classmethod
    def of(cls, settings: Settings) -> PrivacyLedger:
        return cls(settings.home.privacy_ledger, settings.privacy_budget)

    def charge(self, spent: Spending, *, table: str, model: str, ds: str, fingerprint: str) -> float:
        """Write down a training that is about to begin; returns what its table has given away with it.

        A training with the same fingerprint that has not ended is the same training, and costs nothing more.

        Raises:
            BudgetError: it would overspend; nothing was written.
        """
        with self.locked():
            lines = self.lines()
            begun = [line for line in _trainings(lines) if line["table"] == table]
            before = epsilon_of([line["mechanism"] for line in begun], BUDGET_DELTA)
            ended = {line["training"] for line in lines if line["what"] == "ended"}
            if any(one["fingerprint"] == fingerprint and one["training"] not in ended for one in begun):
                return before
            mechanism = {name.removeprefix("private_"): value for name, value in spent.parameters().items()}
            after = epsilon_of([*(line["mechanism"] for line in begun), mechanism], BUDGET_DELTA)
            if after > self.budget:
                raise BudgetError(
                    expected=f"at most epsilon {self.budget:g} of {table} in all (NIGHTSHIFT_PRIVACY_BUDGET)",
                    received=f"{before:.2f} spent by {len(begun)} trainings, and {model} with epsilon "
                    f"{spent.epsilon:g} needs {after - before:.2f} more: over by {after - self.budget:.2f}",
                    remedy="nothing was trained; lower epsilon in its configuration, or decide on a larger budget",
                )
            self.write(
                {
                    "what": "begun",
                    "training": len(_trainings(lines)) + 1,
                    "ds": ds,
                    "model": model,
                    "table": table,
                    "fingerprint": fingerprint,
                    "mechanism": mechanism,
                    "table_epsilon": after,
                }
            )
            return after

    def ended(self, fingerprint: str, version: str) -> None:
        """Write down that a training ended as a version: another one on the same data is charged again."""
        with self.locked():
            begun = [line["training"] for line in _trainings(self.lines()) if line["fingerprint"] == fingerprint]
            self.write({"what": "ended", "training": begun[-1], "version": version})

    def spent(self) -> dict[str, float]:
        """What each table has given away, by table."""
        mechanisms: dict[str, list] = {}
        for line in _trainings(self.lines()):
            mechanisms.setdefault(line["table"], []).append(line["mechanism"])
        return {table: epsilon_of(of_table, BUDGET_DELTA) for table, of_table in sorted(mechanisms.items())}


def _trainings(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["what"] == "begun"]


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m training.privacy.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    exit_with_sentence(lambda: print_ledger(PrivacyLedger.of(Settings.from_env())))


def print_ledger(ledger: PrivacyLedger) -> None:
    """Each private training, then each table: spent, left."""
    lines = ledger.lines()
    versions = {line["training"]: line["version"] for line in lines if line["what"] == "ended"}
    print(f"{'day':<12}{'model':<20}{'version':<12}{'epsilon':>8}{'delta':>9}  {'table':<22}{'spent then':>10}")
    for line in _trainings(lines):
        version, one = versions.get(line["training"], "not ended"), line["mechanism"]
        print(
            f"{line['ds']:<12}{line['model']:<20}{version:<12}{one['epsilon']:>8g}{one['delta']:>9g}  "
            f"{line['table']:<22}{line['table_epsilon']:>10.2f}"
        )
    print()
    for table, epsilon in ledger.spent().items():
        left = max(ledger.budget - epsilon, 0.0)
        print(f"{table}: epsilon {epsilon:.2f} spent of {ledger.budget:g} at delta {BUDGET_DELTA:g}, {left:.2f} left")
    for line in [line for line in lines if line["what"] == REPORT]:
        print(f"{line['table']}: epsilon {line['epsilon']:g} by the report {line['report']}")
    if not lines:
        print("no private training yet")


if __name__ == "__main__":
    main()
