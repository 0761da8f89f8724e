"""A local tree goes to a host: what ``Put`` and ``Sync`` share (see steps)."""
