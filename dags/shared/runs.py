"""How tasks are run and retried: twice more with growing pauses, but never when a retry cannot help."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from airflow.sdk import RetryAction, RetryDecision, RetryPolicy

from contracts.errors import CONTRACT_EXIT_CODE


class ContractErrorsFail(RetryPolicy):
    """Fails at once when a command ended with the exit status of a contract error; retries anything else."""

    _STATUS = re.compile(rf"(?:exit code|Error code is:) {CONTRACT_EXIT_CODE}\b")

    def evaluate(self, exception: BaseException, *_: Any, **__: Any) -> RetryDecision:
        if self._STATUS.search(str(exception)):
            return RetryDecision.fail("wrong data, mapping or settings: a retry cannot mend it; see the task's log")
        return RetryDecision(RetryAction.DEFAULT)

    def serialize(self) -> dict[str, Any]:
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> ContractErrorsFail:  # noqa: ARG003
        return cls()


DEFAULTS = {
    "owner": "nightshift",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": ContractErrorsFail(),
}

MODELS = ["next_item", "taste_autoencoder", "interest_vision", "interest_audio", "interest_gan", "response", "uplift"]
"""The models that a night trains, in this order; `training/config.py` has the same list, and a test compares them."""
