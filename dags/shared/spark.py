"""Spark's tasks: on one machine in the application that a night's commands share, on a cluster by `spark-submit`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseHook

from contracts.settings import REPOSITORY, Settings
from contracts.spark_application import busy_jars, on_one_machine
from shared.commands import run_module
from shared.lineage import part_of_this_run


class SparkJob(SparkSubmitOperator):
    """A Spark command of ours. Where `spark_default` names one machine, the command itself finds or starts Spark."""

    def __init__(self, *, application: str = "spark_jobs/main.py", **options: Any) -> None:
        """Take a file of the repository and `application_args`."""
        super().__init__(
            application=str(REPOSITORY / application),
            driver_memory=Settings.from_env().spark_driver_memory,
            driver_class_path=busy_jars(),
            env_vars=part_of_this_run(),
            **options,
        )

    def execute(self, context: Any) -> None:
        if not on_one_machine(BaseHook.get_connection(self._conn_id).host or ""):
            super().execute(context)
            return
        parts = Path(self.application).relative_to(REPOSITORY).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__main__")
        run_module(self._python, [module, *self.application_args], self.env_vars)

    def on_kill(self) -> None:
        self._python.send_sigterm()
        super().on_kill()

    @cached_property
    def _python(self) -> SubprocessHook:
        return SubprocessHook()
