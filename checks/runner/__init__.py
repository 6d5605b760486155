"""Probes under a deadline: one long-lived loop a process, hundreds of probes at once."""
