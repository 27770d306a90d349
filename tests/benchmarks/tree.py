"""A seeded generator of realistic log trees whose totals are known beforehand.

The proportions follow measured real logs: a quarter of the bytes are assistant
lines of about 1.6 KB, a response has one to four of them, the rest is tool output
with a heavy tail; a fifth of the sessions have subagents, a few are forks that copy
their parent's history.

    python tests/benchmarks/tree.py /tmp/tree --megabytes 1000
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

# USD per million tokens: input, output, 5-minute write, 1-hour write, cache read.
# Typed in again here on purpose, so that the benchmark does not check costd with
# costd's own table.
RATES = {
    "claude-opus-5": (5_000, 25_000, 6_250, 10_000, 500),
    "claude-sonnet-5": (2_000, 10_000, 2_500, 4_000, 200),
    "claude-haiku-4-5-20251001": (1_000, 5_000, 1_250, 2_000, 100),
    "claude-opus-4-8": (5_000, 25_000, 6_250, 10_000, 500),
}
WORDS = (
    "return value of the function under test ledger offset byte token model "
    "import path expected actual error line column assert session branch commit"
).split()
START = datetime(2026, 10, 9, 6, 0, tzinfo=UTC)
DAYS = 45


@dataclass
class Totals:
    """What an exact reader must find in the tree; money in nano-USD."""

    files: int = 0
    bytes: int = 0
    responses: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_5m_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    cache_read_tokens: int = 0
    cost_nano_usd: int = 0


@dataclass
class Session:
    """One conversation while it is being written."""

    path: Path
    session_id: str
    cwd: str
    branch: str
    at: datetime
    agent_id: str = ""
    lines: list[str] = field(default_factory=list)


class Generator:
    """Writes sessions under ``root`` until ``size`` bytes are reached."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.rng = random.Random(seed)
        self.totals = Totals()
        self.texts = [
            json.dumps(" ".join(self.rng.choices(WORDS, k=4_000)))[1:-1]
            for _ in range(8)
        ]

    def text(self, size: int) -> str:
        """Text of about ``size`` bytes with the escapes that real output has."""
        parts: list[str] = []
        while size > 0:
            source = self.rng.choice(self.texts)
            start = self.rng.randrange(len(source) // 2)
            piece = source[start : start + min(size, 400)].rstrip("\\")
            parts.append(piece)
            size -= 400
        return "\\n".join(parts)

    def hexes(self, length: int) -> str:
        return f"{self.rng.getrandbits(length * 4):0{length}x}"

    def uuid(self) -> str:
        h = self.hexes(32)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def envelope(self, session: Session, kind: str) -> str:
        stamp = (
            session.at.strftime("%Y-%m-%dT%H:%M:%S.")
            + f"{session.at.microsecond // 1000:03d}Z"
        )
        agent = f'"agentId":"{session.agent_id}",' if session.agent_id else ""
        side = "true" if session.agent_id else "false"
        return (
            f'{{"parentUuid":"{self.uuid()}","isSidechain":{side},{agent}'
            f'"userType":"external","cwd":"{session.cwd}","sessionId":"{session.session_id}",'
            f'"version":"2.1.330","gitBranch":"{session.branch}","type":"{kind}",'
            f'"uuid":"{self.uuid()}","timestamp":"{stamp}",'
        )

    def user(self, session: Session) -> None:
        size = min(int(self.rng.lognormvariate(7.66, 1.4)), 400_000)
        text = self.text(size)
        session.lines.append(
            self.envelope(session, "user")
            + f'"message":{{"role":"user","content":[{{"tool_use_id":"toolu_{self.hexes(24)}",'
            f'"type":"tool_result","content":"{text}"}}]}},'
            f'"toolUseResult":{{"stdout":"{text[: size // 3].rstrip(chr(92))}","stderr":"","interrupted":false}}}}'
        )

    def response(self, session: Session, context: int) -> int:
        rng = self.rng
        model = rng.choices(list(RATES), weights=(5, 3, 2, 1))[0]
        blocks = rng.choices((1, 2, 3, 4), weights=(45, 35, 15, 5))[0]
        response_id = f"msg_01{self.hexes(22)}"
        request_id = f"req_011C{self.hexes(20)}"
        read, fresh = context, rng.randrange(1, 400)
        write = rng.randrange(100, 4_000)
        hour = write if rng.random() < 0.7 else 0
        out = rng.randrange(20, 2_500)
        for block in range(blocks):
            last = block == blocks - 1
            stop = '"tool_use"' if last else "null"
            shown = out if last or rng.random() < 0.82 else rng.randrange(1, 9)
            body = self.text(min(int(rng.lognormvariate(5.8, 1.2)), 60_000))
            session.lines.append(
                self.envelope(session, "assistant")
                + f'"message":{{"model":"{model}","id":"{response_id}","type":"message",'
                f'"role":"assistant","content":[{{"type":"text","text":"{body}"}}],'
                f'"stop_reason":{stop},"stop_sequence":null,"usage":{{'
                f'"input_tokens":{fresh},"cache_creation_input_tokens":{write},'
                f'"cache_read_input_tokens":{read},"cache_creation":{{'
                f'"ephemeral_5m_input_tokens":{write - hour},'
                f'"ephemeral_1h_input_tokens":{hour}}},"output_tokens":{shown},'
                f'"service_tier":"standard","inference_geo":"not_available",'
                f'"speed":"standard"}}}},"requestId":"{request_id}"}}'
            )
            session.at += timedelta(milliseconds=rng.randrange(200, 2_000))
        rates = RATES[model]
        counts = (fresh, out, write - hour, hour, read)
        t = self.totals
        t.responses += 1
        t.input_tokens += fresh
        t.output_tokens += out
        t.cache_creation_5m_tokens += write - hour
        t.cache_creation_1h_tokens += hour
        t.cache_read_tokens += read
        t.cost_nano_usd += sum(n * r for n, r in zip(counts, rates, strict=True))
        return read + write

    def converse(self, session: Session, turns: int) -> None:
        context = self.rng.randrange(8_000, 30_000)
        for _ in range(turns):
            self.user(session)
            session.at += timedelta(seconds=self.rng.randrange(1, 40))
            context = self.response(session, min(context, 170_000))
            session.at += timedelta(seconds=self.rng.randrange(1, 60))

    def write(self, session: Session) -> None:
        session.path.parent.mkdir(parents=True, exist_ok=True)
        data = ("\n".join(session.lines) + "\n").encode()
        session.path.write_bytes(data)
        self.totals.files += 1
        self.totals.bytes += len(data)

    def session(self, number: int) -> None:
        rng = self.rng
        project = f"project-{number % 23:02d}"
        cwd = f"/home/dev/{project}"
        branch = rng.choice(
            ("main", f"feature/min-{rng.randrange(1, 300)}", f"fix/pan-{number}")
        )
        at = START + timedelta(seconds=rng.randrange(DAYS * 86_400))
        session_id = self.uuid()
        folder = self.root / f"-home-dev-{project}"
        main = Session(folder / f"{session_id}.jsonl", session_id, cwd, branch, at)
        self.converse(main, max(3, int(rng.lognormvariate(3.6, 0.8))))
        self.write(main)
        if rng.random() < 0.2:
            for _ in range(rng.randrange(1, 5)):
                agent_id = "a" + self.hexes(16)
                path = folder / session_id / "subagents" / f"agent-{agent_id}.jsonl"
                agent = Session(path, session_id, cwd, branch, main.at, agent_id)
                self.converse(agent, max(2, int(rng.lognormvariate(2.8, 0.7))))
                self.write(agent)
        if rng.random() < 0.04:
            other = self.uuid()
            copied = [line.replace(session_id, other) for line in main.lines]
            fork = Session(
                folder / f"{other}.jsonl", other, cwd, branch, main.at, lines=copied
            )
            self.converse(fork, 4)
            self.write(fork)


def generate(root: Path, size: int, seed: int = 1) -> Totals:
    """Write a tree of at least ``size`` bytes under ``root``; the same for the same seed."""
    generator = Generator(root, seed)
    number = 0
    while generator.totals.bytes < size:
        generator.session(number)
        number += 1
    return generator.totals


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="a directory like ~/.claude/projects")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    totals = generate(args.root, args.megabytes * 1_000_000, args.seed)
    text = json.dumps(asdict(totals), indent=1)
    (args.root.parent / (args.root.name + "-totals.json")).write_text(text)
    print(text)  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
