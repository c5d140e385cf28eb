"""Torch modules as networks: traced, written, solved, and the values put back; every shape against torch's own."""

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name that everyone gives it

import netsolve
from netsolve import DocumentError, UsageError, parts
from netsolve.composing import compose
from netsolve.importers.targets import literals, module_at
from netsolve.verify import verify

HERE = str(Path(__file__))
DECIDED = (
    "what the code does next depends on the numbers in a tensor (take that decision out of forward, or state that part "
    "as opaque, with the shape of its output)"
)
WALKED = "the code goes through the samples of a batch one by one (use split, chunk or unbind along another dimension)"
NO_LITERALS = (
    '--args: "print()" is not a list of arguments (numbers, texts, True, None, tuples, lists and dictionaries: '
    "--args '10, width=64')"
)


class Residual(nn.Module):
    def __init__(self, channels: int = 8, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.down = nn.Conv2d(channels, channels, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.relu(self.bn1(self.conv1(x))))
        y += self.down(x)
        found: Tensor = self.relu(y)
        return found


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.leave = nn.Conv2d(24, 2, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        skip = F.relu(self.enter(x))
        deep = self.deep(F.max_pool2d(skip, 2))
        up = F.interpolate(deep, size=skip.shape[2:], mode="bilinear", align_corners=False)
        rough = F.interpolate(deep, scale_factor=2)
        dy, dx = skip.size(2) - rough.size(2), skip.size(3) - rough.size(3)
        rough = F.pad(rough, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.leave(torch.cat([skip, up], dim=1)), rough


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList([nn.Conv2d(8, 4, k, padding=k // 2) for k in (1, 3, 5)])

    def forward(self, x: Tensor) -> Tensor:
        pooled = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        found = torch.cat([branch(x) for branch in self.branches] + [pooled], 1)
        return F.avg_pool2d(found, found.size()[2:]).view(-1, 20)


class Shuffle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.size()
        x = self.conv(x).view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
        left, right = x.view(batch, -1, height, width).chunk(2, dim=1)
        weight = self.gate(left.mean([2, 3])).sigmoid().view(batch, 4, 1, 1)
        found: Tensor = left * weight.expand_as(left) + right[:, :, 1:-1, ::2].mean((2, 3), keepdim=True)
        return found


class LeNet(nn.Module):
    def __init__(self, padding: Any = 0) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=padding), nn.Conv2d(6, 16, 5)
        self.fc = nn.Linear(400, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(self.conv2(x).tanh(), (2, 2))
        found: Tensor = self.fc(x.view(x.size(0), -1))
        return found


class Squeezing(nn.Module):
    """A gate of one cell that is added, so that torch stretches it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        found: Tensor = x + self.gate(F.adaptive_avg_pool2d(x, 1))
        return found


class Tokens(nn.Module):
    """Patches of an image and a token that every image gets, as vision transformers have."""

    def __init__(self, given: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.given, self.patch = given, nn.Conv2d(3, 8, 4, stride=4)
        self.token, self.places = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.zeros(1, 17, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 24, 0.2, F.gelu, 1e-6, batch_first=True, norm_first=True, bias=False)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.given(self.token, x), x], dim=1) + self.places
        found: Tensor = self.head(self.encoder(x)[:, 0])
        return found


def discriminator() -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in ((3, 8), (8, 16), (16, 32)):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(32, 1, 4), nn.Sigmoid())


MODULES = [
    (Residual(), (8, 9, 9)),
    (Residual(stride=2), (8, 10, 12)),
    (UNet(), (3, 33, 35)),
    (Inception(), (8, 7, 9)),
    (Shuffle(), (8, 8, 10)),
    (LeNet(), (1, 32, 32)),
    (Squeezing(), (4, 7, 7)),
    (discriminator(), (3, 32, 32)),
]


def results(output: Any) -> list[tuple[int, ...]]:
    return [tuple(x.shape[1:]) for x in (output if isinstance(output, tuple) else (output,))]


def noting(measured: dict[str, tuple[int, ...]], name: str) -> Any:
    def note(_: nn.Module, __: Any, output: Tensor) -> None:
        measured.setdefault(name, tuple(output.shape[1:]))

    return note


@pytest.mark.parametrize(("module", "shape"), MODULES, ids=lambda value: type(value).__name__)
def test_sizes_are_torchs_and_the_document_builds_a_module_with_the_same(module: nn.Module, shape: Any) -> None:
    measured: dict[str, tuple[int, ...]] = {}
    leaves = {path: part for path, part in module.named_modules() if path and not list(part.children())}
    hooks = [part.register_forward_hook(noting(measured, parts.layer_name(path))) for path, part in leaves.items()]
    with torch.no_grad():
        output = module.eval()(torch.zeros(2, *shape))
    for hook in hooks:
        hook.remove()
    network = netsolve.from_module(module, shape)
    check = netsolve.check(network)
    assert check.problem is None
    assert {name: check.shapes[name] for name in measured} == measured
    assert [check.shapes[name] for name in network.results] == results(output)
    assert check.parameters == sum(p.numel() for p in module.parameters())
    again = netsolve.loads(compose(network))
    assert netsolve.check(again).shapes == check.shapes
    assert verify(again, check.shapes).verified


@pytest.mark.parametrize(("module", "shape"), MODULES, ids=lambda value: type(value).__name__)
def test_blanked_paddings_are_solved_put_in_and_run(module: nn.Module, shape: Any) -> None:
    module = copy.deepcopy(module).eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with torch.no_grad():
        wanted = results(module(torch.zeros(2, *shape)))
    end = wanted[0] if len(wanted) == 1 else None
    answer = netsolve.solve_module(module, shape, output=end, unknown="padding")
    assert answer.best is not None
    assert answer.best.apply(module) is module
    with torch.no_grad():
        found = results(module(torch.zeros(2, *shape)))
    assert found == [answer.best.shapes[name] for name in answer.best.network.results]
    assert end is None or found == wanted
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_an_unknown_of_a_layer_is_found_and_put_in() -> None:
    module = LeNet(netsolve.unknown("0..3"))
    answer = netsolve.solve_module(module, (1, 28, 28))
    assert answer.best is not None
    assert (dict(answer.best.values), answer.count) == ({"conv1.padding": 2}, 2)  # 2 and 3: 14 - 4 = 10, 15 - 4 = 11
    answer.best.apply(module)
    assert module.conv1.padding == (2, 2)
    assert module(torch.zeros(3, 1, 28, 28)).shape == (3, 10)


def test_a_kernel_gets_new_weights_and_everything_else_keeps_its_own() -> None:
    module = LeNet()
    kept = module.conv2.weight.detach().clone()
    parts.apply(module, {"conv1.kernel_size": 3, "conv1.padding": 1})
    assert module.conv1.weight.shape == (6, 1, 3, 3)
    assert module.conv1.weight.requires_grad
    assert torch.equal(module.conv2.weight, kept)
    assert module(torch.zeros(1, 1, 28, 28)).shape == (1, 10)


@pytest.mark.parametrize(
    "given",
    [
        lambda token, x: token.expand(x.shape[0], -1, -1),
        lambda token, x: token.repeat(x.size(0), 1, 1),
        lambda token, x: token[0].expand((x.shape[0], 1, 8)),
        lambda token, x: token.expand_as(x[:, :1]),
    ],
)
def test_each_sample_gets_its_copy_of_a_constant(given: Callable[[Tensor, Tensor], Tensor]) -> None:
    module = Tokens(given).eval()
    network = netsolve.from_module(module, (3, 16, 16))
    assert netsolve.check(network).shapes[network.results[0]] == tuple(module(torch.zeros(2, 3, 16, 16)).shape[1:])
    told = {"nhead": 2, "dim_feedforward": 24, "dropout": 0.2, "activation": "gelu", "layer_norm_eps": 1e-6}
    for layer in network.layers:
        if layer.op.torch_name == "TransformerEncoderLayer":
            told |= {"norm_first": True, "bias": False}
            assert {key: getattr(layer.op, key) for key in told} == told
    with pytest.raises(DocumentError, match="nhead of TransformerEncoderLayer cannot be changed in place"):
        parts.apply(module, {"encoder.layers.0.nhead": 4})


def test_a_pad_that_stands_as_something_else_is_told() -> None:
    told = [str(warning) for warning in netsolve.from_module(UNet(), (3, 33, 35)).warnings]
    assert "pad to the size of another tensor stands as Upsample: its sizes are the same, its numbers not" in told[0]
    assert len(told) == 1


def test_a_constant_is_no_batch() -> None:
    module = Tokens(lambda token, x: token.repeat(1, x.shape[0], 1))
    with pytest.raises(DocumentError, match="the code needs the number of samples as a number"):
        netsolve.from_module(module, (3, 16, 16))


def test_tracing_leaves_the_module_and_torch_as_they_were() -> None:
    module, functions = LeNet(), (F.avg_pool2d, torch.reshape, torch.zeros, torch.autograd.Function.apply)
    module.conv2.eval()
    netsolve.from_module(module, (1, 32, 32))
    assert (module.training, module.conv1.training, module.conv2.training) == (True, True, False)
    assert functions == (F.avg_pool2d, torch.reshape, torch.zeros, torch.autograd.Function.apply)
    assert "expand" not in vars(Tensor)
    assert "isinstance" not in globals()


def test_a_part_that_is_called_twice_has_one_unknown() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.conv(self.conv(x))
            return found

    module = Twice()
    answer = netsolve.solve_module(module, (4, 9, 9), output=(4, 9, 9), unknown="padding")
    assert answer.best is not None
    assert dict(answer.best.values) == {"conv.padding": 1, "conv__2.padding": 1}
    assert answer.count == 1
    assert answer.best.apply(module)(torch.zeros(1, 4, 9, 9)).shape == (1, 4, 9, 9)
    with pytest.raises(DocumentError) as caught:
        parts.apply(module, {"conv.padding": 0, "conv__2.padding": 1})
    assert str(caught.value) == (
        "conv__2.padding: conv is called several times, and would need padding = 0 and 1 "
        "(give each call a part of its own)"
    )


class Decides(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        if x[:, 0] > 0:
            return x + 1
        return x


class Samples(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([F.relu(sample) for sample in x])


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        del x
        message = "not today"
        raise LookupError(message)


def test_what_cannot_be_followed_is_refused_with_its_line() -> None:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    for module, code, text in (
        (
            Decides(),
            "        if x[:, 0] > 0:",
            DECIDED,
        ),
        (
            Samples(),
            "        return torch.stack([F.relu(sample) for sample in x])",
            WALKED,
        ),
        (
            Raises(),
            "        raise LookupError(message)",
            "the code raises LookupError: not today (state that part as opaque, with the shape of its output)",
        ),
    ):
        with pytest.raises(DocumentError) as caught:
            netsolve.from_module(module, (3, 8, 8))
        assert str(caught.value) == f"{HERE}:{lines.index(code) + 1}: {text}"


def test_an_opaque_part_is_not_looked_into() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), Decides())
    network = netsolve.from_module(module, (3, 8, 8), opaque={"1": (4, 6, 6)})
    assert netsolve.check(network).shapes["_1"] == (4, 6, 6)


def test_a_network_that_does_not_fit_says_where() -> None:
    problem = netsolve.check(netsolve.from_module(LeNet(), (1, 28, 28))).problem
    assert str(problem) == "fc: in_features is 400, and the input implies 256"


def test_nothing_is_computed_with_an_unknown() -> None:
    unknown = netsolve.unknown("p: 0..3")
    assert repr(nn.Conv2d(3, 4, 3, padding=unknown).padding[0]) == "netsolve.unknown('p: 0..3')"
    assert copy.deepcopy(unknown).unknown == unknown.unknown
    uses: list[Callable[[], Any]] = [
        lambda: unknown // 2,
        lambda: unknown == 1,
        lambda: 3 - unknown,
        lambda: bool(unknown),
    ]
    for use in uses:
        with pytest.raises(UsageError, match="an unknown has no value yet"):
            use()
    with pytest.raises(UsageError) as caught:
        netsolve.unknown("3..0")
    assert str(caught.value) == "unknown('3..0'): the range 3..0 is empty: write 0..3"


def test_arguments_that_are_not_taken() -> None:
    for given, text in (
        ({"input": (1, 0)}, "input: a shape without batch is expected, such as (3, 96, 96), not (1, 0)"),
        ({"input": {"y": (1, 8, 8)}}, 'input: forward has no parameter "y"; it takes x'),
        (
            {"input": (1, 8, 8), "unknown": "paddin"},
            'unknown: no window has an argument "paddin"; did you mean padding or output_padding?',
        ),
        ({"input": (1, 8, 8), "opaque": {"fcc": (3,)}}, "opaque: the module has no part fcc; did you mean fc?"),
        ({"input": (1, 28, 28), "unknown": "fcc.padding"}, "unknown: the module has no fcc.padding"),
    ):
        with pytest.raises(UsageError) as caught:
            netsolve.from_module(LeNet(), **cast("dict[str, Any]", given))
        assert str(caught.value) == text


def test_targets() -> None:
    assert isinstance(module_at(f"{HERE}:LeNet", "padding=2"), nn.Module)
    assert literals("1, (2, 3), a='x'") == ([1, (2, 3)], {"a": "x"})
    for target, arguments, text in (
        ("LeNet", "", '"LeNet" does not say which class or function is meant (write MODULE:NAME, such as net.py:Net)'),
        ("none.py:LeNet", "", "none.py: there is no such file"),
        (f"{HERE}:LeNett", "", f"{HERE}: there is no LeNett (did you mean LeNet or UNet?)"),
        (
            f"{HERE}:LeNet", "print()",
            NO_LITERALS,
        ),
    ):  # fmt: skip
        with pytest.raises(DocumentError) as caught:
            module_at(target, arguments)
        assert str(caught.value) == text


def test_a_module_that_does_not_fit_is_repaired() -> None:
    module = LeNet()
    with pytest.raises(RuntimeError):
        module(torch.zeros(2, 1, 28, 28))
    weight = module.conv2.weight
    found = netsolve.repair(module, input=(1, 28, 28))
    assert [dict(change.set) for change in found.changes][:2] == [{"fc.in_features": 256}, {"conv1.padding": 2}]
    assert not any("max_pool2d" in key or key == "input" for change in found.changes for key in change.set)
    for change in found.changes:
        repaired = change.apply(copy.deepcopy(module))
        assert repaired(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    found.changes[1].apply(module)
    assert module.conv1.padding == (2, 2)
    assert module.conv2.weight is weight


def test_what_repair_takes() -> None:
    network = netsolve.from_module(LeNet(), (1, 32, 32))
    assert netsolve.repair(network).works
    assert netsolve.repair(LeNet(), input=(1, 32, 32)).works
    for given, text in (
        ((LeNet(), None), "repair of a torch module takes its input: repair(module, input=(3, 96, 96))"),
        ((network, (1, 32, 32)), "input, output and opaque are for torch modules; a Network has its own"),
    ):
        with pytest.raises(UsageError) as caught:
            netsolve.repair(given[0], input=given[1])
        assert str(caught.value) == text


@pytest.mark.deep
def test_models_of_a_public_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pytorchcv")
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    from modules import rows  # noqa: PLC0415 - a script, found by the line above

    done = list(rows(100))
    agree = sum(row.sizes == "yes" and row.again == "yes" for row in done)
    assert agree + sum(bool(row.refused) for row in done) == len(done)
    assert agree >= 0.95 * len(done)
    assert not [row for row in done if row.run not in {"", "yes"} and not row.run.startswith("refused: ")]


def test_a_batch_in_the_input_of_a_module_is_suspected() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    what = "Conv2d takes channels and 2 spatial sizes, and gets 4 sizes (channels and 3 spatial)"
    with pytest.raises(DocumentError, match=re.escape(f"{what}; is the batch in it, which is never given?")):
        netsolve.from_module(module, (1, 3, 8, 8))
    with pytest.raises(DocumentError) as found:  # a wrong rank without a batch
        netsolve.from_module(module, (3, 8))
    assert "batch" not in str(found.value)
