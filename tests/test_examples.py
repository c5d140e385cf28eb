"""The examples and the README: what a newcomer runs first."""

import re
from functools import cache
from pathlib import Path

import pytest

from netsolve import Solution, check, load, solve

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))


@cache
def best(name: str) -> Solution:
    """The answer to an example."""
    found = solve(load(ROOT / "examples" / f"{name}.toml")).best
    assert found is not None
    return found


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES])
def test_an_example_is_solved_proved_and_run(name: str) -> None:
    solution = best(name)
    assert solution.prove() is True
    run = solution.verify()
    assert run.mismatch is None
    assert run.verified is True


PARAMETERS = {
    "resnet50": 25_557_032,
    "densenet121": 7_978_856,
    "googlenet": 6_624_904,
    "inception_v3": 23_834_568,
    "mobilenet_v2": 3_504_872,
}
"""As torchvision states them for its models, those of Inception and GoogLeNet without auxiliary classifiers."""


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_example_has_as_many_parameters_as_the_known_model(name: str) -> None:
    solution = best(name)
    assert check(solution.network).parameters == PARAMETERS[name]


def test_resnet_50_fits_into_thirty_lines_and_has_the_paddings_of_its_authors() -> None:
    assert (ROOT / "examples" / "resnet50.toml").read_text(encoding="utf-8").count("\n") < 30
    solution = best("resnet50")
    kernels = {"conv1.conv2d_1.padding": 3, "maxpool2d_1.padding": 1}
    middle = {key: 1 for key in solution.values if ".unit_2." in key}
    others = {key: 0 for key in solution.values if ".unit_1." in key}
    assert len(middle) == len(others) == 16
    assert dict(solution.values) == kernels | middle | others


def test_the_valid_u_net_pads_nowhere_and_the_padded_one_everywhere() -> None:
    assert set(paddings("unet_valid")) == {0}
    padded = best("unet_padded").values
    assert {value for key, value in padded.items() if ".conv2d_" in key} == {1}
    assert {value for key, value in padded.items() if key.startswith("maxpool2d_")} == {0}


def test_pix2pix_and_hifigan_keep_exact_multiples() -> None:
    pairs = zip(
        paddings("pix2pix")[8:], [v for k, v in best("pix2pix").values.items() if "output_padding" in k], strict=True
    )
    assert set(pairs) == {(1, 0)}
    ups = {
        f"up{i}.up.padding": (kernel - stride) // 2
        for i, (kernel, stride) in enumerate([(16, 8), (16, 8), (4, 2), (4, 2)], 1)
    }
    assert {key: value for key, value in best("hifigan").values.items() if key in ups} == ups


def test_ssd_rounds_up_at_its_third_pool_and_dilates_with_as_much_padding() -> None:
    values = best("ssd300").values
    assert values["maxpool2d_3.ceil_mode"] is True
    assert values["fc6.padding"] == 6


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 20


def paddings(name: str) -> list[int]:
    """The paddings that were found, in the order of the layers."""
    return [value for key, value in best(name).values.items() if key.endswith(".padding")]


@pytest.mark.parametrize("name", ["netd", "netd_fc", "netd_sizes"])
def test_netd(name: str) -> None:
    kernels = [3, 4] * 4
    channels = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    convolutions = sum(i * o * k * k for i, o, k in zip(channels, channels[1:], kernels, strict=False))
    norms = 2 * sum(channels[2:])
    linear = (512 * 6 * 6 + 1) * 1024 + (1024 + 1)
    assert convolutions + norms + linear == 26_000_705
    assert best(name).verify().parameters == 26_000_705
    assert best(name).shapes["leakyrelu_8"] == (512, 6, 6)


def test_netd_with_all_sizes_has_the_authors_paddings_and_no_others() -> None:
    assert paddings("netd_sizes") == [1] * 8
    sizes = [96, 96, 48, 48, 24, 24, 12, 12, 6]
    for before, after, kernel in zip(sizes, sizes[1:], [3, 4] * 4, strict=False):
        fitting = [p for p in range(kernel) if (before + 2 * p - kernel) // (kernel - 2) + 1 == after]
        assert fitting == [1]


def test_vgg_has_the_authors_paddings() -> None:
    assert paddings("vgg16") == [1] * 13


def test_dqn() -> None:
    first, *others = paddings("dqn")
    assert first in {0, 1}
    assert others == [0, 0]


def test_lenet_has_the_kernel_and_padding_of_the_usual_version() -> None:
    assert dict(best("lenet5").values) == {"c1.kernel_size": 5, "c1.padding": 2, "c3.padding": 0}


def test_the_dcgan_discriminator_pads_by_one_but_at_its_end() -> None:
    assert paddings("dcgan_d") == [1, 1, 1, 1, 0]
    assert dict(best("dcgan_d").unknowns) == {"p": 1}


def test_the_readme_has_two_commands_one_to_use_it_and_one_to_test_it() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    assert [block.count("\n") for block in blocks] == [1, 1]
    assert "netsolve solve examples/netd.toml" in blocks[0]
    assert "pytest" in blocks[1]
