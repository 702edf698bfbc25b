"""What the proxy needs: a certificate, where the operator brought none, and the passwords of pages without accounts."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import NightshiftError, SettingsError
from ops.server.secret_files import write_secret

DAYS = 365


def make_certificate(folder: Path, image: str, host: str, owner: int) -> None:
    """Make a certificate that no authority vouches for, for a trial; the operator's own are left alone.

    Args:
        image: the proxy's, which has openssl.
        host: name or address by which browsers reach the machine.

    Raises:
        SettingsError: only one of certificate and key is there.
    """
    there = [name for name in ("tls_certificate", "tls_key") if (folder / name).exists()]
    if len(there) == 1:
        raise SettingsError(
            expected=f"tls_certificate and tls_key in {folder}",
            received=f"only {there[0]}",
            remedy="bring the other, or remove this one to have both made for a trial",
        )
    if there:
        return
    names = f"subjectAltName=DNS:localhost,IP:127.0.0.1,{_alternative(host)}"
    request = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        str(DAYS),
    ]
    request += ["-subj", f"/CN={host}", "-addext", names, "-keyout", "/dev/stdout", "-out", "/dev/stdout"]
    made = _openssl(image, request)
    key, certificate = made.split("-----END PRIVATE KEY-----\n", 1)
    write_secret(folder / "tls_key", key + "-----END PRIVATE KEY-----\n", owner)
    write_secret(folder / "tls_certificate", certificate.lstrip(), owner)


def make_page_passwords(folder: Path, image: str, owner: int) -> None:
    """Airflow's accounts as the proxy checks them, made again when the accounts have changed."""
    accounts, hashed = folder / "airflow_accounts", folder / "pages_htpasswd"
    if hashed.exists() and hashed.stat().st_mtime >= accounts.stat().st_mtime:
        return
    lines = [line.split() for line in accounts.read_text().splitlines()]
    hashes = _openssl(image, ["passwd", "-6", "-stdin"], stdin="\n".join(password for *_, password in lines)).split()
    text = "\n".join(f"{name}:{one}" for (name, *_), one in zip(lines, hashes, strict=True))
    write_secret(hashed, text, owner)


def _alternative(host: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"


def _openssl(image: str, words: Sequence[str], *, stdin: str = "") -> str:
    command = ["docker", "run", "--rm", "--interactive", "--network", "none", image, "openssl", *words]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NightshiftError(
            expected="openssl to work in the proxy's image", received=done.stderr.strip()[-200:], remedy="see docker"
        )
    return done.stdout
