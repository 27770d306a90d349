"""Which tracker keys are believed, and how they are found out.

A configured list closes the world: it alone counts, and an empty one matches nothing.
Without a list the world is open: keys come from the tracker, from each repository's
history and from its branches, and an upper-case key that nobody knows still counts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from costd.core.attribution.numbers import is_dated, is_version, is_year
from costd.core.attribution.words import TYPES, is_denied, is_hex_fragment

LONGEST_NAME = 512
PROMOTION_NUMBERS = 3
PROMOTION_HIGHEST = 30
HISTORY_SUBJECTS = 3
HISTORY_NUMBERS = 2
_LONGEST_OPEN_KEY = 10

KEY_AND_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z][A-Za-z0-9]*){0,2})[-_]"
    r"([1-9]\d{0,6})(?![A-Za-z0-9]|\.\d)",
    re.ASCII,
)
_KEY = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_BEFORE_KEY = re.compile(
    rf"(?:(?:{'|'.join(sorted(TYPES, key=len, reverse=True))})[-_]){{0,3}}"
    r"(?:\d\d-\d\d-)?",
    re.IGNORECASE,
)

NO_KEYS: frozenset[str] = frozenset()


class Keys(Struct, frozen=True):
    """The keys that are believed, in upper case.

    Args:
        configured: ``[attribution] issue_keys``; ``None`` when it is absent.
        tracker: keys that were imported from a tracker, for every repository.
        by_repo: keys that were found out, per ``owner/name`` (or empty name).
        beads: prefixes of beads' ids, in lower case.
    """

    configured: frozenset[str] | None = None
    tracker: frozenset[str] = NO_KEYS
    by_repo: Mapping[str, frozenset[str]] = {}
    beads: frozenset[str] = NO_KEYS

    @property
    def is_open(self) -> bool:
        """Whether an upper-case key that nobody has named may count."""
        return self.configured is None

    def known(self, word: str, repo: str) -> str:
        """The known key at the end of ``word`` (``fix_min`` ends in MIN), or empty."""
        key = word.upper()
        while key:
            if self._is_known(key, repo):
                return key
            key = key.partition("_")[2]
        return ""

    def _is_known(self, key: str, repo: str) -> bool:
        if self.configured is not None:
            return key in self.configured
        return key in self.tracker or key in self.by_repo.get(repo, NO_KEYS)


def usable_keys(names: Iterable[object]) -> tuple[frozenset[str], tuple[str, ...]]:
    """A configured list as keys, and the entries that are none.

    What cannot be used is left out, so that a malformed list matches less, not more.
    """
    keys: set[str] = set()
    refused: list[str] = []
    for name in names:
        key = name.strip().upper() if isinstance(name, str) else ""
        if _KEY.fullmatch(key):
            keys.add(key)
        else:
            refused.append(repr(name))
    return frozenset(keys), tuple(refused)


def is_believable(key: str, name: str, end: int, number: str) -> bool:
    """Whether an unknown upper-case ``key`` with its number is likely a tracker's."""
    return (
        len(key) <= _LONGEST_OPEN_KEY
        and not is_denied(key)
        and not is_hex_fragment(key)
        and not is_dated(name, end, number)
    )


def candidate(name: str, found: re.Match[str]) -> tuple[str, int]:
    """The lower-case key that may stand here, with its confidence, or ``("", 0)``.

    It must begin its segment, after nothing but words for a kind of work and the date
    that Graphite puts in front. Never enough to count: ``admin-2`` looks the same.
    """
    word, number = found.groups()
    key = word.rpartition("_")[2]
    begin = found.end(1) - len(key)
    segment = name.rfind("/", 0, begin) + 1
    upper = key.upper()
    if (
        upper in TYPES
        or is_year(number)
        or is_version(name, found.end(), number)
        or not is_believable(upper, name, found.end(), number)
        or not _BEFORE_KEY.fullmatch(name, segment, begin)
    ):
        return "", 0
    return upper, 50 if begin else 40


def promoted(branches: Iterable[str]) -> frozenset[str]:
    """Keys that one repository's branches prove: 3 distinct numbers, one of them ≥ 30.

    Measured on 146 public repositories: 11 keys, 9 of them real.
    """
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for branch in branches:
        for key, number in candidates(branch):
            numbers[key].add(number)
    return frozenset(key for key, seen in numbers.items() if is_proven(seen))


def candidates(branch: str) -> Iterator[tuple[str, int]]:
    """The unknown keys that a branch may speak of, with their numbers."""
    for found in KEY_AND_NUMBER.finditer(branch[:LONGEST_NAME]):
        key, _ = candidate(branch, found)
        if key:
            yield key, int(found[2])


def is_proven(numbers: Collection[int]) -> bool:
    """Whether these distinct numbers of one key prove that it is a tracker's."""
    return len(numbers) >= PROMOTION_NUMBERS and max(numbers) >= PROMOTION_HIGHEST


def from_history(subjects: Iterable[str]) -> frozenset[str]:
    """Keys that stand in upper case in three commit subjects or titles of one repo.

    Two distinct numbers are asked for, else COVID-19 would be a tracker.
    """
    seen: defaultdict[str, set[str]] = defaultdict(set)
    numbers: defaultdict[str, set[str]] = defaultdict(set)
    for subject in subjects:
        text = subject[:LONGEST_NAME]
        for found in KEY_AND_NUMBER.finditer(text):
            key, number = found.groups()
            if key.isupper() and is_believable(key, text, found.end(), number):
                seen[key].add(text)
                numbers[key].add(number)
    return frozenset(
        key
        for key, texts in seen.items()
        if len(texts) >= HISTORY_SUBJECTS and len(numbers[key]) >= HISTORY_NUMBERS
    )
