"""Writes the published files; those of the issues in a thread of its own.

A file is on the disk before it has its name: that takes milliseconds, and a first
import publishes thousands of issues, while questions wait for whoever writes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from costd.log import get_logger
from costd.publish.encode import dump
from costd.publish.files import publish, sweep_temporaries

CLOSE_SECONDS = 1.5
"""What is not written by then is written after the next start."""
_SEPARATE = "issues/"
_AT_ONCE = 20

log = get_logger("service")


class Press:
    """One for a daemon's life, whichever engine publishes.

    Args:
        directory: where the files go.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.mirrors: Iterable[Path] = ()
        self._lock = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._trouble = ""
        self._is_swept = False

    def put(self, documents: Mapping[str, Any]) -> dict[str, str]:
        """Publish documents by their names; the newest of a name is what counts.

        Returns:
            What went wrong, by code: now, or with what was left to the thread before.
        """
        if not self._is_swept:
            sweep_temporaries(self._directory)
            self._is_swept = True
        separate = {n: v for n, v in documents.items() if n.startswith(_SEPARATE)}
        trouble = self._write({n: documents[n] for n in documents.keys() - separate})
        with self._lock:
            self._pending |= separate
            if self._pending and self._thread is None and not self._is_closing:
                self._thread = threading.Thread(
                    target=self._run, name="costd-press", daemon=True
                )
                self._thread.start()
            earlier, self._trouble = self._trouble, ""
        told = trouble or earlier
        return {"publish": told} if told else {}

    def close(self) -> None:
        """Wait a moment for what is not written yet."""
        with self._lock:
            self._is_closing = True
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        try:
            while batch := self._take():
                if trouble := self._write(batch):
                    with self._lock:
                        self._trouble = trouble
        except BaseException:
            with self._lock:  # the next one goes on
                self._thread = None
            raise

    def _take(self) -> dict[str, Any]:
        with self._lock:
            names = list(self._pending)[:_AT_ONCE]
            if not names:
                self._thread = None
            return {name: self._pending.pop(name) for name in names}

    def _write(self, documents: Mapping[str, Any]) -> str:
        encoded = {name: dump(value) for name, value in documents.items()}
        done = publish(self._directory, encoded, self.mirrors)
        for problem in done.problems:
            log.warning("publish_failed", reason=problem.message)
        return done.problems[0].message if done.problems else ""
