"""SQLite and nothing but SQLite."""

from sqlite3 import Connection

from costd.ledger.ledger import Ledger

__all__ = ["Connection", "Ledger"]
