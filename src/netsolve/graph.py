"""The torch module of a network that is no chain."""

from typing import Any

from torch import Tensor, nn


class Graph(nn.Module):
    """A network that is no chain: modules by their layers' names, run in order, each fed by the layers it names.

    Dots in names become nesting. Where torch has an attribute of its own under a part of a name ("half", "type"), the
    part gets an underscore; `part` finds a layer's module in any case.
    """

    def __init__(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        """Note what goes in and out, by name; one output is returned as a tensor, several as a dictionary."""
        super().__init__()
        self._takes, self._gives = inputs, outputs
        self._steps: dict[str, tuple[str, tuple[str, ...]]] = {}

    def place(self, name: str, module: nn.Module, feeds: tuple[str, ...]) -> None:
        """Add a layer. A layer whose name goes on from another's is nested in that one."""
        home: nn.Module = self
        path: list[str] = []
        *parents, own = name.split(".")
        for part in parents:
            path.append(free(home, part))
            if path[-1] not in home._modules:  # noqa: SLF001 - add_module is public, asking for a child is not
                home.add_module(path[-1], Nest())
            home = home.get_submodule(path[-1])
        path.append(free(home, own))
        inner = home._modules.get(path[-1])  # noqa: SLF001 - where torch keeps a module's parts
        home.add_module(path[-1], module)
        for key, child in inner.named_children() if inner is not None else ():
            other = free(module, key)
            module.add_module(other, child)
            self._moved(".".join([*path, key]), ".".join([*path, other]))
        self._steps[name] = ".".join(path), feeds

    def _moved(self, old: str, new: str) -> None:
        """Note that modules have got another path."""
        for name, (path, feeds) in self._steps.items():
            if old != new and f"{path}.".startswith(f"{old}."):
                self._steps[name] = new + path[len(old) :], feeds

    def part(self, name: str) -> nn.Module:
        """The module of a layer."""
        return self.get_submodule(self._steps[name][0])

    def forward(self, *inputs: Tensor) -> Any:
        """The outputs for inputs in the order in which the document has them."""
        values = dict(zip(self._takes, inputs, strict=True))
        for name, (path, feeds) in self._steps.items():
            values[name] = self.get_submodule(path)(*(values[feed] for feed in feeds))
        found = {name: values[name] for name in self._gives}
        return found if len(found) > 1 else found.popitem()[1]

    def __repr__(self) -> str:
        """A line for each layer in the order in which they run, with what feeds it where that is not the one above."""
        lines, above = [], self._takes[0] if len(self._takes) == 1 else ""
        for name, (path, feeds) in self._steps.items():
            module = self.get_submodule(path)
            title = f"({name}): {type(module).__name__}({module.extra_repr()})"
            lines.append(title if feeds == (above,) else f"{title} <- {', '.join(feeds)}")
            above = name
        body = "\n  ".join([f"{', '.join(self._takes)} -> {', '.join(self._gives)}", *lines])
        return f"Graph(\n  {body}\n)"


class Nest(nn.Module):
    """What layers whose names begin alike stand in; it does nothing by itself."""


def free(home: nn.Module, name: str) -> str:
    """A name that torch lets a child have: that of a child, or one under which the module has nothing else."""
    while name not in home._modules and hasattr(home, name):  # noqa: SLF001 - where torch keeps a module's parts
        name += "_"
    return name
