"""What the ledger knows, to the world: files, HTTP, the service manager."""
