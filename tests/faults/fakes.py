"""Service managers that only write down what they are told."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from costd.cli import entry

PROGRAM = """#!{python}
import json, sys
from pathlib import Path
with open({log!r}, "a") as log:
    log.write(json.dumps([{name!r}, *sys.argv[1:]]) + "\\n")
words = " ".join(sys.argv[1:])
loaded = Path({log!r} + ".loaded")
for told, answer in json.load(open({answers!r})).items():
    if words.startswith(told):
        sys.stdout.write(answer[1])
        sys.exit(answer[0])
if words.startswith("bootstrap "):
    loaded.touch()
elif words.startswith("bootout ") and loaded.exists():
    loaded.unlink()
elif words.endswith("/dev.costd") and not loaded.exists():
    sys.exit(113 if "print" in words else 3)
"""


class Done(NamedTuple):
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


class Fakes:
    """``systemctl`` and ``launchctl`` on a PATH of their own."""

    def __init__(self, top: Path) -> None:
        self.home = top / "a home"
        self.home.mkdir()
        self._log = top / "log"
        self._answers = top / "answers"
        self.answer({})
        programs = top / "bin"
        programs.mkdir()
        for name in ("systemctl", "launchctl"):
            path = programs / name
            python = sys.executable
            text = PROGRAM.format(
                python=python, name=name, log=str(self._log), answers=str(self._answers)
            )
            path.write_text(text)
            path.chmod(0o755)
        self.env = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(self.home),
        }

    def answer(self, answers: dict[str, tuple[int, str]]) -> None:
        """Have commands that begin so end with a code and say something."""
        self._answers.write_text(json.dumps(answers))

    def costd(self, *words: str) -> Done:
        """A command of costd in that home; in this process, as there are many."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with (
            mock.patch.dict(os.environ, self.env, clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = entry.run(list(words))
        texts = []
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
            texts.append(stream.read())
        return Done(code, *texts)

    def told(self) -> list[list[str]]:
        """What they were told to change since the last time, without questions."""
        if not self._log.exists():
            return []
        words = [json.loads(line) for line in self._log.read_text().splitlines()]
        self._log.unlink()
        questions = {"show", "print", "version"}
        return [told for told in words if not questions & set(told)]

    def tree(self) -> dict[str, str | None]:
        """Everything in the home, and what it holds."""
        return {
            str(path.relative_to(self.home)): path.read_text()
            if path.is_file()
            else None
            for path in self.home.rglob("*")
        }
