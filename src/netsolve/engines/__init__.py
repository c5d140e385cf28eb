"""Engines: who decides a problem. Each is behind the same interface."""
