"""Every layer that torch.nn has is declared, or left out for a reason."""

import pytest
from torch import nn

from netsolve.ops import OPERATORS

CONTAINER = "holds other modules; a document's layers, blocks and repetitions do that"
LOSS = "compares an output with a target: no layer of a network"
CELL = "one step of a recurrence, to be called in a loop"
BASE = "a base class"
DISTANCE = "a distance between two tensors, one number a row"
STACK = "takes modules or several sequences with masks: its layers are declared one by one"
LEFT_OUT = {
    **dict.fromkeys(
        ["Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"], CONTAINER
    ),
    **dict.fromkeys(["DataParallel"], "runs another module on several devices"),
    **dict.fromkeys(["Module", "RNNBase", "RNNCellBase"], BASE),
    **dict.fromkeys(["GRUCell", "LSTMCell", "RNNCell"], CELL),
    **dict.fromkeys(["CosineSimilarity", "PairwiseDistance"], DISTANCE),
    **dict.fromkeys(["Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder"], STACK),
    "EmbeddingBag": "sums bags that a second input of offsets delimits, across the batch",
    "AdaptiveLogSoftmaxWithLoss": LOSS,
}
CLASSES = sorted(
    name
    for name in dir(nn)
    if isinstance(kind := getattr(nn, name), type) and issubclass(kind, nn.Module) and "Loss" not in name[-6:]
)


@pytest.mark.parametrize("name", CLASSES)
def test_is_declared_or_left_out_for_a_reason(name: str) -> None:
    assert (name in OPERATORS) != bool(LEFT_OUT.get(name))


def test_reasons_are_for_classes_that_there_are() -> None:
    assert [name for name in LEFT_OUT if not hasattr(nn, name)] == []


def test_losses_are_no_layers() -> None:
    assert [name for name in dir(nn) if "Loss" in name[-6:] and name in OPERATORS] == []


def test_lazy_classes_are_the_classes_they_become() -> None:
    lazy = [name for name in dir(nn) if name.startswith("Lazy")]
    assert len(lazy) >= 13
    for name in lazy:
        assert OPERATORS[name].torch_name == getattr(nn, name).cls_to_become.__name__
