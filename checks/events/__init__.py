"""The event store: what has happened, in order, for good."""
