"""The configuration.

model    what it holds, with limits and defaults
check    a TOML table to settings, or every error in it
lines    which line a key is on, for those errors
load     file, environment and default together: ``load_config``
zone     the system's time zone
roots    where the agents write
edit     ``costd config set``     imported by its command only, as it needs tomlkit
example  ``costd config init``    imported by its command only
"""

from costd.config.load import ENVIRONMENT, load_config
from costd.config.model import (
    AttributionSettings,
    ClaudeSettings,
    CodexSettings,
    Config,
    DroidSettings,
    EngineSettings,
    HealthSettings,
    HttpSettings,
    LogSettings,
    OutputSettings,
    PriceOverride,
    PriceSettings,
)
from costd.config.roots import (
    claude_roots,
    codex_roots,
    default_claude_roots,
    default_codex_roots,
)

__all__ = [
    "ENVIRONMENT",
    "AttributionSettings",
    "ClaudeSettings",
    "CodexSettings",
    "Config",
    "DroidSettings",
    "EngineSettings",
    "HealthSettings",
    "HttpSettings",
    "LogSettings",
    "OutputSettings",
    "PriceOverride",
    "PriceSettings",
    "claude_roots",
    "codex_roots",
    "default_claude_roots",
    "default_codex_roots",
    "load_config",
]
