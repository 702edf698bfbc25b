"""Mail by SMTP, for a trial: one plain mail a message, over TLS, at most so many a run.

A mail server cannot be told that it has a message already, but for the same `Message-ID`, which some programs show
once: who needs each message exactly once uses a webhook.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, ClassVar

from activation.destinations.destination import Answer, Batch, Destination, DestinationDown, DestinationRefuses

_TIMEOUT_SECONDS = 30.0
_REFUSED_FOR_GOOD = 500


@dataclass(frozen=True)
class Mail(Destination):
    """A mail server."""

    host: str
    port: int
    sender: str
    subject: str
    user: str | None
    password: str | None = field(repr=False)
    most_mails: int
    """Of a run; those beyond it are refused."""
    encrypted: bool = True
    """False of this machine alone."""
    trusted: str | None = None
    _sent: list[str] = field(default_factory=list, repr=False, compare=False)
    _open: list[smtplib.SMTP] = field(default_factory=list, repr=False, compare=False)

    most_messages: ClassVar[int] = 1
    has_members: ClassVar[bool] = False

    def send(self, batch: Batch) -> Answer:
        [message] = batch.messages
        if message["channel"] != "mail":
            return Answer(all_refused=True, reason="no_mail")
        if len(self._sent) >= self.most_mails:
            return Answer(all_refused=True, reason="above_most_mails")
        try:
            if not self._open:
                self._open.append(self._connected())
            self._open[0].send_message(self._mail(batch, message))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]  # its words repeat the address
            if min(codes) >= _REFUSED_FOR_GOOD:
                return Answer(all_refused=True, reason=f"smtp_{codes[0]}")
            raise self._down(f"smtp_{codes[0]}") from None
        except smtplib.SMTPAuthenticationError as error:
            self.close()
            raise DestinationRefuses(
                reason=f"smtp_{error.smtp_code}",
                tries=1,
                expected=f"destination {self.name} to know user and password",
                received=f"SMTP status {error.smtp_code}",
                remedy="correct them in destinations.yml and its password file, then run the same command again",
            ) from None
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise DestinationRefuses(
                reason="certificate",
                tries=1,
                expected=f"destination {self.name} to show a certificate that can be verified",
                received=error.verify_message,
                remedy="name its certificates in `trusted`, or mend the server",
            ) from None
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= _REFUSED_FOR_GOOD:
                return Answer(all_refused=True, reason=f"smtp_{error.smtp_code}")
            raise self._down(f"smtp_{error.smtp_code}") from None
        except TimeoutError:
            raise self._down("timeout") from None
        except (OSError, smtplib.SMTPException):
            raise self._down("no_connection") from None
        self._sent.append(batch.id)
        return Answer()

    def close(self) -> None:
        while self._open:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._open.pop().quit()

    def _connected(self) -> smtplib.SMTP:
        connection = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_SECONDS)
        if self.encrypted:
            connection.starttls(context=ssl.create_default_context(cafile=self.trusted))
        if self.user:
            connection.login(self.user, self.password)
        return connection

    def _mail(self, batch: Batch, message: dict[str, Any]) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, message["address"], self.subject
        mail["Message-ID"] = f"<{message['delivery_id']}@{self.sender.rpartition('@')[2]}>"
        lines = [
            f"- {item['title']} ({item['why']})" if item["why"] else f"- {item['title']}" for item in message["items"]
        ]
        mail.set_content("\n".join([f"{batch.campaign}, {batch.plan}", "", *lines, ""]))
        return mail

    def _down(self, reason: str) -> DestinationDown:
        self.close()
        return DestinationDown(
            reason=reason,
            tries=1,
            expected=f"destination {self.name} to take a mail",
            received=reason,
            remedy="run the same command again when it is up: it goes on where it stopped",
        )
