"""The faces: requests in; HTML, JSON and streams out. No rule lives here."""
