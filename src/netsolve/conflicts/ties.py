"""What sizes can become of each other, as sets: layers in a row and side by side taken for one, until one size is left.

Sets of sizes are integers with a bit for each member. A tie works out what a size can become only where it is asked.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from heapq import heappop, heappush
from operator import or_
from typing import Any

from netsolve.deadline import Deadline
from netsolve.errors import UndecidedError

OVERTIME = "the time limit is reached"

LARGEST_SIZE = 1 << 15
"""Sizes beyond are not looked at."""

Call = tuple[Any, tuple[Any, ...], int | None]
"""A formula, its operands as integers or places in a row, and the place of what it gives (None: a rule)."""


def bits(mask: int) -> Iterator[int]:
    """The members of a set of sizes, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


@dataclass(eq=False)
class Tie:
    """What sizes a size can become, worked out where it is asked for: sets are integers, a bit for each member.

    depth: how many ties lie one in another.
    """

    home: "Ties"
    depth: int = 0
    known: dict[int, int] = field(default_factory=dict)

    def after(self, n: int) -> int:
        """The sizes that n can become. Raises UndecidedError past the deadline."""
        if n not in self.known:
            if self.home.deadline.passed:
                raise UndecidedError(OVERTIME)
            self.known[n] = self.find(n)
        return self.known[n]

    def find(self, n: int) -> int:
        """The same, worked out."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a row."""

    index: int


@dataclass(eq=False, kw_only=True)
class Bundle(Tie):
    """Relations that share numbers of a layer: a row of these numbers, then the size below, then what is worked out.

    rows: values for the numbers; output: the place of the size above (None: a size stays itself where all hold).
    """

    calls: tuple[Call, ...]
    rows: tuple[tuple[int, ...], ...]
    output: int | None

    def find(self, n: int) -> int:
        """Each row tried."""
        found = 0
        for row in self.rows:
            out = self.through(n, row)
            if out is not None:
                found |= 1 << out
                if self.output is None:
                    break
        return found

    def through(self, n: int, row: Sequence[int]) -> int | None:
        """What a row makes of a size; None where it does not fit."""
        values = [*row, n]
        for formula, operands, output in self.calls:
            try:
                value = formula(*[values[v.index] if isinstance(v, Place) else v for v in operands])
            except ZeroDivisionError:  # a size that is tried may be a stride as well
                return None
            if output is None:
                if not value:
                    return None
            elif not 0 <= value < LARGEST_SIZE:
                return None
            else:
                values.append(int(value))
        return n if self.output is None else values[self.output]


@dataclass(eq=False)
class Node:
    """What a size may be: the members of a set (all where it is -1) that every filter keeps."""

    mask: int = -1
    filters: frozenset[Tie] = frozenset()

    def members(self, mask: int = -1) -> Iterator[int]:
        """Its members, of a set, ascending."""
        for n in bits(self.mask & mask):
            if all(tie.after(n) >> n & 1 for tie in self.filters):
                yield n


@dataclass(eq=False, kw_only=True)
class Chain(Tie):
    """One tie after another, through the sizes that a node between may have."""

    first: Tie
    node: Node
    second: Tie

    def find(self, n: int) -> int:
        """Through each size between."""
        return reduce(or_, map(self.second.after, self.node.members(self.first.after(n))), 0)


@dataclass(eq=False, kw_only=True)
class Both(Tie):
    """Two ties side by side."""

    first: Tie
    second: Tie

    def find(self, n: int) -> int:
        """What both give."""
        return self.first.after(n) & self.second.after(n)


@dataclass(eq=False, kw_only=True)
class End(Tie):
    """A size stays itself where a tie takes it to some size that a node may have."""

    tie: Tie
    node: Node

    def find(self, n: int) -> int:
        """The size itself, or nothing."""
        return 1 << n if any(True for _ in self.node.members(self.tie.after(n))) else 0


class Ties:
    """Ties that were made before, with what is known of them: layers alike have one.

    deadline: when to stop working anything out.
    """

    def __init__(self) -> None:
        """None yet."""
        self.deadline = Deadline()
        self.made: dict[Any, Tie] = {}

    def bundle(self, calls: tuple[Call, ...], rows: tuple[tuple[int, ...], ...], output: int | None) -> Bundle:
        """A bundle of relations."""
        key = (calls, rows, output)
        if key not in self.made:
            self.made[key] = Bundle(self, calls=calls, rows=rows, output=output)
        found = self.made[key]
        assert isinstance(found, Bundle)  # noqa: S101 - by its key
        return found

    def chain(self, first: Tie, node: Node, second: Tie) -> Tie:
        """One tie after another."""
        key = (first, node.mask, node.filters, second)
        if key not in self.made:
            depth = 1 + max(first.depth, second.depth)
            self.made[key] = Chain(self, depth, first=first, node=node, second=second)
        return self.made[key]

    def both(self, first: Tie, second: Tie) -> Tie:
        """Two ties side by side."""
        if first is second:
            return first
        key = frozenset((first, second))
        if key not in self.made:
            depth = 1 + max(first.depth, second.depth)
            self.made[key] = Both(self, depth, first=first, second=second)
        return self.made[key]

    def end(self, tie: Tie, node: Node) -> Tie:
        """A tie to something that only has to exist."""
        key = (tie, node.mask, node.filters)
        if key not in self.made:
            self.made[key] = End(self, tie.depth + 1, tie=tie, node=node)
        return self.made[key]


Name = Hashable
Step = tuple[Name, tuple[Node, dict[Name, Tie], dict[Name, Tie]]]
"""A size that went: what it could be, and its ties to the sizes below and above."""


@dataclass
class Web:
    """Sizes by name, and the ties between them.

    liked: for each size the value that is preferred where several will do.
    """

    ties: Ties
    liked: Mapping[Name, int]
    nodes: dict[Name, Node] = field(default_factory=dict)
    after: dict[Name, dict[Name, Tie]] = field(default_factory=dict)
    before: dict[Name, dict[Name, Tie]] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    waiting: list[tuple[int, int, int, Name]] = field(default_factory=list)
    ticket: int = 0

    def node(self, name: Name) -> Node:
        """The size of a name."""
        if name not in self.nodes:
            self.nodes[name], self.after[name], self.before[name] = Node(), {}, {}
        return self.nodes[name]

    def restrict(self, name: Name, mask: int) -> None:
        """Leave a size only the members of a set."""
        self.node(name).mask &= mask

    def filter(self, name: Name, tie: Tie) -> None:
        """Leave a size only what a tie takes to itself."""
        self.node(name).filters |= {tie}

    def tie(self, below: Name, above: Name, tie: Tie) -> None:
        """Tie a size to another one."""
        if below == above:
            self.filter(below, tie)
            return
        self.node(below)
        self.node(above)
        if above in self.after[below]:
            tie = self.ties.both(self.after[below][above], tie)
        self.after[below][above] = self.before[above][below] = tie

    def solve(self) -> dict[Name, int] | None:
        """A value for every size; None where none was found."""
        for name in self.nodes:
            self.wait(name)
        while self.nodes:
            difficulty, *_, name = heappop(self.waiting)
            if name in self.nodes and self.difficulty(name) == difficulty and not self.take(name):
                return None
        values: dict[Name, int] = {}
        for name, found in reversed(self.steps):
            value = self.value(name, found, values)
            if value is None:
                return None
            values[name] = value
        return values

    def wait(self, name: Name) -> None:
        """Note how difficult a size is now."""
        depth = sum(tie.depth for ties in (self.before[name], self.after[name]) for tie in ties.values())
        self.ticket += 1
        heappush(self.waiting, (self.difficulty(name), depth, self.ticket, name))

    def difficulty(self, name: Name) -> int:
        """Which sizes go first: those without ties below, then above, then those between two, then the least tied."""
        below, above = len(self.before[name]), len(self.after[name])
        if below == 0 and self.nodes[name].mask > 0 and above <= 1:
            return 0
        if above == 0 and below <= 1:
            return 1
        return 2 if below == above == 1 else 2 + below + above

    def take(self, name: Name) -> bool:
        """Do without a size; whether anything can be left."""
        node, below, above = self.nodes.pop(name), self.before.pop(name), self.after.pop(name)
        for other in below:
            del self.after[other][name]
        for other in above:
            del self.before[other][name]
        if len(below) == len(above) == 1:
            (one, first), (other, second) = *below.items(), *above.items()
            self.steps.append((name, (node, below, above)))
            self.tie(one, other, self.ties.chain(first, node, second))
            self.wait(one)
            self.wait(other)
            return True
        if len(below) + len(above) > 1 or (not below and node.mask < 0):
            node = self.held(name, node)
            if node.mask == 0:
                return False
        self.steps.append((name, (node, below, above)))
        for other, tie in below.items():
            self.filter(other, self.ties.end(tie, node))
        members = list(node.members()) if node.mask >= 0 else []
        for other, tie in above.items():
            self.restrict(other, reduce(or_, map(tie.after, members), 0))
        for other in (*below, *above):
            self.wait(other)
        return node.mask < 0 or bool(members)

    def held(self, name: Name, node: Node) -> Node:
        """A size left at one value."""
        liked = self.liked.get(name)
        if liked is not None and 0 <= liked <= LARGEST_SIZE and any(True for _ in node.members(1 << liked)):
            return Node(1 << liked)
        first = next(node.members(), None) if node.mask >= 0 else None
        return Node(0 if first is None else 1 << first)

    def value(
        self, name: Name, found: tuple[Node, dict[Name, Tie], dict[Name, Tie]], values: Mapping[Name, int]
    ) -> int | None:
        """A value that goes with those of the sizes around."""
        node, below, above = found
        mask = reduce(lambda some, item: some & item[1].after(values[item[0]]), below.items(), node.mask)
        if mask < 0:
            return None
        fitting = [n for n in node.members(mask) if all(t.after(n) >> values[o] & 1 for o, t in above.items())]
        liked = self.liked.get(name)
        return liked if liked in fitting else next(iter(fitting), None)
