"""Noise for counts, by OpenDP, and what it costs: pure differential privacy (Dwork and others, 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.errors import LakeError, ModelError
from contracts.privacy_ledger import REPORT, LedgerFile

TABLE = "answers"
"""The data set that reports on answers spend of."""


class BudgetError(LakeError):
    """A report would give away more of the answers than their budget allows."""


def noisy(counts: Sequence[int], *, most_cells: int, epsilon: float) -> tuple[list[int], float]:
    """Counts with discrete Laplace noise, and its scale, in people.

    One person more or less changes the counts by at most `most_cells` in all, and so the chance of each
    possible release by at most a factor of e^epsilon.

    Raises:
        ModelError: OpenDP is not installed.
    """
    dp = _opendp()
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    scale = dp.binary_search_param(lambda scale: dp.m.make_laplace(*space, scale=scale), d_in=most_cells, d_out=epsilon)
    measurement = dp.m.make_laplace(*space, scale=scale)
    return [int(count) for count in measurement(list(counts))], float(scale)


def spend(ledger: LedgerFile, *, epsilon: float, budget: float, ds: str, report: str) -> float:
    """Write down what a report is about to give away of the answers; returns what all reports have, with it.

    Raises:
        BudgetError: it would overspend; nothing was written.
    """
    with ledger.locked():
        spent = sum(line["epsilon"] for line in ledger.lines() if line["what"] == REPORT and line["table"] == TABLE)
        if spent + epsilon > budget * (1 + 1e-9):
            raise BudgetError(
                expected=f"at most epsilon {budget:g} of {TABLE} over all reports (NIGHTSHIFT_PRIVACY_BUDGET)",
                received=f"{spent:g} spent, and {epsilon:g} more: over by {spent + epsilon - budget:g}",
                remedy="nothing was released; ask with a smaller --epsilon, or decide on a larger budget",
            )
        ledger.write({"what": REPORT, "report": report, "ds": ds, "table": TABLE, "epsilon": epsilon})
    return spent + epsilon


def _opendp() -> Any:
    try:
        import opendp.prelude as dp
    except ImportError as error:
        raise ModelError(
            expected="OpenDP, of the extra `serve`",
            received=f"no such package ({error})",
            remedy="run `pip install --require-hashes -r requirements/serve.txt`",
        ) from error
    dp.enable_features("contrib")
    return dp
