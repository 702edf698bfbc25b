"""Libraries that greet on standard error while they are imported, as TensorFlow does, are heard where they fail."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def errors_alone() -> Iterator[None]:
    """Keep what libraries say on standard error while they are imported, and show it only where an import fails.

    TensorFlow's own libraries greet there, at a level that `TF_CPP_MIN_LOG_LEVEL` does not reach yet.
    """
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(terminal, said.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
