"""Lines of Python code broken as ruff and black break them."""

from collections.abc import Iterator

WIDTH = 88
STEP = 4
_PAIRS = {")": "(", "]": "[", "}": "{"}


def lines(text: str, indent: int, comma: str = "") -> list[str]:
    """A statement, or an entry of a call with its comma, on as few lines as fit."""
    pad, inner = " " * indent, indent + STEP
    if indent + len(text) + len(comma) <= WIDTH:
        return [f"{pad}{text}{comma}"]
    if text[-1] not in _PAIRS:
        return _wrapped(text, indent) if not comma else [f"{pad}{text}{comma}"]
    at = _opening(text)
    body = text[at + 1 : -1]
    if not body:
        return [f"{pad}{text}{comma}"]
    ends = [f"{pad}{text[: at + 1]}"], [f"{pad}{text[-1]}{comma}"]
    if text[at] == "(" and text[at - 1 : at].isidentifier() and inner + len(body) <= WIDTH:
        return [*ends[0], f"{' ' * inner}{body}", *ends[1]]
    if text[at] == "[" and " for " in body:
        element, *clauses = body.split(" for ")
        loops = [line for clause in clauses for line in lines(f"for {clause}", inner)]
        return [*ends[0], *lines(element, inner), *loops, *ends[1]]
    return [*ends[0], *(line for entry in entries(body) for line in lines(entry, inner, ",")), *ends[1]]


def signature(name: str, parameters: list[str], returns: str) -> list[str]:
    """The head of a method."""
    flat = f"    def {name}({', '.join(parameters)}) -> {returns}:"
    if len(flat) <= WIDTH:
        return [flat]
    body = f"        {', '.join(parameters)}"
    inner = [body] if len(body) <= WIDTH else [f"        {parameter}," for parameter in parameters]
    return [f"    def {name}(", *inner, f"    ) -> {returns}:"]


def entries(body: str) -> Iterator[str]:
    """What commas part, but for those in brackets or texts."""
    depth, start, quoted = 0, 0, False
    for index, sign in enumerate(body):
        quoted ^= sign == '"'
        if quoted:
            continue
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and not depth:
            yield body[start:index].strip()
            start = index + 1
    if rest := body[start:].strip():
        yield rest


def _opening(text: str) -> int:
    """Where the bracket opens that the last sign closes."""
    depth, quoted = 0, False
    for index in range(len(text) - 1, -1, -1):
        sign = text[index]
        quoted ^= sign == '"'
        if quoted:
            continue
        depth += (sign in ")]}") - (sign in "([{")
        if not depth:
            return index
    return len(text)


def _wrapped(text: str, indent: int) -> list[str]:
    """An assignment of a sum or product, or its return, in brackets."""
    pad, inner = " " * indent, " " * (indent + STEP)
    for mark in (" = ", "return "):
        head, found, body = text.partition(mark)
        if found:
            break
    if len(inner) + len(body) <= WIDTH:
        return [f"{pad}{head}{mark}(", f"{inner}{body}", f"{pad})"]
    sign = " + " if " + " in body else " * "
    first, *others = body.split(sign)
    return [f"{pad}{head}{mark}(", f"{inner}{first}", *(f"{inner}{sign.strip()} {each}" for each in others), f"{pad})"]
