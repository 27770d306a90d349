"""Takes messages from the outbox to where they go, in a thread that nobody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedError
from typing import Any, cast

from costd.config.webhook import Webhook, WebhookSettings, resolved
from costd.core.errors import ConfigError, CostdError
from costd.core.instants import SECOND
from costd.core.posts import signature
from costd.log import get_logger
from costd.publish.webhook import Sent, Target, post, target

Ask = Callable[[str, Mapping[str, object]], "Future[object]"]

IDLE_SECONDS = 60.0
_ANSWER_SECONDS, _SHORT_SECONDS = 30.0, 5.0

log = get_logger("webhook")


class Courier:
    """Sends what is due, one message after the other.

    Args:
        ask: puts a question to the engine.
        note: has a trouble told, or no more.
        clock: milliseconds since the epoch.
        environ: where secrets may be.
    """

    def __init__(
        self,
        ask: Ask,
        note: Callable[[str, str | None], None],
        clock: Callable[[], int],
        environ: Mapping[str, str],
    ) -> None:
        self._ask, self._note, self._clock = ask, note, clock
        self._environ = environ
        self._webhook: Webhook | None = None
        self._target: Target | None = None
        self._wake = threading.Event()
        self._is_stopping = False
        self._unsaid: dict[tuple[str, int], dict[str, object]] = {}
        """What came of which try, while the ledger cannot keep it."""
        self._trouble = ""
        self._thread: threading.Thread | None = None

    def use(self, settings: WebhookSettings) -> None:
        """Send to this one from now on; begins when there is one for the first time."""
        trouble = ""
        self._webhook = self._target = None
        try:
            self._webhook = resolved(settings, self._environ)
        except ConfigError as error:
            trouble = error.message
        if self._webhook is not None:
            self._target = target(self._webhook.url)
            if self._target is None:
                trouble = "webhook.url is no https address that can be used"
        self._tell(trouble)
        if self._target is not None and self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="costd-webhook", daemon=True
            )
            self._thread.start()
        self.wake()

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def stop(self) -> None:
        """Send no more. A message on its way is sent again by the next daemon."""
        self._is_stopping = True
        self._wake.set()

    def _run(self) -> None:
        while not self._is_stopping:
            self._wake.clear()
            try:
                wait = self._round()
            except (CostdError, WaitedError):
                wait = _SHORT_SECONDS  # the engine stops, or is another one in a moment
            except Exception as error:  # noqa: BLE001 - whatever it is: the next round comes
                log.warning("webhook_failed", error=type(error).__name__)
                wait = IDLE_SECONDS
            self._wake.wait(wait)

    def _round(self) -> float:
        """Send what is due; how long to wait for the next round, seconds."""
        webhook, where = self._webhook, self._target
        if webhook is None or where is None:
            return IDLE_SECONDS
        answer = self._answer("outbox", {})
        for message in answer["due"]:
            if self._is_stopping:
                return 0.0
            if said := self._unsaid.get((message["key"], message["tries"])):
                answer = self._say(message, said)
                continue
            sent = self._send(webhook, where, message)
            is_over = (
                sent.is_taken or sent.is_final or message["tries"] >= webhook.retries
            )
            if not sent.is_taken:
                log.warning("webhook_refused", host=where.shown, reason=sent.problem)
            said = {"is_over": is_over, "problem": sent.problem}
            answer = self._say(message, said)
            self._tell(_said(where, answer, sent))
        if answer["due"]:
            return 0.0
        wait = answer["wait_ms"]
        return IDLE_SECONDS if wait is None else min(wait / SECOND, IDLE_SECONDS)

    def _say(
        self, message: Mapping[str, Any], said: dict[str, object]
    ) -> dict[str, Any]:
        """Have kept what came of a message: it is not sent again for a full disk."""
        key, tries = message["key"], message["tries"]
        self._unsaid[key, tries] = said
        answer = self._answer("posted", {"id": message["id"], "key": key, **said})
        del self._unsaid[key, tries]
        return answer

    def _send(
        self, webhook: Webhook, where: Target, message: Mapping[str, Any]
    ) -> Sent:
        body = str(message["body"]).encode()
        headers = {
            **webhook.headers,
            "User-Agent": "costd",
            "X-Costd-Event": str(message["event"]),
            "X-Costd-Delivery": str(message["key"]),
        }
        if message["subject"]:
            headers["X-Costd-Run-Id"] = str(message["subject"])
        if webhook.secret:
            at = self._clock() // SECOND
            headers["X-Costd-Signature"] = signature(webhook.secret, at, body)
        return post(
            where,
            body,
            headers,
            seconds=webhook.seconds,
            allow_private=webhook.allow_private,
        )

    def _answer(self, name: str, params: Mapping[str, object]) -> dict[str, Any]:
        found = self._ask(name, params).result(_ANSWER_SECONDS)
        return cast("dict[str, Any]", found)

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._note("webhook", trouble or None)


def _said(where: Target, answer: Mapping[str, Any], sent: Sent) -> str:
    """What ``health`` says of it; nothing while all is well."""
    if sent.is_taken and not answer["waiting"]:
        return ""
    reason = sent.problem or answer["problem"]
    if not reason:
        return ""
    count = answer["waiting"]
    wait = "1 message waits" if count == 1 else f"{count} messages wait"
    more = f"; {wait}" if count else "; it was given up"
    return f"A message could not be sent to {where.shown}: {reason}{more}."
