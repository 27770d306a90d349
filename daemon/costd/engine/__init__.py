"""The loop that owns the ledger, and the steps it takes."""
