"""The write door: frozen commands and the plain functions that carry them out."""
