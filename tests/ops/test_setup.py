"""Set-up installs the lock with uv, and with pip where uv cannot run; tried on a lock of one package, offline."""

import base64
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

from contracts.settings import REPOSITORY

REQUIREMENTS = REPOSITORY / "requirements"
FALLS_BACK = "installing with pip instead"


def wheel(folder: Path, name: str, files: dict[str, str]) -> str:
    """Write a wheel of these files into an index in this folder; the line that locks it."""
    information = f"{name}-1.0.dist-info"
    contents = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{information}/RECORD,,\n"
    for file, text in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{file},sha256={digest},{len(text.encode())}\n"
    package = folder / "simple" / name
    package.mkdir(parents=True)
    file = package / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in {**contents, f"{information}/RECORD": record}.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16  # a file that may be run
            archive.writestr(entry, text)
    (package / "index.html").write_text(f'<a href="{file.name}">{file.name}</a>')
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


class Clone:
    """A folder with the script, a lock of the package `tiny`, and a uv that is this shell script."""

    def __init__(self, folder: Path, uv: str) -> None:
        self.folder = folder
        for made in ("ops", "requirements", "home"):
            (folder / made).mkdir()
        shutil.copy(REPOSITORY / "ops" / "setup.sh", folder / "ops")
        self.lock = folder / "requirements" / "all.txt"
        self.lock.write_text(wheel(folder, "tiny", {"tiny.py": "SIZE = 1\n"}))
        (folder / "requirements" / "setup.txt").write_text(
            wheel(folder, "uv", {"uv-1.0.data/scripts/uv": f"#!/bin/sh\n{uv}\n"})
        )
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
        self.environment |= {"HOME": str(folder / "home"), "PIP_CONFIG_FILE": os.devnull}
        self.environment["PIP_INDEX_URL"] = f"file://{folder / 'simple'}"

    def start(self) -> subprocess.Popen:
        """A set-up in a process group of its own, as under a terminal."""
        command = ["bash", str(self.folder / "ops" / "setup.sh")]
        return subprocess.Popen(
            command, env=self.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def installer(self) -> str:
        """What installed the package."""
        python = self.folder / ".venv" / "bin" / "python"
        program = "import tiny, importlib.metadata as m; print(m.distribution('tiny').read_text('INSTALLER'))"
        return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def real_uv():
    found = shutil.which("uv")
    if found is None:
        pytest.skip("no uv on the PATH: set-up has fallen back to pip on this machine")
    return found


def test_uv_installs_the_lock_from_the_index_of_pip_and_two_at_once_do_it_once(tmp_path, real_uv):
    clone = Clone(tmp_path, f'exec {real_uv} "$@"')
    outputs = []
    for setup in [clone.start(), clone.start()]:
        outputs.append(setup.communicate()[1])
        assert setup.returncode == 0, outputs
    assert clone.installer() == "uv"
    assert sum("making .venv" in output for output in outputs) == 1
    later = clone.start()
    assert later.communicate()[1] == ""
    assert later.returncode == 0


@pytest.mark.long
def test_a_wrong_hash_is_refused_by_both(tmp_path, real_uv):
    clone = Clone(tmp_path, f'exec {real_uv} "$@"')
    clone.lock.write_text(re.sub(r"sha256:\w+", "sha256:" + 64 * "0", clone.lock.read_text()))
    setup = clone.start()
    output = setup.communicate()[1]
    assert setup.returncode != 0
    assert "Hash mismatch" in output  # uv's words
    assert "DO NOT MATCH THE HASHES" in output  # pip's words
    assert not (tmp_path / ".venv" / ".ready").exists()


@pytest.mark.long
def test_an_interrupted_set_up_ends_and_the_next_one_takes_pip_where_uv_cannot_run(tmp_path):
    wait = "trap 'exit 1' INT; touch begun; sleep 60"
    clone = Clone(tmp_path, f"[ -e begun ] || {{ {wait}; }}; echo no such machine >&2; exit 1")
    setup = clone.start()
    while not (tmp_path / "begun").exists():
        assert setup.poll() is None, setup.communicate()
        time.sleep(0.05)
    os.killpg(setup.pid, signal.SIGINT)
    assert FALLS_BACK not in setup.communicate()[1]
    assert setup.returncode == 130
    again = clone.start()
    output = again.communicate()[1]
    assert again.returncode == 0, output
    assert output.count(FALLS_BACK) == 1
    assert clone.installer() == "pip"


def test_every_lock_has_hashes_and_is_kept_by_make_lock():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (loop,) = re.findall(r"for extra in (.*); do", (REPOSITORY / "Makefile").read_text())
    assert set(loop.split()) == {file.stem for file in REQUIREMENTS.glob("*.txt")} == {"all", *extras}
    for file in REQUIREMENTS.glob("*.txt"):
        pins = re.split(r"^(?=[a-z0-9])", file.read_text(), flags=re.MULTILINE)[1:]
        assert pins, file.name
        assert all("==" in pin and "--hash=sha256:" in pin for pin in pins), file.name
        assert "://" not in file.read_text(), file.name
