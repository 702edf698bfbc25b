"""`destinations.yml`: where audiences go; see docs/deliver.md. A line that does not fit is refused with its number."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from activation.destinations.destination import Destination
from activation.destinations.file import Folder
from activation.destinations.sftp import Sftp
from activation.destinations.smtp import Mail
from activation.destinations.webhook import Webhook
from contracts.checked_yaml import YamlValue, advice
from contracts.destinations import configured_destinations
from contracts.errors import SettingsError
from contracts.settings import Settings

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_LEAST_SECRET_BYTES = 32

_OF_ALL = ("kind", "campaigns")
_OF_WEBHOOK = ("url", "secret", "token", "trusted", "messages_a_batch", "messages_a_second", "tries")
_OF_WEBHOOK += ("timeout_seconds", "longest_wait_seconds")
_OF_FILE = ("folder",)
_OF_SFTP = ("host", "port", "user", "folder", "host_key", "key", "password", "timeout_seconds")
_OF_SMTP = ("host", "port", "sender", "subject", "user", "password", "trusted", "most_mails")


def read_destinations(settings: Settings, campaigns: Iterable[str]) -> dict[str, Destination]:
    """Every destination by its name.

    Args:
        campaigns: names of all that there are.

    Raises:
        SettingsError: something in the file does not fit, or a file that it names is missing or may be read by others.
    """
    known = list(campaigns)
    return {
        name: _destination(settings, name, written, known)
        for name, written in configured_destinations(settings).items()
    }


def read_destination(settings: Settings, name: str, campaigns: Iterable[str]) -> Destination:
    """One of them.

    Raises:
        SettingsError: it is not there, or something in the file does not fit.
    """
    destinations = read_destinations(settings, campaigns)
    if name not in destinations:
        raise SettingsError(
            expected=f"a destination of {settings.destinations}",
            received=repr(name),
            remedy=advice(name, destinations)
            if destinations
            else "none is configured: write one as docs/deliver.md shows, or name another file in "
            "NIGHTSHIFT_DESTINATIONS",
        )
    return destinations[name]


def _destination(settings: Settings, name: str, written: YamlValue, campaigns: list[str]) -> Destination:
    if not _NAME.fullmatch(name):
        raise written.error("a name of small letters, digits and _", repr(name), "rename it")
    fields = written.mapping()
    if "kind" not in fields:
        raise written.error("'kind' in it", "nothing", f"write one of {', '.join(_KINDS)}")
    kind = fields["kind"].one_of(_KINDS)
    keys, required, make = _KINDS[kind]
    fields = written.mapping((*_OF_ALL, *keys), required=required)
    chosen = None
    if "campaigns" in fields:
        chosen = tuple(one.one_of(campaigns) for one in fields["campaigns"].one_or_several())
        if not chosen:
            raise fields["campaigns"].error("at least one campaign", "none", "name some, or leave it out for all")
    return make(settings, name, chosen, fields)


def _webhook(
    settings: Settings,  # noqa: ARG001  of which another kind needs home
    name: str,
    campaigns: tuple[str, ...] | None,
    fields: Mapping[str, YamlValue],
) -> Webhook:
    url = urlsplit(fields["url"].text())
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _THIS_MACHINE):
        raise fields["url"].misfit(
            "an address that begins with https://", "write one (http only to this machine itself)"
        )
    if not url.hostname or url.username or url.password or url.fragment:
        raise fields["url"].error(
            "a host, and neither user nor password in the address",
            "something else",
            "put the token into a file: `token`",
        )
    try:
        _ = url.port
    except ValueError:
        raise fields["url"].misfit("a port up to 65535") from None
    secret = _secret(fields["secret"])
    if len(secret.encode()) < _LEAST_SECRET_BYTES:
        raise fields["secret"].error(
            f"at least {_LEAST_SECRET_BYTES} characters in that file", f"{len(secret)}", "make it: openssl rand -hex 32"
        )
    return Webhook(
        name,
        campaigns,
        url,
        secret.encode(),
        token=_secret(fields["token"]) if "token" in fields else None,
        trusted=_file(fields["trusted"]) if "trusted" in fields else None,
        messages_a_batch=fields["messages_a_batch"].whole_number(1, 10_000) if "messages_a_batch" in fields else 500,
        messages_a_second=fields["messages_a_second"].number(0.01, 1e6) if "messages_a_second" in fields else None,
        tries=fields["tries"].whole_number(1, 20) if "tries" in fields else 6,
        timeout_seconds=fields["timeout_seconds"].number(0.1, 600) if "timeout_seconds" in fields else 30.0,
        longest_wait_seconds=fields["longest_wait_seconds"].number(0, 3600)
        if "longest_wait_seconds" in fields
        else 300.0,
    )


def _folder(
    settings: Settings, name: str, campaigns: tuple[str, ...] | None, fields: Mapping[str, YamlValue]
) -> Folder:
    folder = _path(fields["folder"]).resolve()
    if folder.is_relative_to(settings.home.root) or folder.is_relative_to(settings.raw):
        raise fields["folder"].error(
            "a folder outside NIGHTSHIFT_HOME and raw",
            str(folder),
            "name another: nothing with an address is kept where Nightshift keeps its own files",
        )
    if folder.exists() and not folder.is_dir():
        raise fields["folder"].error("a folder", f"{folder}, which is a file", "name another")
    if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o022:
        raise fields["folder"].error("a folder into which nobody else may write", str(folder), f"chmod go-w {folder}")
    return Folder(name, campaigns, folder)


def _smtp(
    settings: Settings,  # noqa: ARG001
    name: str,
    campaigns: tuple[str, ...] | None,
    fields: Mapping[str, YamlValue],
) -> Mail:
    host, sender = fields["host"].text(), fields["sender"].text()
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", sender):
        raise fields["sender"].misfit("a mail address")
    if ("user" in fields) != ("password" in fields):
        raise fields["host"].error("`user` and `password`, or neither", "one of them", "add the other")
    return Mail(
        name,
        campaigns,
        host,
        fields["port"].whole_number(1, 65535) if "port" in fields else 587,
        sender,
        " ".join(fields["subject"].text().split()),
        fields["user"].text() if "user" in fields else None,
        _secret(fields["password"]) if "password" in fields else None,
        fields["most_mails"].whole_number(1, 10_000) if "most_mails" in fields else 100,
        encrypted=host not in _THIS_MACHINE,
        trusted=_file(fields["trusted"]) if "trusted" in fields else None,
    )


def _sftp(
    settings: Settings,  # noqa: ARG001
    name: str,
    campaigns: tuple[str, ...] | None,
    fields: Mapping[str, YamlValue],
) -> Sftp:
    if "key" not in fields and "password" not in fields:
        raise fields["user"].error("`key` or `password` beside it", "neither", "name the file of one of them")
    folder = fields["folder"].text()
    if not folder or not folder.isprintable():
        raise fields["folder"].misfit("a folder, absolute or from where the account logs in")
    keys = tuple(_host_key(one) for one in fields["host_key"].one_or_several())
    if not keys:
        raise fields["host_key"].error("at least one key", "none", "write what `ssh-keyscan HOST` prints")
    return Sftp(
        name,
        campaigns,
        fields["host"].text(),
        fields["port"].whole_number(1, 65535) if "port" in fields else 22,
        fields["user"].text(),
        folder,
        keys,
        private_key=_private_key(fields["key"]) if "key" in fields else None,
        password=_secret(fields["password"]) if "password" in fields else None,
        timeout_seconds=fields["timeout_seconds"].number(0.1, 600) if "timeout_seconds" in fields else 30.0,
    )


def _host_key(written: YamlValue) -> str:
    """A public key, as `ssh-keyscan` and `*.pub` have it."""
    import asyncssh  # for those alone who use it

    key = written.text()
    try:
        asyncssh.import_public_key(key)
    except asyncssh.KeyImportError:
        raise written.error(
            "a host key as ssh-ed25519 AAAA...",
            f"{key[:40]!r}",
            "write what `ssh-keyscan HOST` prints behind the host, or the server's /etc/ssh/ssh_host_*_key.pub",
        ) from None
    return key


def _private_key(written: YamlValue) -> str:
    import asyncssh

    file, text = _private_text(written)
    try:
        asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise written.error(
            "a private key without passphrase in that file",
            f"something else in {file}",
            f"make one: ssh-keygen -t ed25519 -N '' -f {file}",
        ) from None
    return text


_Maker = Callable[[Settings, str, tuple[str, ...] | None, Mapping[str, YamlValue]], Destination]

_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], _Maker]] = {
    "webhook": (_OF_WEBHOOK, ("url", "secret"), _webhook),
    "sftp": (_OF_SFTP, ("host", "user", "folder", "host_key"), _sftp),
    "file": (_OF_FILE, ("folder",), _folder),
    "smtp": (_OF_SMTP, ("host", "sender", "subject"), _smtp),
}
"""Kind -> its keys beside those of all, those that it needs, and what makes it."""


def _path(written: YamlValue) -> Path:
    """A path; a relative one stands beside destinations.yml, `~` is the home of who runs this."""
    return written.file.parent / Path(written.text()).expanduser()


def _file(written: YamlValue) -> str:
    file = _path(written)
    if not file.is_file():
        raise written.error("a file", f"no such file {file}", "correct the path")
    return str(file)


def _secret(written: YamlValue) -> str:
    """The one line in a file that its owner alone may read."""
    _, text = _private_text(written)
    text = text.strip()
    if not text or any(not one.isprintable() for one in text):
        raise written.error("one line of text in that file", "nothing, or more than that", "write the secret into it")
    return text


def _private_text(written: YamlValue) -> tuple[Path, str]:
    """A file that its owner alone may read, and what is in it."""
    file = Path(_file(written))
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise written.error("a file for its owner alone", f"{file}, which others may read", f"chmod 600 {file}")
    try:
        return file, file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise written.error("a text in that file", f"something else in {file}", "name another") from None
