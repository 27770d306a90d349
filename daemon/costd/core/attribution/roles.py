"""What kind of work an agent does, in one vocabulary.

Orchestrators, agent types and people use many words for the same few roles. A word
that says nothing about the role (``general-purpose``) gives no role: empty, not a guess.
"""

from __future__ import annotations

import re
from functools import lru_cache

PLANNING = "planning"
IMPLEMENTATION = "implementation"
REVIEW = "review"
TEST = "test"
RESEARCH = "research"
DEBUG = "debug"
DOCUMENTATION = "documentation"
DESIGN = "design"
MERGE = "merge"
ORCHESTRATION = "orchestration"
MAINTENANCE = "maintenance"

ROLES = frozenset(
    {
        PLANNING,
        IMPLEMENTATION,
        REVIEW,
        TEST,
        RESEARCH,
        DEBUG,
        DOCUMENTATION,
        DESIGN,
        MERGE,
        ORCHESTRATION,
        MAINTENANCE,
    }
)

_SPELLINGS = {
    PLANNING: """plan plans planner planning architect architecture prd spec specs
        decompose breakdown estimate estimator triage""",
    IMPLEMENTATION: """implement implementation implementer implementing impl code coder
        coding build builder dev develop developer development engineer feature fix
        fixer work worker polecat crew programmer refactor refactorer refactoring
        simplifier frontend backend fullstack executor""",
    REVIEW: """review reviews reviewer reviewing critic audit auditor guardian judge
        inspector hunter analyzer approve approver verifier verification security""",
    TEST: "test tests tester testing qa uat e2e",
    RESEARCH: """research researcher explore explorer exploration investigate
        investigation investigator analyst scout search searcher discovery guide""",
    DEBUG: "debug debugger debugging diagnose diagnosis troubleshooter bisect",
    DOCUMENTATION: "doc docs document documentation documenter writer changelog",
    DESIGN: "design designer ux ui",
    MERGE: "merge merger merging refinery integrate integrator integration release",
    ORCHESTRATION: """orchestrate orchestration orchestrator coordinator supervisor
        manager mayor deacon witness dispatcher conductor director lead overseer boot""",
    MAINTENANCE: """compact compaction acompact summary summarise summarize summarizer
        title statusline prompt_suggestion aside_question housekeeping maintenance""",
}
_ROLE_OF = {word: role for role, text in _SPELLINGS.items() for word in text.split()}
_STRONGEST = (TEST, REVIEW, PLANNING, DEBUG, DOCUMENTATION, RESEARCH, DESIGN, MERGE)
_WORD = re.compile(r"[a-z0-9]+(?:_[a-z]+)*")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST = 200


@lru_cache(maxsize=1024)
def role_of(name: str) -> str:
    """The role that an agent type or an orchestrator's word stands for, or empty.

    ``code-reviewer`` and ``pr-review-toolkit:code-reviewer`` are ``review``,
    ``Explore`` is ``research``, ``specialist-12-review-security`` is ``review``,
    ``general-purpose`` is empty.
    """
    # The last part of a ``plugin:agent`` name decides, then the strongest word.
    tail = name[-_LONGEST:].rpartition(":")[2].strip()
    words = _WORD.findall(_CAMEL.sub("-", tail).lower())
    roles = [_ROLE_OF[word] for word in words if word in _ROLE_OF]
    for role in _STRONGEST:
        if role in roles:
            return role
    return roles[-1] if roles else ""


def session_type(role: str) -> str:
    """The ``type`` of a session in ``session-map.json``, which knows four words."""
    return role if role in (PLANNING, IMPLEMENTATION, REVIEW) else "other"
