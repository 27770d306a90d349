"""Real sessions that changed their branch: split as their lines say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from books import Book
from costd.core.attribution import Keys, Place, attribute_place, promoted
from costd.core.projects import project_of

FIGURES = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)


def responses_of(log: Path) -> dict[str, tuple[str, str]]:
    """The directory and branch of each response's first line, by message id."""
    found: dict[str, tuple[str, str]] = {}
    for text in log.read_text("utf-8", "replace").splitlines():
        try:
            line: Any = json.loads(text)
        except ValueError:
            continue
        message = line.get("message") if isinstance(line, dict) else None
        if not isinstance(message, dict) or line.get("type") != "assistant":
            continue
        usage = message.get("usage") or {}
        is_billed = any(usage.get(name) for name in FIGURES)
        if is_billed and message.get("model") != "<synthetic>":
            place = (line.get("cwd") or "", line.get("gitBranch") or "")
            found.setdefault(str(message.get("id")), place)
    return found


def several(places: dict[str, tuple[str, str]]) -> bool:
    return len({branch for _, branch in places.values()}) > 1


def test_real_sessions_are_split_as_their_lines_say(
    memory_dir: Path, shared: Path
) -> None:
    checked = 0
    for number, root in enumerate(sorted((shared / "corpus" / "claude").iterdir())):
        logs = [log for log in root.rglob("*.jsonl") if several(responses_of(log))]
        if not logs:
            continue
        book = Book(memory_dir / f"{number}.db", root, 16 << 20)
        book.catch_up()
        branches = branches_of(book)
        for log in logs:
            found, expected = owners_in(book, log), expected_in(log, branches)
            copies = expected.keys() - found.keys()
            assert found == {name: expected[name] for name in found}, log.name
            assert copies <= held_elsewhere(book, log), log.name
            checked += len({branch for branch, _ in found.values()}) > 1
        book.close()
    assert checked >= 5, "sessions that change their branch"


_OWNERS = """
SELECT DISTINCT r.response_id, c.branch, a.issue FROM response r
JOIN log_file l ON l.id = r.file_id JOIN context c ON c.id = r.context_id
JOIN attribution a ON a.context_id = r.context_id
     AND a.from_at <= r.at AND r.at < a.until_at
WHERE r.part = '' AND c.agent_id = '' AND l.path {} ?
"""


def owners_in(book: Book, log: Path) -> dict[str, tuple[str, str]]:
    """Branch and owner of each response that the ledger has from a log."""
    rows = book.query(_OWNERS.format("="), bytes(log.resolve()))
    return {str(name): (str(branch), str(owner)) for name, branch, owner in rows}


def held_elsewhere(book: Book, log: Path) -> set[str]:
    """Responses that the ledger has from other logs: there this one has copies."""
    return {
        str(name)
        for name, _, _ in book.query(_OWNERS.format("<>"), bytes(log.resolve()))
    }


def branches_of(book: Book) -> dict[str, set[str]]:
    """The branches of each project: they may prove a key together."""
    found: dict[str, set[str]] = {}
    for cwd, branch in book.query("SELECT cwd, branch FROM context"):
        found.setdefault(project_of(str(cwd)), set()).add(str(branch))
    return found


def expected_in(log: Path, branches: dict[str, set[str]]) -> dict[str, tuple[str, str]]:
    """The same by a plain recount of its lines."""
    expected = {}
    for name, (cwd, branch) in responses_of(log).items():
        keys = Keys(by_repo={"": promoted(branches[project_of(cwd)])})
        owner = attribute_place(Place(cwd=cwd, branch=branch), keys)
        expected[name] = (branch, owner.issue)
    return expected
