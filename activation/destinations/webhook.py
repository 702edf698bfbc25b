"""A webhook: batches as JSON by POST over HTTPS, signed, under an idempotency key; with retries and a rate limit.

A batch is `{"batch", "action", "campaign", "plan", "messages": [...]}`. Its headers:

    Idempotency-Key         the batch's id: the same batch, handed over again, has the same
    Nightshift-Signature    t=<seconds>,v1=<hex>: HMAC-SHA256 of "<seconds>.<body>" under the secret, in UTF-8
    Authorization           Bearer <token>, where the destination has a token

Answers: 2xx is delivered, but for the ids that a JSON object `{"refused": [delivery_id, ...]}` in it names. 408, 409,
425, 429 and 5xx, no answer and half an answer are tried again, with pauses that double and are drawn by lot (full
jitter: Brooker, "Exponential Backoff And Jitter", 2015), never before what `Retry-After` says. Other answers of 4xx
refuse the batch; 3xx, 401, 403, 404, 405 and 410 and a certificate that cannot be verified refuse everything.
"""

from __future__ import annotations

import datetime
import email.utils
import hashlib
import hmac
import http.client
import json
import random
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult

from activation.destinations.destination import Answer, Batch, Destination, DestinationDown, DestinationRefuses
from contracts.report import say

_AGAIN = {408, 409, 425, 429}
_MISCONFIGURED = {401, 403, 404, 405, 407, 410}
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
_MOST_BYTES_OF_ANSWER = 1 << 22


@dataclass(frozen=True)
class Webhook(Destination):
    """A receiver of HTTP."""

    url: SplitResult
    secret: bytes = field(repr=False)
    token: str | None = field(repr=False, default=None)
    trusted: str | None = None
    """File of certificates to trust instead of the system's."""
    messages_a_batch: int = 500
    messages_a_second: float | None = None
    tries: int = 6
    timeout_seconds: float = 30.0
    longest_wait_seconds: float = 300.0
    """A receiver that asks for a longer pause is left alone until the next run."""
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)
    _open: list[http.client.HTTPConnection] = field(default_factory=list, repr=False, compare=False)
    _free_at: list[float] = field(default_factory=lambda: [0.0], repr=False, compare=False)
    """When the rate allows the next batch."""

    @property
    def most_messages(self) -> int:
        return self.messages_a_batch

    def send(self, batch: Batch) -> Answer:
        body = json.dumps(
            {
                "batch": batch.id,
                "action": batch.action,
                "campaign": batch.campaign,
                "plan": batch.plan,
                "messages": batch.messages,
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        reason, least_pause = "", 0.0
        for number, pause in enumerate(_pauses(self.tries), start=1):
            if number > 1:
                self._pause(max(pause, least_pause), reason, number)
            self._keep_to_rate(len(batch.messages))
            reason, least_pause, answer = self._try(batch.id, body, number)
            if answer is not None:
                return answer
            if least_pause > self.longest_wait_seconds:
                break
        raise DestinationDown(
            reason=reason,
            tries=number,
            expected=f"destination {self.name} to take a batch",
            received=f"{reason} {number} times" + (", and a wish to be left alone" if least_pause else ""),
            remedy="run the same command again when it is up: it goes on, and nothing is lost or doubled",
        )

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def _try(self, key: str, body: bytes, number: int) -> tuple[str, float, Answer | None]:
        """A word for what came of it, the pause that the receiver asks for, and its answer if it has given one."""
        try:
            status, retry_after, content = self._post(key, body)
        except ssl.SSLCertVerificationError as error:
            self.close()
            received = f"a certificate that is not to be trusted ({error.verify_message})"
            raise self._refusal("certificate", number, received) from None
        except ssl.SSLError as error:
            self.close()
            return f"tls_{(error.reason or 'error').lower()}", 0.0, None
        except TimeoutError:
            self.close()
            return "timeout", 0.0, None
        except ConnectionRefusedError:
            self.close()
            return "no_connection", 0.0, None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return ("no_connection" if isinstance(error, OSError) and not _is_broken(error) else "closed"), 0.0, None
        if 200 <= status < 300:
            return "", 0.0, Answer(_refused(content), reason="refused_by_receiver", tries=number)
        if status >= 500 or status in _AGAIN:
            return f"http_{status}", retry_after, None
        if status < 400 or status in _MISCONFIGURED:
            raise self._refusal(f"http_{status}", number, f"HTTP status {status}")
        return "", 0.0, Answer(all_refused=True, reason=f"http_{status}", tries=number)

    def _post(self, key: str, body: bytes) -> tuple[int, float, bytes]:
        """One request: the status, `Retry-After` in seconds (0 where there is none), and the whole answer."""
        seconds = str(int(time.time()))
        signature = hmac.new(self.secret, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "nightshift",
            "Idempotency-Key": key,
            "Nightshift-Signature": f"t={seconds},v1={signature}",
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if not self._open:
            self._open.append(self._connection())
        connection = self._open[0]
        path = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        connection.request("POST", path, body, headers)
        with connection.getresponse() as response:
            content = response.read(_MOST_BYTES_OF_ANSWER)
            if response.length:  # `read` with a limit says nothing of an answer that was cut off
                raise http.client.IncompleteRead(content)
            if response.will_close or not response.isclosed():
                self.close()
            return response.status, _seconds(response.headers.get("Retry-After")), content

    def _connection(self) -> http.client.HTTPConnection:
        if self.url.scheme == "http":  # of this machine alone, which `reading` sees to
            return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=self.timeout_seconds)
        return http.client.HTTPSConnection(
            self.url.hostname,
            self.url.port,
            timeout=self.timeout_seconds,
            context=ssl.create_default_context(cafile=self.trusted),
        )

    def _refusal(self, reason: str, tries: int, received: str) -> DestinationRefuses:
        return DestinationRefuses(
            reason=reason,
            tries=tries,
            expected=f"destination {self.name} to take a batch",
            received=received,
            remedy="correct its entry in destinations.yml, or mend the receiver; then run the same command again: "
            "nothing is lost or doubled",
        )

    def _pause(self, seconds: float, reason: str, number: int) -> None:
        if seconds >= 1:
            say(f"deliver {self.name}: {reason}; try {number} of {self.tries} in {seconds:.0f} s")
        self.sleep(seconds)

    def _keep_to_rate(self, messages: int) -> None:
        if self.messages_a_second is not None:
            now = time.monotonic()
            if self._free_at[0] > now:
                self.sleep(self._free_at[0] - now)
            self._free_at[0] = max(now, self._free_at[0]) + messages / self.messages_a_second


def _pauses(tries: int) -> Iterator[float]:
    """A pause before each try; none before the first."""
    yield 0.0
    for number in range(tries - 1):
        yield random.uniform(0, min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**number))


def _seconds(retry_after: str | None) -> float:
    """`Retry-After`, in seconds or as a date (RFC 9110, 10.2.3); 0 where it says neither."""
    if retry_after is None:
        return 0.0
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())


def _refused(content: bytes) -> frozenset[str]:
    """The ids that an answer names as refused; an answer that says nothing of it refuses none."""
    try:
        found = json.loads(content)
    except ValueError:
        return frozenset()
    refused = found.get("refused", ()) if isinstance(found, dict) else ()
    return frozenset(one for one in refused if isinstance(one, str)) if isinstance(refused, list) else frozenset()


def _is_broken(error: OSError) -> bool:
    return isinstance(error, ConnectionResetError | BrokenPipeError | ConnectionAbortedError)
