"""costd: the local cost ledger for coding agents."""

__version__ = "0.1.0"
