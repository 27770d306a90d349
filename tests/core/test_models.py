from __future__ import annotations

import pytest

from costd.core.models import ModelName, backend_of, normalise

# raw spelling -> (name, backend, region, fast)
SPELLINGS = {
    # first party
    "claude-opus-5": ("claude-opus-5", "", "", False),
    "claude-opus-5-5": ("claude-opus-5-5", "", "", False),
    "claude-opus-4-5-20251101": ("claude-opus-4-5", "", "", False),
    "claude-3-5-haiku-20241022": ("claude-3-5-haiku", "", "", False),
    "claude-3-7-sonnet-latest": ("claude-3-7-sonnet", "", "", False),
    "claude-sonnet-4-0": ("claude-sonnet-4-0", "", "", False),
    "claude-fable-5-20260609": ("claude-fable-5", "", "", False),
    "Claude-Opus-5 ": ("claude-opus-5", "", "", False),
    # client markers
    "claude-opus-4-8[1m]": ("claude-opus-4-8", "", "", False),
    "system.ai.claude-opus-5[1m]": ("claude-opus-5", "", "", False),
    # Bedrock
    "anthropic.claude-opus-5": ("claude-opus-5", "bedrock", "", False),
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0": (
        "claude-sonnet-4-5",
        "bedrock",
        "us",
        False,
    ),
    "us-gov.anthropic.claude-opus-4-6-v1": (
        "claude-opus-4-6",
        "bedrock",
        "us-gov",
        False,
    ),
    "global.anthropic.claude-haiku-4-5-20251001-v1:0": (
        "claude-haiku-4-5",
        "bedrock",
        "global",
        False,
    ),
    "bedrock/eu.anthropic.claude-opus-5": ("claude-opus-5", "bedrock", "eu", False),
    "anthropic.claude-3-haiku-20240307-v1:0:200k": (
        "claude-3-haiku",
        "bedrock",
        "",
        False,
    ),
    "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/"
    "eu.anthropic.claude-opus-4-6-v1": ("claude-opus-4-6", "bedrock", "eu", False),
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/Ab12": (
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12",
        "bedrock",
        "",
        False,
    ),
    # Vertex
    "claude-sonnet-4@20250514": ("claude-sonnet-4", "vertex", "", False),
    "claude-3-5-sonnet-v2@20241022": ("claude-3-5-sonnet", "vertex", "", False),
    "projects/p/locations/europe-west1/publishers/anthropic/models/claude-opus-5": (
        "claude-opus-5",
        "vertex",
        "europe-west1",
        False,
    ),
    # routers
    "anthropic/claude-opus-4.8": ("claude-opus-4-8", "", "", False),
    "anthropic/claude-4-6-sonnet": ("claude-sonnet-4-6", "", "", False),
    "claude-4.5-haiku-20251001": ("claude-haiku-4-5", "", "", False),
    "claude-4-opus": ("claude-opus-4", "", "", False),
    "anthropic/claude-opus-5.5-fast": ("claude-opus-5-5", "", "", True),
    "claude-opus-5-fast[1m]": ("claude-opus-5", "", "", True),
    # others: what looks like a suffix may be the name
    "gpt-5.1-codex-max": ("gpt-5-1-codex-max", "", "", False),
    "openai/gpt-5.4-2026-03-05": ("gpt-5-4", "", "", False),
    "x-ai/grok-4-fast": ("grok-4-fast", "", "", False),
    "deepseek-v3": ("deepseek-v3", "", "", False),
    "GLM-5.2": ("glm-5-2", "", "", False),
    "": ("", "", "", False),
    "<synthetic>": ("<synthetic>", "", "", False),
}


@pytest.mark.parametrize("raw", SPELLINGS)
def test_a_spelling_is_read(raw: str) -> None:
    assert normalise(raw)[:4] == SPELLINGS[raw]


@pytest.mark.parametrize("raw", SPELLINGS)
def test_a_read_name_stays_as_it_is(raw: str) -> None:
    name = normalise(raw).name
    assert normalise(name).name == name


def test_the_exact_name_keeps_what_a_list_may_price_apart() -> None:
    assert normalise("gpt-4o-2024-05-13").exact == "gpt-4o-2024-05-13"
    assert normalise("mistral-medium-latest").exact == "mistral-medium-latest"
    assert normalise("claude-opus-5") == ModelName(
        "claude-opus-5", exact="claude-opus-5"
    )


@pytest.mark.parametrize(
    ("response_id", "backend"),
    [
        ("msg_01AAAAAAAAAAAAAAAAAAAAAA", ""),
        ("msg_bdrk_01AAAAAAAAAAAAAAAAAAAA", "bedrock"),
        ("msg_vrtx_01AAAAAAAAAAAAAAAAAAAA", "vertex"),
        ("msg_bdrk", ""),
        ("", ""),
    ],
)
def test_the_response_id_tells_the_backend(response_id: str, backend: str) -> None:
    assert backend_of(response_id) == backend
