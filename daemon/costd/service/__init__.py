"""The composition root: ``host`` for commands, ``daemon`` for the service."""
