"""A torch module followed through its forward by torch.fx, layer by layer, without running it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import torch
from torch import fx, nn

from netsolve.domain import Unknown
from netsolve.errors import Mistake
from netsolve.importers.extent import Extent, RefusedError, Size, known
from netsolve.importers.functions import call
from netsolve.importers.listening import listening
from netsolve.importers.sizing import Shape, Sizing
from netsolve.importers.tensors import WAY_ON, Missing, Traced, tensors_in
from netsolve.network import changed
from netsolve.ops import OPERATORS, Operator
from netsolve.parts import AGAIN, NotReadableError, blanked, layer_name, operator_of, unknowns_in

MOST_LAYERS = 100_000

BATCHED = 2
"""What stands before the spatial sizes where there is a batch: it, and the channels."""

BATCH_FIRST = "sequences have the batch first here: build it with batch_first=True"


class Tracer(fx.Tracer):
    """The layers that a module's forward calls, in their order.

    inputs: shapes by the names of forward's parameters; unknown: what is asked, by argument or LAYER.ARGUMENT; opaque:
    the shapes after parts that are not looked into, by path; faults: what does not fit, by layer.
    """

    def __init__(
        self,
        inputs: Mapping[str, tuple[int, ...]],
        unknown: Mapping[str, Unknown],
        opaque: Mapping[str, tuple[int, ...]],
    ) -> None:
        """Note what is asked."""
        super().__init__()
        self.inputs, self.unknown, self.opaque = dict(inputs), dict(unknown), dict(opaque)
        self.steps: list[tuple[str, Operator, tuple[str, ...]]] = []
        self.faults: dict[str, str] = {}
        self.tensors: list[Traced] = []
        self.results: list[str] = []
        self.notes: dict[str, Mistake] = {}
        self.where: list[str] = []
        self.calls: dict[str, list[str]] = {}
        self.names: set[str] = set()
        self.makers: dict[str, Operator] = {}
        self.paths: dict[nn.Module, str] = {}
        self.called_name = ""

    def follow(self, module: nn.Module) -> None:
        """Trace a module. Raises RefusedError for what cannot be followed, and whatever its code raises."""
        self.paths = {part: path for path, part in module.named_modules() if path}
        self.names |= {layer_name(path) for path in self.paths.values()}
        with as_in_eval(module), listening(self, module):
            self.trace(module)

    def create_args_for_root(self, root_fn: Any, is_module: bool, concrete_args: Any = None) -> tuple[Any, list[Any]]:  # noqa: FBT001 - as torch declares it
        """Tensors for the parameters of forward that have a shape, defaults for the others."""
        del is_module, concrete_args
        given, more = [], {}
        for parameter in list(signature(root_fn).parameters.values())[1:]:
            if parameter.name in self.inputs:
                name = input_name(parameter.name, len(self.inputs))
                self.names.add(name)
                value: Any = self.tensor(name, self.inputs[parameter.name])
            elif parameter.default is not Parameter.empty:
                value = parameter.default
            else:
                continue
            if parameter.kind is Parameter.KEYWORD_ONLY:
                more[parameter.name] = value
            else:
                given.append(value)

        def whole(*arguments: Any) -> None:
            self.results = [tensor.layer for tensor in tensors_in(root_fn(*arguments, **more))]

        return whole, [self.root, *given]

    def tensor(self, layer: str, sizes: Shape | None) -> Traced:
        """A tensor that a layer gives."""
        found = Traced(self.graph.create_node("call_function", len, (), {}), self, layer, sizes)
        self.tensors.append(found)
        return found

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        """Parameters are constants."""
        del attr, parameter_proxy_cache
        return attr_val

    def create_arg(self, a: Any) -> Any:
        """Nothing of the graph is used."""
        del a

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **more: Any) -> Any:
        """What a function or method gives for tensors."""
        del rest, more
        name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
        return call(self, name, kind == "call_method" or target, args, kwargs)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        """A part as a layer where netsolve knows it; otherwise what its forward does."""
        path = self.paths.get(m, "")
        tensors = tensors_in([args, kwargs])
        if path in self.opaque and path:
            out = self.opaque[path]
            return self.add(opaque_of(out), *tensors, path=path)
        if isinstance(m, torch.jit.ScriptModule):
            raise RefusedError("a part compiled by torch.jit shows nothing of its layers", WAY_ON)
        try:
            op = operator_of(m)
        except NotReadableError as error:
            remedy = BATCH_FIRST if "batch comes first" in str(error) else WAY_ON
            raise RefusedError(f"{path or type(m).__name__}: {error}", remedy) from None
        if op is not None and tensors:
            return self.part(m, op, path, tensors, kwargs)
        self.where.append(f"{path} ({type(m).__name__})" if path else type(m).__name__)
        found = forward(*args, **kwargs)
        self.where.pop()
        return found

    def part(self, m: nn.Module, op: Operator, path: str, tensors: list[Traced], kwargs: Mapping[str, Any]) -> Any:
        """A part that is a layer; what it returns, as torch's returns it."""
        asked = {key.removeprefix(f"{layer_name(path)}."): value for key, value in self.unknown.items()} if path else {}
        op = blanked(op, {key: value for key, value in asked.items() if "." not in key})
        if isinstance(m, nn.MultiheadAttention):
            query, key, value = (*tensors, *tensors[-1:] * 2)[:3]
            tensors = [query] if query.layer == key.layer == value.layer else [query, key, value]
        if "output_size" in kwargs:
            op = sized(op, tensors[0].sizes, kwargs["output_size"])
        most = op.arity[1]
        found = self.add(op, *tensors[:most], path=path)
        if isinstance(m, nn.RNNBase | nn.MultiheadAttention):
            return found, Missing(f"{path}: only the sequence it returns is followed")
        return (found, found) if getattr(m, "return_indices", False) else found

    def add(self, op: Operator, *tensors: Traced, path: str = "") -> Traced:
        """A layer, and the tensor it gives. path: of the part; empty for a call in the code of forward."""
        if len(self.steps) >= MOST_LAYERS:
            msg = f"the module calls more than {MOST_LAYERS} layers"
            raise RefusedError(msg)
        name = self.called(path) if path else self.numbered(op)
        self.steps.append((name, op, tuple(tensor.layer for tensor in tensors)))
        self.makers[name] = op
        sizing = Sizing(op, [self.makers.get(tensor.layer) for tensor in tensors])
        sizes = sizing.shape([tensor.sizes for tensor in tensors])
        if sizing.faults:
            given = next((len(t.sizes) for t in tensors if t.layer not in self.makers), 0)
            batch = "; is the batch in it, which is never given?" if op.axes and given == op.axes + BATCHED else ""
            self.faults[name] = sizing.faults[0] + batch
        return self.tensor(name, sizes)

    def made(self, shape: tuple[Any, ...]) -> Traced:
        """A tensor that code makes, of a shape that it computed; it hangs on the last tensor, which says nothing."""
        if not isinstance(shape[0], Extent) or not shape[0].is_batch or len(shape) == 1:
            raise RefusedError("the code makes a tensor whose first dimension is not the batch", WAY_ON)
        out = [self.number(size, "a tensor that the code makes") for size in shape[1:]]
        return self.add(opaque_of(out), self.tensors[-1])

    def called(self, path: str) -> str:
        """The name of a part's layer: its path, and for further calls a number."""
        calls = self.calls.setdefault(path, [])
        name = layer_name(path) + (f"{AGAIN}{len(calls) + 1}" if calls else "")
        calls.append(name)
        return self.unique(name) if len(calls) > 1 else name

    def numbered(self, op: Operator) -> str:
        """The name of a call's layer: the part whose forward calls it, the operator, and a number."""
        scope = self.where[-1].partition(" ")[0] if self.where and "(" in self.where[-1] else ""
        base = ".".join(part for part in (layer_name(scope) if scope else "", op.torch_name.lower()) if part)
        number = 1
        while f"{base}_{number}" in self.names:
            number += 1
        return self.unique(f"{base}_{number}")

    def unique(self, name: str) -> str:
        """A name that nothing has."""
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name

    def number(self, size: Any, what: str) -> Any:
        """The value of what is computed from sizes; noted where it would be another for another input."""
        if not isinstance(size, Extent):
            return size
        value = size.number()
        spatial = [atom for atom in size.atoms if atom[0] != "of" or atom[-1] != 0]
        if spatial:
            text = f"{what}: the code computes {value} from sizes, and here it is a number"
            self.notes.setdefault(f"{what} {value}", Mistake(self.where[-1] if self.where else "", text))
        return value

    def note(self, text: str) -> None:
        """A doubt about what was traced, each once."""
        self.notes.setdefault(text, Mistake(self.where[-1] if self.where else "", text))

    def like(self, x: Traced, sizes: Sequence[Size]) -> Traced | None:
        """The tensor with as many sizes as x whose spatial sizes these are; the last one made."""
        wanted = [size.terms for size in sizes if isinstance(size, Extent)]
        if len(wanted) != len(sizes) or len(sizes) != len(x.sizes) - 1:
            return None
        return next((t for t in reversed(self.tensors) if [e.terms for e in t.extents()[1:]] == wanted), None)

    def shared(self) -> list[tuple[str, Operator, tuple[str, ...]]]:
        """The layers, with one unknown for all calls of a part."""
        parts = {name: path for path, names in self.calls.items() if len(names) > 1 for name in names}
        taken = {*self.names, *(name for _, op, _ in self.steps for name in _named(op))}
        return [
            (name, _shared(op, layer_name(parts[name]), taken) if name in parts else op, feeds)
            for name, op, feeds in self.steps
        ]


def _named(op: Operator) -> Iterable[str]:
    """The names of unknowns in a record."""
    for key in unknowns_in(op):
        value = getattr(op, key)
        yield from (
            v.name for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Unknown) and v.name
        )


def _shared(op: Operator, part: str, taken: set[str]) -> Operator:
    """A record whose unknowns have names made of the part's."""
    changes: dict[str, Any] = {}
    for key in unknowns_in(op):
        value = getattr(op, key)
        base = f"{part.replace('.', '_')}_{key}"
        while base in taken:
            base += "_"
        if isinstance(value, tuple):
            changes[key] = tuple(_with_name(entry, f"{base}_{i}") for i, entry in enumerate(value))
        else:
            changes[key] = _with_name(value, base)
    return replace(op, **changes) if changes else op


def _with_name(value: Any, name: str) -> Any:
    return replace(value, name=name) if isinstance(value, Unknown) and value.name is None else value


def input_name(parameter: str, count: int) -> str:
    """The name of an input: `input` where it is the only one."""
    return "input" if count == 1 else layer_name(parameter)


def opaque_of(shape: Sequence[int]) -> Operator:
    """A layer of which only the output's shape is known."""
    given: dict[str, Any] = {"out": tuple(shape) if len(shape) > 1 else shape[0]}
    return OPERATORS["opaque"](**given)


def sized(op: Operator, sizes: Shape, output_size: Any) -> Operator:
    """A transposed convolution or unpool that is told the size of its output when it is called."""
    wanted = [known(size) for size in output_size][-op.axes :]
    if None in wanted:
        raise RefusedError("the output_size of a call is not known while arguments before it are", WAY_ON)
    if "output_size" in op.arguments:
        return changed(op, "output_size", wanted)
    least = Sizing(changed(op, "output_padding", 0)).shape([sizes])
    numbers = [known(size) for size in (least or ())[1:]]
    if None in numbers or len(numbers) != len(wanted):
        raise RefusedError("the output_size of a call is not known while arguments before it are", WAY_ON)
    more = [max(0, a - b) for a, b in zip(wanted, numbers, strict=True) if a is not None and b is not None]
    return changed(op, "output_padding", more)


@contextmanager
def as_in_eval(module: nn.Module) -> Iterator[None]:
    """The module as eval() has it, and afterwards as it was."""
    modes = [(part, part.training) for part in module.modules()]
    for part, _ in modes:
        part.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode
