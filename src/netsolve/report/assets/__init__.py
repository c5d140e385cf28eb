"""What pages are made of: styles and one script, each a file of its own."""

from importlib.resources import files


def asset(name: str) -> str:
    """The text of a file of this package."""
    return (files(__name__) / name).read_text(encoding="utf-8")
