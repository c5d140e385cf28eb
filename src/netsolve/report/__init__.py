"""Answers rendered: as text for a terminal, as JSON."""
