"""Issues that orchestrators put into the environment of the agents they start (rule 3).

A child of an agent inherits its environment, so the value speaks of the process it was
read from and of no other.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from costd.core.attribution.identity import issue_in
from costd.core.attribution.roles import role_of

ISSUE_NAMES = (
    "COSTD_ISSUE",
    "OVERDECK_ISSUE_ID",
    "PAN_ISSUE_ID",
    "GT_ISSUE",
    "GT_WORK_BEAD",
    "AO_ISSUE_ID",
    "LINEAR_ISSUE_IDENTIFIER",
    "ADE_LINEAR_ISSUE_IDS",
    "PAPERCLIP_TASK_ID",
    "MULTICA_TASK_ID",
    "EMDASH_TASK_ID",
)
"""Where an issue is looked for, the first that holds one wins."""

ROLE_NAMES = (
    "COSTD_ROLE",
    "OVERDECK_SESSION_TYPE",
    "PANOPTICON_CONVOY_ROLE",
    "GT_ROLE",
)

_OPAQUE = frozenset({"PAPERCLIP_TASK_ID", "MULTICA_TASK_ID", "EMDASH_TASK_ID"})
"""Ids of the tool's own tasks: believed only where they are a tracker's."""

_OTEL = "OTEL_RESOURCE_ATTRIBUTES"
_OTEL_BEAD = "gt.work_bead"


class Declared(Struct, frozen=True):
    """What an environment says: the issue or empty, the role or empty, and where."""

    issue: str
    role: str
    evidence: str


def declared(environment: Mapping[str, str], repo: str = "") -> Declared:
    """The issue and role that an environment names; both empty when it names none.

    Of a list (``ADE_LINEAR_ISSUE_IDS``) the first is taken: a response has one owner.

    Args:
        environment: names and values; only the names above are looked at.
        repo: ``owner/name`` that a bare number belongs to.
    """
    role = next(
        (role for name in ROLE_NAMES if (role := role_of(environment.get(name, "")))),
        "",
    )
    for name in ISSUE_NAMES:
        first, _, others = environment.get(name, "").strip().partition(",")
        issue = issue_in(repo, first) if first else None
        if issue is None or (name in _OPAQUE and not _is_trackers(issue)):
            continue
        evidence = f"{name}, the first of several" if others.strip() else name
        return Declared(issue, role, evidence)
    bead = _attribute(environment.get(_OTEL, ""), _OTEL_BEAD)
    issue = issue_in(repo, bead) if bead else None
    return Declared(issue or "", role, _OTEL if issue else "")


def _is_trackers(issue: str) -> bool:
    key, _, number = issue.rpartition("-")
    return "#" in issue or (key.isupper() and number.isdigit())


def _attribute(attributes: str, wanted: str) -> str:
    for pair in attributes.split(","):
        name, _, value = pair.partition("=")
        if name.strip() == wanted:
            return value.strip()
    return ""
