"""Names that documents may use, and remedies for misspelt ones."""

import difflib
import keyword
import re
from collections.abc import Iterable

TAKEN = frozenset({"input", "output", "min", "max", "abs"})
"""Words of the document language that name nothing else."""

MOST_COMPARED = 500

_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)


def valid_name(name: str) -> bool:
    """Whether a layer, an input or an unknown may have this name."""
    return bool(_NAME.fullmatch(name)) and not any(
        part in TAKEN or keyword.iskeyword(part) for part in (name, *name.split("."))
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt word: the nearest known ones, or all where they are few."""
    names = sorted(known)
    folded = {name.lower(): name for name in reversed(names[:MOST_COMPARED])}
    close = difflib.get_close_matches(word[:60].lower(), folded, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(folded[name] for name in close) + "?"
    if not names:
        return ""
    return f"there are {', '.join(names)}" if len(names) <= 20 else "see `netsolve ops`"  # noqa: PLR2004 - as many as fit on a line or two
