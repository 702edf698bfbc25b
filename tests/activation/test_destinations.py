"""`destinations.yml` is read strictly; TLS is verified, always; a mail server gets one mail a message."""

from __future__ import annotations

import datetime
import smtplib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from activation.destinations import webhook
from activation.destinations.destination import ADD, Batch, DestinationDown, DestinationRefuses
from activation.destinations.reading import read_destination, read_destinations
from contracts.errors import SettingsError
from contracts.settings import Settings

MESSAGE = {
    "delivery_id": "d" * 32,
    "member_id": "m" * 32,
    "channel": "mail",
    "address": "anna@mail.example",
    "items": [{"item_id": "i-1", "title": "A shoe", "why": None}],
}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1NvLDkVwXgmZ8Jc4Zr4n3x2Yd0kZ6bM9o1q5m3c7fL"
BATCH = Batch("b" * 32, ADD, "letters", "2026-11-20", [MESSAGE])


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "secret").touch(mode=0o600)
    (tmp_path / "secret").write_text("s" * 40)
    (tmp_path / "open").write_text("s" * 40)
    (tmp_path / "short").touch(mode=0o600)
    (tmp_path / "short").write_text("s" * 8)
    return Settings.from_env(
        {"NIGHTSHIFT_HOME": str(tmp_path / "home"), "NIGHTSHIFT_DESTINATIONS": str(tmp_path / "destinations.yml")}
    )


def read(settings, text: str):
    settings.destinations.write_text(f"destinations:\n{text}")
    return read_destinations(settings, ["letters", "cards"])


def test_what_comes_is_empty():
    assert read_destinations(Settings.from_env({}), []) == {}


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("  crm: {kind: webhok}", r"one of webhook, sftp, file, smtp in line 2 .*did you mean 'webhook'"),
        ("  crm: {url: 'https://x.example'}", "'kind' in it in line 2"),
        ("  crm: {kind: webhook, url: 'https://x.example'}", "'secret' under .*add that line"),
        ("  crm:\n    kind: webhook\n    url: http://x.example\n    secret: secret", "begins with https:// in line 4"),
        ("  crm: {kind: webhook, url: 'https://u:p@x.example', secret: secret}", "neither user nor password"),
        ("  crm: {kind: webhook, url: 'https://x.example', secret: nowhere}", "a file in line 2"),
        ("  crm: {kind: webhook, url: 'https://x.example', secret: open}", "chmod 600"),
        ("  crm: {kind: webhook, url: 'https://x.example', secret: short}", "at least 32 characters"),
        ("  crm: {kind: webhook, url: 'https://x.example', secret: secret, tries: 0}", "a whole number from 1 to 20"),
        ("  crm: {kind: file, folder: home/delivered}", "a folder outside NIGHTSHIFT_HOME"),
        ("  crm: {kind: file, folder: out, campaigns: [lettres]}", "did you mean 'letters'"),
        ("  crm: {kind: file, folder: out, url: x}", "one of kind, campaigns, folder in line 2"),
        ("  Crm!: {kind: file, folder: out}", "a name of small letters"),
        ("  drop: {kind: sftp, host: x, user: u, folder: /in}", "'host_key' under"),
        (
            "  drop: {kind: sftp, host: x, user: u, folder: /in, host_key: AAAA, key: secret}",
            "a host key as ssh-ed25519",
        ),
        (f"  drop: {{kind: sftp, host: x, user: u, folder: /in, host_key: {HOST_KEY}}}", "`key` or `password`"),
        (
            f"  drop: {{kind: sftp, host: x, user: u, folder: /in, host_key: {HOST_KEY}, key: secret}}",
            "a private key without passphrase",
        ),
        (
            f"  drop: {{kind: sftp, host: x, user: u, folder: /in, host_key: {HOST_KEY}, password: open}}",
            "chmod 600",
        ),
        ("  crm: {kind: smtp, host: x, sender: nobody, subject: S}", "a mail address"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(settings, entry, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read(settings, entry)


@pytest.fixture
def secure_server(tmp_path):
    """A receiver with a certificate that it has signed itself; its port and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port, file
    server.shutdown()
    server.server_close()


def crm(settings, port: int, host: str = "localhost", more: str = ""):
    return read(settings, f"  crm: {{kind: webhook, url: 'https://{host}:{port}/', secret: secret, tries: 2{more}}}")[
        "crm"
    ]


def test_a_receiver_that_lies_about_tls_gets_nothing(settings, secure_server, monkeypatch):
    monkeypatch.setattr(webhook, "_FIRST_PAUSE_SECONDS", 0.001)
    port, file = secure_server
    with pytest.raises(DestinationRefuses, match="a certificate that is not to be trusted"):
        crm(settings, port).send(BATCH)
    with pytest.raises(DestinationRefuses, match="not to be trusted"):  # the right file, and another host
        crm(settings, port, "127.0.0.1", f", trusted: {file}").send(BATCH)
    assert not crm(settings, port, "localhost", f", trusted: {file}").send(BATCH).refused
    plain = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=plain.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with pytest.raises(DestinationDown) as caught:
        crm(settings, plain.server_port).send(BATCH)
    assert caught.value.reason.startswith("tls_")
    plain.shutdown()
    plain.server_close()
    with pytest.raises(DestinationDown, match="no_connection 2 times"):
        crm(settings, plain.server_port).send(BATCH)


def test_a_rate_is_kept_and_a_wish_for_a_pause_obeyed(settings):
    pauses = []
    one = read(settings, "  crm: {kind: webhook, url: 'http://localhost:1/', secret: secret, messages_a_second: 2}")
    limited = webhook.Webhook(**{**vars(one["crm"]), "sleep": pauses.append})
    answers = iter([(200, 0.0, b""), (429, 7.0, b""), (200, 0.0, b"")])
    object.__setattr__(limited, "_post", lambda *_: next(answers))
    limited.send(BATCH)
    limited.send(BATCH)
    assert 0 < pauses[0] <= 0.5, "a message every half second"
    assert pauses[1] == 7.0, "not before the receiver wishes"


def test_a_mail_server_gets_one_mail_a_message(settings, monkeypatch):
    sent, errors = [], []

    class Server:
        def __init__(self, *_, **__):
            pass

        def starttls(self, context):
            assert context.verify_mode == ssl.CERT_REQUIRED

        def send_message(self, mail):
            if errors:
                raise errors.pop()
            sent.append(mail)

        def quit(self):
            pass

    monkeypatch.setattr(smtplib, "SMTP", Server)
    text = "  trial: {kind: smtp, host: mail.example, sender: shop@shop.example, subject: Yours, most_mails: 1}"
    settings.destinations.write_text(f"destinations:\n{text}\n")
    trial = read_destination(settings, "trial", ["letters"])
    errors.append(smtplib.SMTPRecipientsRefused({"anna@mail.example": (450, b"anna@mail.example is busy")}))
    with pytest.raises(DestinationDown, match="smtp_450") as caught:
        trial.send(BATCH)
    assert "anna" not in str(caught.value)
    errors.append(smtplib.SMTPRecipientsRefused({"anna@mail.example": (550, b"no such user")}))
    assert trial.send(BATCH).reason == "smtp_550"
    assert not trial.send(BATCH).all_refused
    assert (sent[0]["To"], sent[0]["Subject"]) == ("anna@mail.example", "Yours")
    assert sent[0]["Message-ID"] == f"<{'d' * 32}@shop.example>"
    assert "- A shoe" in sent[0].get_content()
    assert trial.send(BATCH).reason == "above_most_mails"
