"""Who owns a response: an issue by claim or evidence, else a bucket with a name.

``attribute_place`` reads the evidence of a place, ``spans`` lays claims and the parent's
owner over it, piece by piece in time. All pure: the same values give the same answer.
"""

from costd.core.attribution.buckets import (
    AMBIGUOUS,
    BOT_BRANCH,
    BUCKETS,
    DEFAULT_BRANCH,
    NO_MATCH,
    NO_REPO,
    ORCHESTRATOR,
)
from costd.core.attribution.claims import (
    CONFIDENCE,
    SELECTORS,
    Claim,
    Claims,
    selector_problem,
)
from costd.core.attribution.commits import Made, names_in, with_commits
from costd.core.attribution.environment import Declared, declared
from costd.core.attribution.identity import (
    addressed_issue,
    issue_in,
    issue_problem,
    require_issue,
    valid_issue,
)
from costd.core.attribution.keys import (
    Keys,
    candidates,
    from_history,
    is_proven,
    promoted,
    usable_keys,
)
from costd.core.attribution.model import THRESHOLD, Attribution, Place
from costd.core.attribution.place import attribute_place
from costd.core.attribution.pulls import NO_PULLS, Number, Pull, Pulls, owner_of
from costd.core.attribution.roles import ROLES, role_of, session_type
from costd.core.attribution.sentence import sentence
from costd.core.attribution.spans import Span, layered, owner_at, spans
from costd.core.attribution.worktree import worktree_names

__all__ = [
    "AMBIGUOUS",
    "BOT_BRANCH",
    "BUCKETS",
    "CONFIDENCE",
    "DEFAULT_BRANCH",
    "NO_MATCH",
    "NO_PULLS",
    "NO_REPO",
    "ORCHESTRATOR",
    "ROLES",
    "SELECTORS",
    "THRESHOLD",
    "Attribution",
    "Claim",
    "Claims",
    "Declared",
    "Keys",
    "Made",
    "Number",
    "Place",
    "Pull",
    "Pulls",
    "Span",
    "addressed_issue",
    "attribute_place",
    "candidates",
    "declared",
    "from_history",
    "is_proven",
    "issue_in",
    "issue_problem",
    "layered",
    "names_in",
    "owner_at",
    "owner_of",
    "promoted",
    "require_issue",
    "role_of",
    "selector_problem",
    "sentence",
    "session_type",
    "spans",
    "usable_keys",
    "valid_issue",
    "with_commits",
    "worktree_names",
]
