"""How a benchmark runs the commands of a night on a home of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts.errors import LakeError
from contracts.settings import REPOSITORY


def run_step(command: Sequence[str], home: Path, settings: Mapping[str, str], *, reads: bool = False) -> str:
    """Run a command on a home; what it printed if it is read, else nothing: that goes to stderr.

    Args:
        settings: further variables of the environment.

    Raises:
        LakeError: its exit status is not 0.
    """
    environment = ["env", f"NIGHTSHIFT_HOME={home}", *(f"{name}={value}" for name, value in settings.items())]
    done = subprocess.run(
        [*environment, *command], cwd=REPOSITORY, stdout=subprocess.PIPE if reads else sys.stderr, check=False
    )
    if done.returncode:
        raise LakeError(
            expected=f"`{' '.join(command)}` to end well",
            received=f"exit status {done.returncode}",
            remedy="its output says why",
        )
    return done.stdout.decode() if reads else ""
