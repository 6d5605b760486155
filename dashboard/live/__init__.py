"""Pages that change while they are open: one stream of server-sent events for everything."""
