"""What an operator declares, and what follows from the declaration for all of them alike."""

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, ClassVar, Protocol, TypeVar, get_origin, get_type_hints

from netsolve.ops.arguments import Argument, Default, Inferred

Size = Any
"""A size while a network is posed: an integer, or a variable of the problem."""
Shape = tuple[Size, ...]
"""Channels, then spatial sizes; the batch is never part of it."""


Known = tuple[tuple[int, ...], ...]
"""The shapes of a layer's inputs once every number is known, without batch."""

Code = Callable[[str], str]
"""Gives the Python expression of an argument: a literal, or a name that holds it."""


class Formula:
    """A function of integers by the names of its parameters.

    Operators write it on integers; engines call it with integers or with terms of their own. Names: `n` the size of
    the input along an axis, `out` the size of the output along it, `in_channels`, and any argument of the operator.
    falls: the names with which the value, a size, falls; it grows with all other sizes that it is made of.
    """

    __slots__ = ("falls", "function", "operands")

    def __init__(
        self, function: Callable[..., Any], operands: Iterable[str] | None = None, *, falls: Iterable[str] = ()
    ) -> None:
        """Take the operands from the function's signature unless they are given."""
        self.function, self.falls = function, frozenset(falls)
        self.operands = tuple(inspect.signature(function).parameters if operands is None else operands)

    def __call__(self, *values: Any) -> Any:
        """The value for operands in their order."""
        return self.function(*values)


@cache
def formula_of(function: Callable[..., Any]) -> Formula:
    """The formula of a function that a declaration holds."""
    return Formula(function)


def always(_: Any) -> bool:
    """The condition of a rule that holds for every record."""
    return True


class Rule:
    """A condition that arguments and sizes must meet.

    text: a sentence for the user; policy: netsolve's own, where torch would go on; when: for which records of the
    operator it is a rule at all.
    """

    __slots__ = ("formula", "policy", "text", "when")

    def __init__(
        self, text: str, holds: Callable[..., Any], *, policy: bool = False, when: Callable[[Any], bool] = always
    ) -> None:
        """Take the operands from the signature of `holds`."""
        self.text, self.formula, self.policy, self.when = text, Formula(holds), policy, when

    def worded(self, text: str) -> "Rule":
        """The same rule in other words."""
        if text == self.text:
            return self
        other = copy(self)
        other.text = text
        return other


class Law:
    """The size of the output along an axis.

    text: the formula as a reader writes it; when: for which records of the operator it counts, and note: the same as a
    reader writes it.
    """

    __slots__ = ("formula", "note", "text", "when")

    def __init__(
        self, text: str, size: Callable[..., Any], *, when: Callable[[Any], bool] = always, note: str = ""
    ) -> None:
        """Take the operands from the signature of `size`."""
        self.text, self.formula, self.when, self.note = text, Formula(size), when, note

    def __str__(self) -> str:
        """The formula, and when it counts."""
        return f"{self.text} ({self.note})" if self.note else self.text


NOT_EMPTY = Rule("every size is at least 1", lambda out: out >= 1, policy=True)


class Trace(Protocol):
    """What an operator is given while its layer is posed: arguments in, relations out. inputs: the shapes it takes."""

    inputs: tuple[Shape, ...]

    def argument(self, name: str, entry: int | None = None) -> Size:
        """The value of an argument; of one entry (an axis or a side) where entries may differ."""

    def apply(self, formula: Formula, *, entry: int | None = None, **given: Size) -> Size:
        """The value of a formula; operands that are not given are arguments."""

    def require(self, rule: Rule, *, entry: int | None = None, **given: Size) -> None:
        """State a rule; operands that are not given are arguments."""

    def equal(self, left: Size, right: Size, text: str) -> None:
        """State that two sizes are one; the text says why."""

    def unify(self, left: Size, right: Size, text: str) -> Size:
        """State that two sizes are one, and return the one to go on with."""

    def total(self, sizes: Shape) -> Size:
        """The sum of sizes."""

    def product(self, sizes: Shape) -> Size:
        """The product of sizes."""

    def fail(self, text: str, remedy: str = "") -> "Mismatch":
        """The error for an input of the wrong kind; to be raised."""

    def channels_first(self) -> bool:
        """Whether the input has its channels first and spatial axes behind them, as convolutions leave it."""

    def producer(self, index: int) -> "Operator | None":
        """The operator that gives an input; None where it is one of the network's own inputs."""

    def before(self, index: int) -> "Trace | None":
        """What the operator that gives an input was given itself; None where that is not known."""

    def consumers(self, index: int) -> "tuple[Operator, ...]":
        """The operators that take the same tensor as this layer does, this one among them."""


class Mismatch(Exception):  # noqa: N818 - never reaches a user: posing turns it into a mistake of the layer
    """The layer cannot take an input of this kind at all."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """The arguments of one layer as they are written: numbers, lists of them, or unknowns.

    torch_name: what a document calls it; builder: the class of netsolve.modules that builds it, where torch.nn has none
    of that name; helper: a function that its Python code calls; arity: the least and the greatest number of inputs
    (None: any); policies: sentences of its refusals that are netsolve's own, where torch would go on; cases: operands
    that engines enumerate; follows: arguments that equal another one unless written; terms: operands of its rules
    besides its arguments and `n`, `out`, `in_channels`, which its `pose` supplies; indices: whether its input holds
    whole numbers, as a table's rows; channels_first: whether its output has channels first (None: as its input); kept:
    where torch's module keeps an argument, if not under its name (a switch may be kept as a parameter or its absence).
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    torch_name: ClassVar[str] = ""
    builder: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    axes: ClassVar[int] = 0
    arguments: ClassVar[Mapping[str, Argument]] = {}
    inferred: ClassVar[Mapping[str, Inferred]] = {}
    rules: ClassVar[tuple[Rule, ...]] = ()
    policies: ClassVar[tuple[str, ...]] = ()
    cases: ClassVar[frozenset[str]] = frozenset()
    follows: ClassVar[Mapping[str, str]] = {}
    helper: ClassVar[str] = ""
    channels_first: ClassVar[bool | None] = None
    indices: ClassVar[bool] = False
    terms: ClassVar[frozenset[str]] = frozenset()
    kept: ClassVar[Mapping[str, str]] = {}

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """State the layer's rules and return the shape of its output."""
        raise NotImplementedError

    def admit(self, trace: Trace) -> None:
        """Fail unless inputs hold whole numbers where the operator takes indices."""
        for index in range(self.arity[0] if self.indices else 0):
            if trace.producer(index) is not None:
                text = f"{self.torch_name} takes indices, and the layer before it gives real numbers"
                raise trace.fail(text, "let it read one of the network's inputs")
            others = [op.torch_name for op in trace.consumers(index) if not op.indices]
            if others:
                text = f"{self.torch_name} takes indices, and its input feeds {others[0]} too, which takes real numbers"
                raise trace.fail(text, "give each an input of its own")

    def parameters(self, inputs: Known) -> int:
        """How many learned numbers the layer has, given the shapes of its inputs; the record holds only integers."""
        del inputs
        return 0

    def torch_arguments(self, inputs: Known) -> dict[str, Any]:
        """The arguments for torch's class: what differs from the defaults, and what the inputs imply."""
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.default is MISSING or getattr(self, field.name) != field.default
        }
        implied = {name: inputs[arg.source][arg.dim] for name, arg in self.inferred.items()}
        return implied | {name: value for name, value in given.items() if value is not None or name not in implied}

    def plain(self, inputs: Known) -> "tuple[Operator, ...]":
        """The layers of torch's own, one after the other, that do the same for inputs of these shapes."""
        del inputs
        return (self,)

    def torch_class(self, count: int) -> str:
        """The class of torch.nn that is this layer with so many inputs; empty where torch has only a function."""
        del count
        return self.torch_name if self.torch_name[:1].isupper() else ""

    def code_arguments(self, inputs: Known) -> dict[str, Any]:
        """The arguments that stand in Python code: those of torch's class or function."""
        return self.torch_arguments(inputs)

    def targets(self, name: str) -> str:
        """What a call of the layer is assigned to in Python code, where `name` is to hold its output."""
        return name

    def source(self, module: str, feeds: tuple[str, ...], inputs: Known, code: Code) -> str:
        """The layer's call as Python code.

        module: the expression of torch's module, where it is one; feeds: those of its inputs, and inputs: their shapes;
        code: gives the expression of an argument.
        """
        if module:
            return f"{module}({', '.join(feeds)})"
        given = self.code_arguments(inputs)
        needed = [field.name for field in fields(self) if field.default is MISSING]
        ordered = [code(name) for name in needed] if needed != ["dim"] else [f"dim={code('dim')}"]
        ordered += [f"{name}={code(name)}" for name in given if name not in needed]
        return f"{feeds[0]}.{self.torch_name}({', '.join(ordered)})"

    def infer(self, trace: Trace, *inputs: Shape) -> None:
        """What the inputs imply equals what is written, where it is written."""
        for name, argument in self.inferred.items():
            if getattr(self, name) is not None:
                implied = inputs[argument.source][argument.dim]
                trace.equal(trace.argument(name), implied, f"{name} is written, and the input implies it")


def highest(op: Operator, default: Default, axis: int) -> int | None:
    """The largest default value of an argument on one axis; None where it depends on something unknown."""
    formula = formula_of(default.high)
    operands = []
    for name in formula.operands:
        value = getattr(op, name, None)
        if value is None and name in op.follows:
            value = getattr(op, op.follows[name])
        operands.append(value[axis] if isinstance(value, tuple) else value)
    return int(formula(*operands)) if all(isinstance(value, int) for value in operands) else None


def spread(code: str) -> str:
    """The expression of a tuple as arguments of a call; that of a number as it is."""
    if code.startswith("("):
        return code[1:-1].rstrip(",")
    return code if code.lstrip("-").isdigit() else f"*{code}"


def is_axial(operator: type[Operator], rule: Formula) -> bool:
    """Whether a formula speaks about one axis."""
    return any(
        name in {"n", "out"} or operator.arguments[name].entries == "axes"
        for name in rule.operands
        if name != "in_channels"
    )


@dataclass(frozen=True, kw_only=True)
class Spatial(Operator):
    """A layer over channels and spatial axes whose size is a law for one axis; 1d, 2d and 3d alike."""

    laws: ClassVar[tuple[Law, ...]]
    axial: ClassVar[frozenset[Formula]]
    channels_first = True

    def pose(self, trace: Trace, x: Shape) -> Shape:
        """Apply the law to each axis."""
        if len(x) != self.axes + 1:
            raise trace.fail(
                f"{self.torch_name} takes channels and {self.axes} spatial size{'s' if self.axes > 1 else ''}, "
                f"and gets {describe_rank(x)}"
            )
        self.infer(trace, x)
        law = next(law for law in self.laws if law.when(self))
        rules = [rule.worded(self.sentence(rule, x)) for rule in self.rules if rule.when(self)]
        axial = [rule for rule in rules if rule.formula in self.axial]
        for rule in rules:
            if rule not in axial:
                trace.require(rule, in_channels=x[0])
        uniform = not any(isinstance(value, tuple) for value in vars(self).values())
        sizes: list[Size] = []
        for axis, n in enumerate(x[1:]):
            if axis and uniform and n == x[axis]:
                sizes.append(sizes[-1])
                continue
            out = trace.apply(law.formula, entry=axis, n=n)
            for rule in (*axial, NOT_EMPTY):
                trace.require(rule, entry=axis, n=n, out=out)
            sizes.append(out)
        return (self.channels(trace, x[0]), *sizes)

    def sentence(self, rule: Rule, x: Shape) -> str:
        """What to say where a rule is broken: by default its text."""
        del x
        return rule.text

    def channels(self, trace: Trace, in_channels: Size) -> Size:
        """The channels of the output: by default those of the input."""
        del trace
        return in_channels


def wrong_rank(operator: Operator, trace: Trace, x: Shape) -> Mismatch:
    """The error for an input with too many or too few spatial axes; to be raised."""
    spatial = f"{operator.axes} spatial size{'s' * (operator.axes > 1)}"
    return trace.fail(f"{operator.torch_name} takes channels and {spatial}, and gets {describe_rank(x)}")


def describe_rank(x: Shape) -> str:
    """A shape in words, by how many sizes it has."""
    if len(x) == 1:
        return "features without spatial axes"
    return f"{len(x)} sizes (channels and {len(x) - 1} spatial)"


OPERATORS: dict[str, type[Operator]] = {}
"""Every operator by the name a document gives it."""

O = TypeVar("O", bound=type[Operator])  # noqa: E741 - the conventional letter


def register(operator: O) -> O:
    """Enter an operator under its class name; fails at import where a part of the declaration is missing."""
    operator.torch_name = vars(operator).get("torch_name", operator.__name__)
    hints = get_type_hints(operator, include_extras=True)
    found = {field.name: hints[field.name] for field in fields(operator)}
    for name, hint in found.items():
        if get_origin(hint) is not Annotated or not isinstance(hint.__metadata__[0], Argument):
            msg = f"{operator.torch_name}.{name} is not declared as an argument"
            raise TypeError(msg)
    operator.arguments = {name: hint.__metadata__[0] for name, hint in found.items()}
    operator.inferred = {name: arg for name, arg in operator.arguments.items() if isinstance(arg, Inferred)}
    formulas = [rule.formula for rule in operator.rules] + [law.formula for law in getattr(operator, "laws", ())]
    named = {name for formula in formulas for name in formula.operands} | operator.cases
    if unknown := named - set(operator.arguments) - operator.terms - {"n", "out", "in_channels"}:
        msg = f"{operator.torch_name}: a formula names {sorted(unknown)}, which is no argument"
        raise TypeError(msg)
    if issubclass(operator, Spatial) and not (operator.axes and operator.laws):
        msg = f"{operator.torch_name} states no number of axes or no law for its size"
        raise TypeError(msg)
    if issubclass(operator, Spatial):
        operator.axial = frozenset(rule.formula for rule in operator.rules if is_axial(operator, rule.formula))
    if operator.pose is Operator.pose:
        msg = f"{operator.torch_name} does not say the shape of its output"
        raise TypeError(msg)
    if not operator.__doc__ or operator.__doc__.startswith(f"{operator.__name__}("):
        msg = f"{operator.torch_name} has no docstring"
        raise TypeError(msg)
    if operator.torch_name in OPERATORS:
        msg = f"{operator.torch_name} is declared twice"
        raise TypeError(msg)
    OPERATORS[operator.torch_name] = operator
    return operator


def alias(name: str, operator: str) -> None:
    """Enter an operator under a second name."""
    OPERATORS[name] = OPERATORS[operator]


def register_each(base: type[Operator], name: str, axes: Iterable[int] = (1, 2, 3)) -> None:
    """Enter an operator for each number of spatial axes; `{}` in the name is that number."""
    for number in axes:
        title = name.format(number)
        space = {"axes": number, "torch_name": title, "__doc__": base.__doc__, "__module__": base.__module__}
        register(publish(dataclass(frozen=True, kw_only=True)(type(title, (base,), space))))


def publish(operator: O) -> O:
    """Put a class that no statement defines into its module, where pickle looks for it."""
    setattr(sys.modules[operator.__module__], operator.__qualname__, operator)
    return operator
