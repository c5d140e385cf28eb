"""Tests of netsolve.verify and netsolve.build: torch as the judge."""

from dataclasses import replace

import pytest
import torch

from netsolve import Network, Solution, loads, solve, verify
from netsolve.verification import LayerRun, Verification
from support import conv, document, pool, table

TEXT = document(
    conv(5, name="features.0", padding="?", bias=False),
    table(op="BatchNorm2d", name="features.1"),
    pool(name="features.2", ceil_mode=True),
    table(op="Flatten", name="head.flat"),
    table(op="Linear", out_features=7),
    input=[3, 9, 7],
    constraints=["features[0].padding == 2"],
)


@pytest.fixture(name="best")
def _best() -> Solution:
    best = solve(loads(TEXT)).best
    assert best is not None
    return best


def run(network: Network, shapes: dict[str, tuple[int, ...]]) -> Verification:
    return verify.verify(network, shapes)


def test_torch_agrees_layer_by_layer(best: Solution) -> None:
    found = best.verify()
    assert found.verified is True
    assert (found.device, found.reason, found.mismatch) == ("cpu", "", None)
    assert [(layer.layer, layer.measured) for layer in found.layers] == [
        ("features.0", (4, 9, 7)),
        ("features.1", (4, 9, 7)),
        ("features.2", (4, 5, 4)),
        ("head.flat", (80,)),
        ("linear_1", (7,)),
    ]
    assert found.parameters == 4 * 3 * 25 + 2 * 4 + 80 * 7 + 7


def test_the_module_that_is_built_is_the_network(best: Solution) -> None:
    model = best.build()
    names = {name for name, module in model.named_modules() if not list(module.children())}
    assert names == {"features.0", "features.1", "features.2", "head.flat", "linear_1"}
    assert model.get_submodule("features.0").padding == (2, 2)
    assert model.get_submodule("linear_1").in_features == 80
    model.eval()
    assert model(torch.zeros(3, 3, 9, 7)).shape == (3, 7)
    assert all(parameter.device.type == "cpu" for parameter in model.parameters())


def test_a_wrong_shape_is_found_with_both_shapes(best: Solution) -> None:
    found = run(best.network, {**best.shapes, "features.2": (4, 4, 4)})
    assert found.verified is False
    assert found.mismatch == LayerRun("features.2", (4, 4, 4), (4, 5, 4))


def test_a_layer_that_torch_refuses_is_found_with_its_reason(best: Solution) -> None:
    found = run(best.network, {**best.shapes, "head.flat": (81,)})
    assert found.verified is False
    assert found.mismatch is not None
    assert (found.mismatch.layer, found.mismatch.predicted) == ("head.flat", (81,))
    broken = run(best.network, {**best.shapes, "features.0": (5, 9, 7)})
    assert broken.mismatch == LayerRun("features.0", (5, 9, 7), (4, 9, 7))
    refused = replace(broken, layers=tuple(layer for layer in broken.layers if layer.measured is None))
    assert refused.mismatch is not None
    assert refused.mismatch.layer == "features.1"
    assert refused.mismatch.error == "running_mean should contain 4 elements not 5"


def test_without_the_memory_torch_only_works_out_the_shapes(best: Solution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "memory_available", lambda: 1024)
    found = best.verify()
    assert found.verified is None
    assert (found.device, found.mismatch) == ("meta", None)
    assert [layer.agrees for layer in found.layers] == [True] * 5
    assert found.reason == "the run would take 0.0 GiB of memory, and 0.0 GiB are free"
    wrong = run(best.network, {**best.shapes, "features.2": (4, 4, 4)})
    assert wrong.verified is False


def test_the_memory_that_is_needed_covers_weights_and_tensors() -> None:
    text = document(conv(1, out_channels=1024, bias=False), input=[1024, 512, 512])
    network = loads(text)
    shapes = {"input": (1024, 512, 512), "conv2d_1": (1024, 512, 512)}
    assert verify.memory_needed(network, shapes) >= 4 * (1024 * 1024 + 2 * 2 * 1024 * 512 * 512)
    assert verify.memory_available() > 2**20


def test_a_network_without_layers_agrees_with_everything() -> None:
    assert run(Network({"input": (3, 8, 8)}, ()), {"input": (3, 8, 8)}) == Verification((), 0)


@pytest.mark.parametrize(
    "text",
    [
        document(table(op="ReLU"), input=[2**31 - 1] * 3),
        document(table(op="ReLU"), input=[2**31 - 1] * 8),
        document(table(op="LSTM", hidden_size=2**31 - 1), input=[5, 3]),
        document(table(op="Linear", out_features=2**31 - 1), input=[2**31 - 1]),
        document(table(op="Flatten"), table(op="Linear", out_features=2**31 - 1), input=[2**20] * 2),
    ],
)
def test_what_overflows_torch_is_no_disagreement(text: str) -> None:
    solution = solve(loads(text)).best
    assert solution is not None
    found = solution.verify()
    assert (found.verified, found.device, found.mismatch) == (None, "meta", None)
    assert found.reason.endswith(" is too large for torch")


def test_memory_that_runs_out_is_no_disagreement(best: Solution, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        msg = (
            "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        )
        raise RuntimeError(msg)

    monkeypatch.setattr(torch.nn.Flatten, "forward", full)
    found = best.verify()
    assert found.verified is None
    assert found.reason == "the layer head.flat is too large for torch"
    assert [layer.layer for layer in found.layers] == ["features.0", "features.1", "features.2"]


def test_every_layer_of_a_recurrent_network_is_counted_in_memory() -> None:
    network = loads(document(table(op="LSTM", hidden_size=1024, num_layers=128), input=[5, 3]))
    shapes = {"input": (5, 3), "lstm_1": (5, 1024)}
    assert verify.memory_needed(network, shapes) > 4 * 127 * 8 * 1024 * 1024


def test_a_run_that_would_take_too_long_is_done_on_the_meta_device() -> None:
    best = solve(loads(document(conv(11, padding="?", out_channels=256, out=[600, 600]), input=(256, 600, 600)))).best
    assert best is not None
    found = best.verify(seconds=5)
    # 256 * 256 * 11 * 11 weights and 256 biases, for each of 600 * 600 places of two samples
    assert found.reason == "the run would take about 5,709,681 million multiplications"
    assert (found.verified, found.device, found.mismatch) == (None, "meta", None)


def test_a_run_that_takes_too_long_goes_on_on_the_meta_device() -> None:
    """A pool multiplies nothing, so only the clock can tell."""
    best = solve(loads(document(*[pool(3, stride=1, padding="?", out=[32, 32])] * 3, input=(3, 32, 32)))).best
    assert best is not None
    found = best.verify(seconds=1e-9)
    assert found.reason == "the run would take more than 1e-09 s"
    assert [layer.measured for layer in found.layers] == [(3, 32, 32)] * 3
    assert found.verified is None
