"""What libraries say while they are imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from contracts.settings import REPOSITORY


@pytest.mark.parametrize(("ending", "shown"), [("", ""), ("raise ImportError('no')\n", "hello\n")])
def test_what_a_library_says_while_it_is_imported_is_shown_only_where_it_fails(tmp_path, ending, shown):
    (tmp_path / "greeter.py").write_text(f"import os\nos.write(2, b'hello\\n')\n{ending}")
    script = "from contracts.quiet_imports import errors_alone\nwith errors_alone():\n    import greeter\n"
    search = os.pathsep.join([str(REPOSITORY), str(tmp_path)])
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": search}
    )
    assert ended.stderr.startswith("hello\n") == bool(shown)
    assert (ended.returncode == 0) == (not ending)
