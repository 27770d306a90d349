"""One package for each agent: bytes of its logs in, usage records out. Pure."""
