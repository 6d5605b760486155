"""The operator's door: thin commands of the terminal."""
