"""Which lines are one response: the key rules of the format page, section 3.2.

Letters in the docstrings are the rules of that section. The whole tree is known, so
every group is looked at once, with all of its lines.
"""

from __future__ import annotations

import re
from collections import defaultdict

from oracle.lines import Line, Seen

Group = list[Line]

# Ids of Anthropic and of its cloud backends never repeat; others may.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
GLOBAL_ID = re.compile(r"msg_[A-Za-z0-9_]{16,}")


def same_responses(seen: Seen) -> list[Group]:
    """Groups of lines, one for each response; replays are left out."""
    by_id: dict[str, Group] = defaultdict(list)
    groups: dict[tuple[str, ...], Group] = defaultdict(list)
    for line in seen.lines:
        if line.message_id is None:
            groups[key_without_id(line)].append(line)
        else:
            by_id[line.message_id].append(line)
    found = list(groups.values())
    for message_id, lines in by_id.items():
        known = GLOBAL_ID.fullmatch(message_id) is not None
        sides = global_sides(lines) if known else run_sides(lines)
        found += without_replays(sides) if known else sides
    return found


def key_without_id(line: Line) -> tuple[str, ...]:
    """Rule (f): the request id, else the line's own uuid, else the line itself."""
    if line.request_id:
        return ("request", line.request_id)
    if line.uuid and UUID.fullmatch(line.uuid):
        return ("uuid", line.uuid)
    if line.uuid:
        return ("local uuid", line.session_id, line.uuid)
    return ("line", line.path, str(line.number))


def global_sides(lines: Group) -> list[Group]:
    """Rules (a), (b) and the first half of (e): one side for each request id."""
    sides: dict[str, Group] = defaultdict(list)
    for line in lines:
        if line.request_id:
            sides[line.request_id].append(line)
    for line in lines:
        if not line.request_id:
            sides[nearest_request(line, sides)].append(line)
    return list(sides.values())


def nearest_request(line: Line, sides: dict[str, Group]) -> str:
    """The request a line without one belongs to: the last before it in its file."""
    with_id = [other for side in sides.values() for other in side if other.request_id]
    if not with_id:
        return ""

    def distance(other: Line) -> tuple[bool, bool, int, int, str, int]:
        return (
            other.path != line.path,
            other.number > line.number,
            abs(other.number - line.number),
            other.at or 0,
            other.path,
            other.number,
        )

    return min(with_id, key=distance).request_id or ""


def run_sides(lines: Group) -> list[Group]:
    """Rule (e), ids that may repeat: (session, id, run), request ids still global."""
    sides: dict[tuple[str, ...], Group] = defaultdict(list)
    by_file: dict[tuple[str, str], Group] = defaultdict(list)
    copies: dict[str, tuple[str, ...]] = {}
    for line in lines:
        by_file[line.path, line.session_id].append(line)
    for (path, session), in_file in sorted(by_file.items()):
        ordered = sorted(in_file, key=lambda line: line.number)
        for run in runs(ordered):
            first = run[0]
            request = next((line.request_id for line in run if line.request_id), None)
            key: tuple[str, ...] = (session, path, str(first.number))
            if request:
                key = ("request", request)
            uuids = [u for line in run if (u := line.uuid) and UUID.fullmatch(u)]
            key = next((copies[u] for u in uuids if u in copies), key)
            copies.update(dict.fromkeys(uuids, key))
            sides[key] += run
    return list(sides.values())


def runs(lines: Group) -> list[Group]:
    """Cuts the lines of one file with one id into consecutive responses."""
    found: list[Group] = []
    for line in lines:
        if found and continues(found[-1], line):
            found[-1].append(line)
        else:
            found.append([line])
    return found


def continues(run: Group, line: Line) -> bool:
    """Whether ``line`` goes on with the response of ``run``.

    New versions write the stop reason on every block, so a stop ends a run only when
    the next line does not name a line of the run as its parent. Between two responses
    there is a user's line or a tool result; between two blocks there is nothing. Of
    3202 real responses with several lines 514 have more than one stop reason.
    """
    requests = {other.request_id for other in run if other.request_id}
    if line.request_id and requests:
        return line.request_id in requests
    last = run[-1]
    chained = line.parent_uuid in {other.uuid for other in run if other.uuid}
    going_on = last.stop_reason is None or chained
    return going_on and input_side(last) == input_side(line)


def input_side(line: Line) -> tuple[int, int, int, int]:
    """What does not change while one response is written."""
    usage = line.usage
    return (
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_creation_5m_tokens,
        usage.cache_creation_1h_tokens,
    )


def without_replays(sides: list[Group]) -> list[Group]:
    """Rules (c) and (d): a sidechain side in other files than a kept one is a copy."""
    kept: list[Group] = []

    def order(side: Group) -> tuple[bool, int, str]:
        first = min(side, key=lambda line: (line.at or 0, line.path))
        return all(line.sidechain for line in side), first.at or 0, first.path

    for side in sorted(sides, key=order):
        files = {line.path for line in side}
        replay = all(line.sidechain for line in side) and any(
            files.isdisjoint(line.path for line in other) for other in kept
        )
        if not replay:
            kept.append(side)
    return kept
