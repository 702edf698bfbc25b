"""Commands as tasks: `python -m <arguments>` in the repository, as a list that no shell reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from contracts.preloaded import python_command
from contracts.settings import REPOSITORY


class Command(BaseOperator):
    """Runs a command of ours; its result is the last line that the command wrote.

    What comes from a form, an event or another task is an argument and nothing else, whatever it holds. Python is named
    by its path: under a scheduler another one may come first.
    """

    template_fields = ("arguments", "env", "skip_if")
    ui_color = "#f0ede4"

    def __init__(
        self,
        *,
        arguments: Sequence[Any],
        env: Mapping[str, str] | None = None,
        skip_if: str | None = None,
        **options: Any,
    ) -> None:
        """Take the module and its arguments; a list among them stands for several, as the result of a task may be one.

        Args:
            env: variables beside those of the worker.
            skip_if: a template; the task is skipped where it says `True`.
        """
        super().__init__(**options)
        self.arguments, self.env, self.skip_if = arguments, env, skip_if

    def execute(self, context: Any) -> str:  # noqa: ARG002
        """Run it, as `run_module` does; a teardown runs behind skipped tasks, too, and may have nothing to work on."""
        if self.skip_if == "True" or (self.is_teardown and None in self.arguments):
            raise AirflowSkipException("nothing to do")
        return run_module(self._hook, _flat(self.arguments), self.env)

    def on_kill(self) -> None:
        self._hook.send_sigterm()

    @cached_property
    def _hook(self) -> SubprocessHook:
        return SubprocessHook()


def run_module(hook: SubprocessHook, arguments: Iterable[str], env: Mapping[str, str] | None = None) -> str:
    """Run `python -m <arguments>`; returns the last line that it wrote.

    Raises:
        AirflowException: it ended with another status than 0, which the message names for the retry policy.
    """
    command = python_command(list(arguments))
    result = hook.run_command(command, env={**os.environ, **(env or {})}, cwd=str(REPOSITORY))
    if result.exit_code != 0:
        raise AirflowException(f"The command returned a non-zero exit code {result.exit_code}.")
    return result.output


def _flat(arguments: Sequence[Any]) -> Iterator[str]:
    for one in arguments:
        if isinstance(one, str):
            yield one
        elif isinstance(one, Sequence):
            yield from _flat(one)
        else:
            raise AirflowException(
                f"expected texts as arguments of a command, but received {one!r}; was a task skipped?"
            )
