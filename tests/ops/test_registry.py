"""What a registration must state, and that it fails at once where a part is missing."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import pytest
from grid import NAMES, made

from netsolve.ops import OPERATORS
from netsolve.ops.arguments import Asked, Window
from netsolve.ops.base import Law, Operator, Rule, Shape, Spatial, Trace, register

SAME = (Law("n", lambda n: n),)


@pytest.fixture(autouse=True)
def _registry_stays_as_it_is() -> Any:
    before = dict(OPERATORS)
    yield
    OPERATORS.clear()
    OPERATORS.update(before)


def test_an_argument_without_a_kind() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Bare(Operator):
        """A layer."""

        width: int = 1

    with pytest.raises(TypeError, match=r"^Bare\.width is not declared as an argument$"):
        register(Bare)


def test_a_rule_on_an_argument_that_is_not_there() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Misspelt(Operator):
        """A layer."""

        width: Annotated[Any, Asked()] = 1

        rules = (Rule("width is odd", lambda widht: widht % 2 == 1),)

    with pytest.raises(TypeError, match=r"^Misspelt: a formula names \['widht'\], which is no argument$"):
        register(Misspelt)


def test_a_case_that_is_not_there() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Cased(Spatial):
        """A layer."""

        axes = 1
        laws = SAME
        cases = frozenset({"stride"})

    with pytest.raises(TypeError, match=r"^Cased: a formula names \['stride'\], which is no argument$"):
        register(Cased)


def test_no_law() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Lawless(Spatial):
        """A layer."""

        axes = 2
        laws = ()

    with pytest.raises(TypeError, match=r"^Lawless states no number of axes or no law for its size$"):
        register(Lawless)


def test_no_number_of_axes() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Flat(Spatial):
        """A layer."""

        laws = SAME

    with pytest.raises(TypeError, match=r"^Flat states no number of axes or no law for its size$"):
        register(Flat)


def test_no_shape() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Shapeless(Operator):
        """A layer."""

    with pytest.raises(TypeError, match=r"^Shapeless does not say the shape of its output$"):
        register(Shapeless)


def test_no_docstring() -> None:
    class Silent(Operator):
        def pose(self, trace: Trace, x: Shape) -> Shape:
            del trace
            return x

    Silent.__doc__ = None
    with pytest.raises(TypeError, match=r"^Silent has no docstring$"):
        register(dataclass(frozen=True, kw_only=True)(Silent))


def test_a_name_that_is_taken() -> None:
    class ReLU(Operator):
        """A layer."""

        def pose(self, trace: Trace, x: Shape) -> Shape:
            del trace
            return x

    with pytest.raises(TypeError, match=r"^ReLU is declared twice$"):
        register(dataclass(frozen=True, kw_only=True)(ReLU))


def test_a_class_that_torch_does_not_have() -> None:
    from torch import nn  # noqa: PLC0415 - only this test asks torch

    from netsolve import modules  # noqa: PLC0415

    for name, kind in OPERATORS.items():
        assert hasattr(modules, kind.builder) if kind.builder else hasattr(nn, name), name


@pytest.mark.parametrize("name", NAMES)
def test_default_values_are_read_as_they_stand(name: str) -> None:
    kind = OPERATORS[name]
    for key, argument in kind.arguments.items():
        default = kind.__dataclass_fields__[key].default
        if isinstance(default, int | float | str) and not isinstance(argument, Window):
            assert argument.read(default, kind.axes) == default, key


def test_records_are_plain_data() -> None:
    layer = made("Conv2d", out_channels=8, kernel_size=3)
    assert replace(layer, stride=2) == made("Conv2d", out_channels=8, kernel_size=3, stride=2)
    with pytest.raises(AttributeError):
        layer.stride = 2
