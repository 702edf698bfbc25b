"""The privacy ledger: the budget that private trainings have spent on each table, over all nights, and what is left.

The same people are in a table night after night, so the privacy losses of trainings add up. Each private training
writes its mechanisms to `<home>/privacy_ledger.jsonl` BEFORE it begins, and is refused if all of them together would
exceed NIGHTSHIFT_PRIVACY_BUDGET, an epsilon for each table. The accountant composes them to less than the sum of their
epsilons. A training that was killed and resumes is not charged again. Lines are never removed from the ledger, because
a released model stays released.

    python -m training.privacy.ledger
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from contracts.entry_point import exit_with_sentence
from contracts.errors import ModelError
from contracts.privacy_ledger import REPORT, LedgerFile
from contracts.settings import Settings
from training.privacy.accounting import Spending, epsilon_of

BUDGET_DELTA = 1e-5
"""The delta that belongs to the budget's epsilon."""


class BudgetError(ModelError):
    """A training would exceed the privacy budget of a table."""


@dataclass(frozen=True)
class PrivacyLedger(LedgerFile):
    """The ledger file, with what private trainings write to it."""

    budget: float
    """Greatest joint epsilon of all trainings on one table."""

    @classmethod
    def of(cls, settings: Settings) -> PrivacyLedger:
        return cls(settings.home.privacy_ledger, settings.privacy_budget)

    def charge(self, spent: Spending, *, table: str, model: str, ds: str, fingerprint: str) -> float:
        """Record a training that is about to begin; returns the epsilon spent on its table, with this training.

        An unfinished training with the same fingerprint is the same training, and costs nothing more.

        Raises:
            BudgetError: it would exceed the budget; nothing was written.
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
        """Record that a training ended with a version: another training on the same data is charged again."""
        with self.locked():
            begun = [line["training"] for line in _trainings(self.lines()) if line["fingerprint"] == fingerprint]
            self.write({"what": "ended", "training": begun[-1], "version": version})

    def spent(self) -> dict[str, float]:
        """The epsilon spent on each table."""
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
    """Print each private training, then the budget spent and left of each table."""
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
