"""From the file system to complete lines: sweeping, watching, tailing."""
