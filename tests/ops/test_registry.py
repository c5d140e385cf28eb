"""What a registration must state, and that it fails at once where a part is missing."""

import pickle
import sys
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pytest
from grid import NAMES, QUIET, made, outcomes

import netsolve.ops
from netsolve import load
from netsolve.ops import OPERATORS
from netsolve.ops.arguments import Asked, Window
from netsolve.ops.base import Law, Operator, Rule, Shape, Spatial, Trace, register

pytestmark = QUIET
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))
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

    from netsolve import modules  # noqa: PLC0415 - only this test needs torch

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


def copies(value: Any) -> list[Any]:
    return [pickle.loads(pickle.dumps(value)), deepcopy(value)]  # noqa: S301 - it has just been made


@pytest.mark.parametrize("name", OPERATORS)
def test_records_are_pickled_and_copied(name: str) -> None:
    kind = OPERATORS[name]
    assert getattr(sys.modules[kind.__module__], kind.__qualname__) is kind
    case = next(found.case for found in outcomes(kind.torch_name) if found.netsolve is not None)
    record = case.operator()
    for copied in copies(record):
        assert type(copied) is kind
        assert copied == record
        assert vars(copied) == vars(record)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_networks_are_pickled_and_copied(file: Path) -> None:
    network = load(file)
    assert network.line(("layers", 0)) is not None
    for copied in copies(network):
        assert copied == network
        assert copied.line(("layers", 0)) == network.line(("layers", 0))
        assert copied.source.text == network.source.text  # type: ignore[union-attr]  # it was read from a document


def test_every_module_of_the_package_is_imported() -> None:
    folder = Path(netsolve.ops.__file__).parent
    assert {f"netsolve.ops.{file.stem}" for file in folder.glob("[!_]*.py")} <= sys.modules.keys()
