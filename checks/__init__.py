"""The engine: rules, probes, the event store, commands and queries. No HTTP is answered here."""
