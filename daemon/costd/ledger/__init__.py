"""SQLite and nothing but SQLite."""

from costd.ledger.ledger import Ledger

__all__ = ["Ledger"]
