"""Factory Droid, as far as a project logs what its ``droid exec`` calls used."""

from costd.sources.droid.parser import Parser, is_usage_log

__all__ = ["Parser", "is_usage_log"]
