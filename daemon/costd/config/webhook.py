"""``[webhook]``: whom to tell of runs and of alerts, and how secrets get into it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, get_args
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field

from costd.core.errors import ConfigError

Outcome = Literal["completed", "blocked", "failed", "unknown"]
"""How a run has ended, as in ``core.posts``."""
Alert = Literal[
    "data_stopped", "data_flows", "disk_low", "ledger_recovered", "unpriced_models"
]
"""What is wrong with costd, as in ``core.alerts``."""
Group = Literal["run_report", "alert"]
_GROUPS = {"run_report": get_args(Outcome), "alert": get_args(Alert)}
"""Words for all of one kind."""

_REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_MOST_BYTES = 64 * 1024
_OURS = frozenset({"host", "content-length", "content-type", "connection"})


class WebhookSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[webhook]``: nobody is told anything without a ``url``."""

    url: (
        Annotated[
            str,
            Meta(
                pattern=r"^(https?://\S+|\$\{(env|file):[^}]+\}\S*)\Z",
                description='an address such as "https://hooks.example.com/x"',
            ),
        ]
        | None
    ) = None
    headers: dict[str, str] = field(default_factory=dict)
    secret: (
        Annotated[str, Meta(description='"${env:NAME}" or "${file:PATH}"')] | None
    ) = None
    events: tuple[Literal[Outcome, Alert, Group], ...] = (
        *get_args(Outcome),
        *get_args(Alert),
    )
    include_iterations: bool = False
    timeout: Annotated[
        float, Meta(gt=0, le=60, description="a number of seconds up to 60")
    ] = 5
    retry: Annotated[
        int, Meta(ge=0, le=100, description="a whole number from 0 to 100")
    ] = 8
    allow_private: bool = False


def chosen(settings: WebhookSettings) -> frozenset[str]:
    """The events that are told, each by its own name."""
    return frozenset(
        name for word in settings.events for name in _GROUPS.get(word, (word,))
    )


class Webhook(NamedTuple):
    """The settings with their secrets in their places."""

    url: str
    headers: Mapping[str, str]
    secret: bytes
    seconds: float
    retries: int
    allow_private: bool


def resolved(settings: WebhookSettings, environ: Mapping[str, str]) -> Webhook | None:
    """The webhook; None where there is none.

    Raises:
        ConfigError: a variable or a file is not there, or something cannot be used.
    """
    if settings.url is None:
        return None
    headers = {}
    for name, value in settings.headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise ConfigError(
                f"webhook.headers: {name[:64]!a} cannot be a header of it",
                "Use letters, digits and -; not Host, Content-Type, Content-Length.",
            )
        headers[name] = _filled(value, environ, f"webhook.headers.{name}")
    secret = _filled(settings.secret or "", environ, "webhook.secret")
    return Webhook(
        _filled(settings.url, environ, "webhook.url"),
        headers,
        secret.encode(),
        float(settings.timeout),
        settings.retry,
        settings.allow_private,
    )


def hidden(value: object) -> object:
    """A value of ``[webhook]`` as it may be shown: no path, no header, no secret."""
    if isinstance(value, dict):
        return {name: hidden(inner) for name, inner in value.items()}
    if not isinstance(value, str) or _REFERENCE.fullmatch(value):
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return "…"
    return f"{parts.scheme}://{parts.hostname}/…" if parts.hostname else "…"


def _filled(text: str, environ: Mapping[str, str], key: str) -> str:
    """The text with what ``${env:NAME}`` and ``${file:PATH}`` stand for."""

    def fill(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "env":
            if not environ.get(name):
                raise ConfigError(
                    f"{key}: the variable {name[:64]} is not set",
                    "Set it where costd is started, or use ${file:PATH}.",
                )
            return environ[name]
        return _contents(name, key)

    found = _REFERENCE.sub(fill, text)
    if not found.isprintable() or not found.isascii():
        raise ConfigError(
            f"{key}: it has characters that cannot be sent", "Use plain ASCII."
        )
    return found


def _contents(name: str, key: str) -> str:
    try:
        with open(os.path.expanduser(name), "rb") as file:  # noqa: PTH111, PTH123 - a name as somebody wrote it
            return file.read(_MOST_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(
            f"{key}: its file cannot be read ({reason})", "Name another: ${file:PATH}."
        ) from None
