"""TensorBoard logs of a training: `make ui` opens them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class TensorBoardLog:
    """Writes one training's metrics of each epoch into a folder."""

    def __init__(self, folder: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))

    def write(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """One scalar per metric; epochs count from 1."""
        with self._writer.as_default(step=epoch):
            for name, value in metrics.items():
                tf.summary.scalar(name, value)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
