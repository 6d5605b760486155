"""Small local targets that a person can break and mend, to watch the dashboard notice."""
