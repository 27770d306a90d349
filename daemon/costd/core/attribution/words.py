"""Words that look like evidence and are none.

``DENIED`` holds what stands before ``-12`` without being a tracker's key. It matters
in the open world only: a key that somebody configured is believed. ``TYPES`` holds the
words that name a kind of work in front of the real thing (``feature/``, ``planning-``).
"""

from __future__ import annotations

_MODELS = """
    gpt chatgpt claude opus sonnet haiku fable gemini gemma grok llama qwen kimi k glm
    deepseek mistral mixtral devstral codestral phi o nova minimax
"""
_AGENTS = """
    aider amp cline codex copilot cursor devin droid goose jules kilo kiro opencode roo
    seer sweep vk windsurf dependabot renovate
"""
_CODES = """
    utf ascii ansi base sha md aes rsa dsa crc blake uuid h mp av vp ed curve fnv xxh
"""
_STANDARDS = """
    iso iec ieee ecma es rfc pep bcp eip erc adr cve cwe ghsa nist fips owasp wcag din
    ansi tc39 posix covid
"""
_NET = """
    http https tcp udp tls ssl ssh dns ftp sftp imap smtp ip ipv url uri api rest grpc
    oauth status error exit code
"""
_RUNTIMES = """
    node nodejs python py java jdk jre php rubygems ruby rust go golang react vue next
    nuxt net dotnet pg postgres postgresql mysql redis sqlite lts angular svelte django
    rails laravel spring typescript ts js javascript eslint webpack vite sphinx kotlin
    swift xcode ios macos android windows win ubuntu debian alpine fedora centos linux
    arm amd x cuda k8s k3s ec2 log4j gcc clang llvm cpp c qt gtk bootstrap tailwind jest pytest pydantic
"""
_PROCESS = """
    release releases version versions ver v rc alpha beta sprint phase step stage part
    wave round pass iter iteration milestone week day month year quarter q fy today
    daily weekly nightly todo task tasks test tests tmp temp wip draft demo try take
    retry attempt limit level tier slot batch patch revert merge review update upgrade
    bump branch cleanup action actions support security fix fixes fixed feat feature
    features bug bugs bugfix hotfix chore docs doc refactor perf style ci cd build pr
    prs pull mr issue issues ticket gh agent worker worktree wt port proj project
    backport cherry pick rebase sync coverity cid spec specs plan planning story epic
    spike subtask option chapter section item example sample lesson module case
    question group line page tab column row copy backup experiment exp model
    epoch run seed lab prod production staging stable main master develop trunk head
    stack base layer lane lot set max top license regression followup
"""


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word.upper() for text in texts for word in text.split())


DENIED = _words(_MODELS, _AGENTS, _CODES, _STANDARDS, _NET, _RUNTIMES, _PROCESS)

TYPES = _words(
    """
    feature features feat fix fixes fixed bug bugs bugfix hotfix chore docs doc refactor
    perf test tests style ci build task story epic spike improvement enhancement
    enh improve support planning plan implement implementation impl review work wip dev agent
    worktree close closes resolve resolves revert cleanup security
    """
)

SERIES = _words(
    """
    release releases version versions v rc sprint phase step stage part wave round pass
    iter iteration milestone week day try take retry attempt draft batch slot level tier
    patch backport backports backup port worker agent worktree stable pr prs pull pulls
    mr mrs merge merges pull-request pull-requests merge-request merge-requests rev revision
    option lts
    """
)
"""Path segments after which a number counts something else than issues."""

INTEGRATION = frozenset(
    {
        *("main", "master", "develop", "trunk", "head", "default", "mainline"),
        *("development", "devel", "dev", "integration", "staging", "stage"),
        *("production", "prod", "canary", "nightly", "next", "stable", "edge"),
        "gh-pages",
    }
)

NOT_AN_ISSUE = frozenset(
    {
        *("unknown", "none", "null", "nil", "undefined", "nan", "n/a", "na"),
        *("-", "--", "?", "tbd", "todo", "true", "false"),
    }
)

DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL"]
    + [f"{name}{digit}" for name in ("COM", "LPT") for digit in range(10)]
)
"""Names that Windows keeps for itself, whatever stands after a dot."""


def is_denied(key: str) -> bool:
    """Whether an upper-case ``key`` is a common word, or hardly a word at all.

    ``SHA3`` is denied with ``SHA``; ``P0`` and ``I3485`` are no trackers' keys, while
    ``MG01`` and ``DHIS2`` are.
    """
    letters = key.rstrip("0123456789")
    digits = len(key) - len(letters)
    return (
        key in DENIED or letters in DENIED or len(letters) <= 1 or digits > len(letters)
    )


def is_hex_fragment(word: str) -> bool:
    """Whether ``word`` is 4 or 8 hex digits, at least one of them a figure."""
    return (
        len(word) in (4, 8)
        and not word.isalpha()
        and all(letter in "0123456789abcdefABCDEF" for letter in word)
    )
