"""Whatever stands in a rollout: it is read, skipped or counted, and nothing fails."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from costd.core.usage import MAX_TOKENS
from costd.engine.sources import CODEX

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.sampled_from(["", "\0", "\ud800", "\u202e", "x" * 5_000, "9" * 400]),
    st.sampled_from(
        [
            "01a10b13-a7e8-7001-8000-000000000001",
            "ffffffff-ffff-7fff-8fff-ffffffffffff",
            "external-import-turn-1",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "2026-10-05T08:00:00Z",
        ]
    ),
    st.lists(st.integers(), max_size=2),
)
USAGE = st.one_of(
    ODD,
    st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(st.integers(0, 10**13), ODD)
            for name in (
                "input_tokens",
                "cached_input_tokens",
                "cache_write_input_tokens",
                "output_tokens",
                "reasoning_output_tokens",
            )
        },
    ),
)
NAMES = (
    "id session_id timestamp cwd model thread_source agent_role agent_path turn_id "
    "forked_from_id parent_thread_id subagent_history_start_ordinal service_tier "
    "started_at thread_id response_id compaction_response_id"
).split()
SPAWN = st.fixed_dictionaries(
    {}, optional={"parent_thread_id": ODD, "agent_path": ODD, "agent_role": ODD}
)
SUBAGENT = st.fixed_dictionaries({}, optional={"thread_spawn": SPAWN, "other": ODD})
PAYLOAD = st.fixed_dictionaries(
    {
        "type": st.one_of(
            st.sampled_from(["token_count", "task_started", "task_complete"]),
            st.sampled_from(["turn_aborted", "thread_settings_applied"]),
            ODD,
        )
    },
    optional={
        **dict.fromkeys(NAMES, ODD),
        "git": st.one_of(ODD, st.fixed_dictionaries({"branch": ODD})),
        "source": st.one_of(
            ODD, st.fixed_dictionaries({"subagent": st.one_of(ODD, SUBAGENT)})
        ),
        "info": st.one_of(
            ODD,
            st.fixed_dictionaries(
                {}, optional={"total_token_usage": USAGE, "last_token_usage": USAGE}
            ),
        ),
        "usage": USAGE,
        "thread_settings": st.one_of(ODD, st.fixed_dictionaries({"model": ODD})),
    },
)
RECORD = st.fixed_dictionaries(
    {
        "timestamp": ODD,
        "type": st.one_of(
            st.sampled_from(["event_msg", "turn_context", "session_meta"]),
            st.sampled_from(["token_usage_record", "compacted"]),
            ODD,
        ),
        "payload": st.one_of(PAYLOAD, PAYLOAD, ODD),
    },
    optional={"ordinal": ODD},
)


def encode(record: Any) -> bytes:
    return json.dumps(record).encode("utf-8", "surrogatepass")


@given(st.lists(RECORD, max_size=12), st.binary(max_size=40))
def test_nothing_in_a_rollout_fails(records: list[Any], noise: bytes) -> None:
    state = b""
    for line in [*map(encode, records), noise]:
        parser = CODEX.parser("/r", "sessions/a.jsonl", state, 1)
        data = bytearray(line.replace(b"\n", b" ") + b"\n")
        parser.take(data, 0, len(data), 0)
        state = parser.state()
        reading = parser.finish()
        for seen in reading.observations:
            counts = (
                seen.input_tokens,
                seen.output_tokens,
                seen.cache_read_tokens,
                seen.cache_creation_5m_tokens,
                seen.reasoning_tokens,
            )
            assert all(0 <= count <= MAX_TOKENS for count in counts)
            assert seen.at > 0
            reading.contexts[seen.context].cwd.encode()
            reading.services[seen.service].model.encode()
            seen.response_id.encode()
        assert len(state) < 60_000
