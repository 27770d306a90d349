"""What logs, and the notes beside them, say of subagents: who they are, and whose."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from msgspec.structs import astuple

from costd.core.checkpoint import Segment
from costd.engine.sources import SOURCES
from costd.ingest.agents import note_beside
from costd.ledger.agents import Agent


def agents_of(segments: Iterable[Segment]) -> Iterator[Agent]:
    """What subagents' logs, or the notes beside them, say of those that were read."""
    for segment in segments:
        point = segment.checkpoint
        for found in segment.reading.subagents:
            yield Agent(point.source, *astuple(found))
        agent_id = SOURCES[point.source].agent_of(os.fsdecode(point.path))
        sessions = {
            context.session_id
            for context in segment.reading.contexts
            if context.agent_id == agent_id
        }
        if not agent_id or not sessions:
            continue
        note = note_beside(os.fsdecode(point.path))
        if note is not None:
            for session in sessions:
                kind, parent = note.agentType, note.parentAgentId
                yield Agent(point.source, session, agent_id, kind, parent)
