"""Tests of blocks and repetitions: names, what feeds what, every mistake in full, and what is written back."""

from typing import Any

import pytest

from netsolve import DocumentError, Network, loads, solve
from netsolve.document import write
from support import complaints, conv, document, table

RELU = table(op="ReLU")
USES_ITSELF = "`repeat` applies a block several times"


def named(network: Network) -> list[tuple[str, tuple[str, ...]]]:
    """Each layer with what feeds it."""
    return [(layer.name, layer.inputs) for layer in network.layers]


def repeat(times: Any, *layers: str, **more: Any) -> str:
    """A repetition."""
    keys = "".join(f"{key} = {value!r}, ".replace("'", '"') for key, value in more.items())
    return f"{{ {keys}repeat = {times}, layers = [ {', '.join(layers)} ] }}"


def block(name: str, *layers: str, arguments: tuple[str, ...] = ()) -> str:
    """A block, in three lines."""
    names = ", ".join(f'"{argument}"' for argument in arguments)
    return f"[blocks.{name}]\narguments = [{names}]\nlayers = [ {', '.join(layers)} ]\n"


def test_a_named_repetition() -> None:
    text = document(conv(), repeat(2, conv(padding=1), RELU, name="stage1"), conv())
    assert named(loads(text)) == [
        ("conv2d_1", ("input",)),
        ("stage1.0.conv2d_2", ("conv2d_1",)),
        ("stage1.0.relu_1", ("stage1.0.conv2d_2",)),
        ("stage1.1.conv2d_2", ("stage1.0.relu_1",)),
        ("stage1.1.relu_1", ("stage1.1.conv2d_2",)),
        ("conv2d_3", ("stage1.1.relu_1",)),
    ]


def test_repetitions_without_names_and_one_in_another() -> None:
    text = document(repeat(2, conv(1), repeat(2, RELU)), conv(1))
    assert named(loads(text)) == [
        ("conv2d_1.0", ("input",)),
        ("relu_1.0.0", ("conv2d_1.0",)),
        ("relu_1.0.1", ("relu_1.0.0",)),
        ("conv2d_1.1", ("relu_1.0.1",)),
        ("relu_1.1.0", ("conv2d_1.1",)),
        ("relu_1.1.1", ("relu_1.1.0",)),
        ("conv2d_2", ("relu_1.1.1",)),
    ]


def test_a_named_repetition_in_one_without_and_the_other_way_round() -> None:
    text = document(repeat(2, repeat(1, RELU, name="s")), repeat(1, repeat(2, RELU), name="t"))
    assert [name for name, _ in named(loads(text))] == ["s.0.0.relu_1", "s.1.0.relu_1", "t.0.relu_2.0", "t.0.relu_2.1"]


def test_a_given_name_uses_up_no_number_in_a_repetition_either() -> None:
    text = document(repeat(1, conv(1, name="c"), conv(1)), conv(1))
    assert [layer.name for layer in loads(text).layers] == ["c.0", "conv2d_1.0", "conv2d_2"]


def test_input_in_a_body_is_what_feeds_it() -> None:
    join = '{ op = "add", from = ["conv2d_1", "input"] }'
    text = document(RELU, repeat(2, conv(padding=1, out_channels=3), join, name="s"))
    assert dict(named(loads(text)))["s.0.add_1"] == ("s.0.conv2d_1", "relu_1")
    assert dict(named(loads(text)))["s.1.add_1"] == ("s.1.conv2d_1", "s.0.add_1")


def test_names_are_looked_up_from_the_inside_out() -> None:
    outer = table(op="add", **{"from": ["conv2d_1", "near"]})
    text = document(conv(1, out_channels=3, name="near"), repeat(1, conv(1, out_channels=3), outer, name="s"))
    assert dict(named(loads(text)))["s.0.add_1"] == ("s.0.conv2d_1", "near")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("s", "s.1.relu_1"),
        ("s.0", "s.0.relu_1"),
        ("s.0.conv2d_1", "s.0.conv2d_1"),
        ("u.0", "u.0"),
        ("b", "b.relu_1"),
        ("c", "c.1.relu_1"),
        ("c.0", "c.0.relu_1"),
        ("c.0.relu_1", "c.0.relu_1"),
        ("late", "late.0.u"),
    ],
)
def test_from_names_a_repetition_a_block_or_a_layer_in_them_also_ahead(source: str, found: str) -> None:
    layers = [
        repeat(2, conv(1), RELU, name="s"),
        repeat(1, table(op="ReLU", name="u")),
        table(block="b", name="b"),
        table(block="b", name="c", repeat=2),
        table(op="Tanh", **{"from": source}),
        repeat(1, table(op="ReLU", name="u"), name="late", **{"from": "b"}),
    ]
    network = loads(document(*layers) + block("b", RELU))
    assert dict(named(network))["tanh_1"] == (found,)


def test_names_of_an_inner_repetition_in_the_body_around_it() -> None:
    inner = repeat(2, table(op="ReLU", name="x"))
    text = document(repeat(2, inner, table(op="Tanh", **{"from": "x.0"}), name="s"))
    assert dict(named(loads(text)))["s.1.tanh_1"] == ("s.1.x.0",)


def test_a_block_with_arguments_used_in_another() -> None:
    inner = block(
        "unit", conv("k", out_channels="width", padding="p"), table(op="act"), arguments=("k", "width", "p", "act")
    )
    outer = block("pair", table(block="unit", k=1, width="width", p=0, act="ReLU", repeat="times"),
                  table(block="unit", name="last", k=3, width="width", p="?", act="Tanh"),
                  arguments=("width", "times"))  # fmt: skip
    network = loads(document(table(block="pair", name="a", width=5, times=2)) + inner + outer)
    assert [layer.name for layer in network.layers] == [
        "a.unit_1.0.conv2d_1", "a.unit_1.0.act_1", "a.unit_1.1.conv2d_1", "a.unit_1.1.act_1",
        "a.last.conv2d_1", "a.last.act_1",
    ]  # fmt: skip
    assert [layer.op.torch_name for layer in network.layers[1::2]] == ["ReLU", "ReLU", "Tanh"]
    solution = solve(network).best
    assert solution is not None
    assert list(solution.values) == ["a.last.conv2d_1.padding"]
    assert solution.shapes["a.unit_1.1.conv2d_1"] == (5, 8, 8)


def test_an_argument_may_name_a_layer_of_the_body_that_uses_the_block() -> None:
    join = table(op="cat", **{"from": ["conv2d_1", "skip"]})
    blocks = block("up", conv(1), join, arguments=("skip",)) + block(
        "deep", conv(1), table(block="up", skip="skip"), arguments=("skip",)
    )
    text = document(conv(1, name="stem"), repeat(1, conv(1), table(block="deep", skip="conv2d_1"), name="s"))
    network = loads(text.replace('name = "stem"', 'name = "conv2d_9"') + blocks)
    assert dict(named(network))["s.0.deep_1.up_1.cat_1"] == ("s.0.deep_1.up_1.conv2d_1", "s.0.conv2d_1")


def test_what_is_stated_of_a_block_is_stated_of_its_last_layer() -> None:
    text = document(table(block="b", out=[4, 6, 6]), conv(1)) + block("b", conv(padding="?"), RELU)
    network = loads(text)
    assert [layer.out for layer in network.layers] == [None, (4, 6, 6), None]
    best = solve(network).best
    assert best is not None
    assert best.values == {"b_1.conv2d_1.padding": 0}


def test_plain_question_marks_are_fresh_in_each_repetition_and_named_ones_shared() -> None:
    free = solve(loads(document(repeat(2, conv(padding="?", stride=1)), input=[3, 20, 20])))
    assert set(free.best.values) == {"conv2d_1.0.padding", "conv2d_1.1.padding"}  # type: ignore[union-attr]  # it is solved
    assert free.count == 3 * 3
    shared = solve(loads(document(repeat(2, conv(padding="?p", stride=1)), input=[3, 20, 20])))
    assert shared.count == 3
    assert set(shared.best.unknowns) == {"p"}  # type: ignore[union-attr]  # it is solved


def test_constraints_name_layers_of_blocks_and_the_shape_after_a_block() -> None:
    body = [repeat(2, conv(padding="?"), name="s")]
    network = loads(
        document(*body, constraints=["s[0].conv2d_1.padding > s[1].conv2d_1.padding", "s.out[1] == 8 - 1 - 1 + 2"])
    )
    pairs = [(p, q) for p in range(3) for q in range(3) if p > q and 8 + 2 * p + 2 * q - 4 == 8]
    assert pairs == [(2, 0)]
    assert solve(network).best.values == {"s.0.conv2d_1.padding": 2, "s.1.conv2d_1.padding": 0}  # type: ignore[union-attr]  # it is solved


RELU_LAYERS = 'such as layers = [ { op = "ReLU" } ]'
NAME_THEM = 'such as from = "conv2d_1" or from = ["a", "b"]'
MISTAKES: dict[str, tuple[str, list[str]]] = {
    "a block that is missing": (
        document(table(block="residul", width=3)) + block("residual", RELU),
        ['net.toml:3: residul_1: there is no block "residul" (did you mean residual?)'],
    ),
    "a block that uses itself": (
        document(table(block="a")) + block("a", table(block="b")) + block("b", table(block="a")),
        [f"net.toml:10: a_1.b_1.a_1: the block uses itself: a > b > a ({USES_ITSELF})"],
    ),
    "an argument that is missing, and one too many": (
        document(table(block="b", wide=3)) + block("b", conv(1, out_channels="width"), arguments=("width",)),
        [
            'net.toml:3: b_1: there is no key "wide" here (did you mean width?)',
            "net.toml:3: b_1: block b needs width (write width = ...)",
        ],
    ),
    "an argument that cannot be": (
        document(table(block="b", width=-3), RELU) + block("b", conv(1, out_channels="width"), arguments=("width",)),
        ["net.toml:3: b_1.conv2d_1.out_channels: -3 is too small: at least 1"],
    ),
    "a mistake in a block that is used often is told once": (
        document(table(block="b", repeat=3), table(block="b")) + block("b", table(op="Rely")),
        ['net.toml:8: b_1.0.rely_1: there is no operator "Rely" (did you mean ReLU or RReLU or ReLU6?)'],
    ),
    "a block without layers": (
        document(table(block="b")) + "[blocks.b]\n",
        [f"net.toml:5: blocks.b: layers is missing or empty ({RELU_LAYERS})"],
    ),
    "a block that is none": (
        document(RELU) + "[blocks]\nb = 3\n",
        [
            (
                "net.toml:6: blocks.b: a table is expected, not 3 "
                "(a block has layers = [ ... ], and arguments = [ ... ] where it takes any)"
            )
        ],
    ),
    "a key that a block has not": (
        document(RELU) + block("b", RELU) + "layer = 3\n",
        ['net.toml:8: blocks.b: there is no key "layer" (did you mean layers?)'],
    ),
    "arguments that are none": (
        document(RELU) + "[blocks.b]\narguments = 3\nlayers = [ " + RELU + " ]\n",
        ['net.toml:6: blocks.b: arguments is a list of names (such as ["width", "stride"])'],
    ),
    "arguments that are taken": (
        document(RELU) + block("b", table(op="ReLU", name="x"), arguments=("out", "x", "y", "y")),
        [
            "net.toml:6: blocks.b: out is a key of its own (give the argument another name)",
            "net.toml:6: blocks.b: x is the name of an argument and of a layer (give one of them another name)",
            "net.toml:6: blocks.b: y stands there twice (give the argument another name)",
        ],
    ),
    "repeat without layers": (
        document("{ repeat = 2 }"),
        ["net.toml:3: layers[0]: repeat needs layers = [ ... ] (the layers that are repeated)"],
    ),
    "repeat on a layer": (
        document(table(op="ReLU", repeat=2)),
        ["net.toml:3: layers[0]: a layer has no repeat (write { repeat = ..., layers = [ { op = ... } ] })"],
    ),
    "repeat of nothing": (
        document(repeat(0, RELU)),
        ["net.toml:3: layers[0]: repeat is a positive integer, not 0"],
    ),
    "a key that a repetition has not": (
        document(repeat(1, RELU, width=3)),
        [
            'net.toml:3: layers[0]: there is no key "width" here (there are from, layers, name, out, repeat)',
        ],
    ),
    "several inputs of a block": (
        document(conv(1), table(block="b", **{"from": ["input", "conv2d_1"]})) + block("b", RELU),
        [
            (
                "net.toml:4: b_1: a block has one input, not 2 "
                "(join them before it, or name the others by arguments of the block)"
            )
        ],
    ),
    "a name that a repetition makes": (
        document(table(op="ReLU", name="s.0.relu_1"), repeat(1, RELU, name="s")),
        [
            (
                "net.toml:4: s.0.relu_1: this name is used twice, first for the layer in line 3 "
                "(give one of them another name)"
            )
        ],
    ),
    "a layer with the name of a repetition's part": (
        document(repeat(2, RELU, name="s"), table(op="ReLU", name="s.1")),
        ["net.toml:4: s.1: this name is used twice, first for the layer in line 3 (give one of them another name)"],
    ),
    "one block used twice under names that meet": (
        document(table(block="b", name="a", repeat=1), table(block="b", name="a.0")) + block("b", RELU),
        [
            "net.toml:4: a.0: this name is used twice, first for the layer in line 3 (give one of them another name)",
        ],
    ),
    "a shape stated twice": (
        document(repeat(1, table(op="ReLU", out=[3, 8, 8]), name="s", out=[3, 8, 9])),
        [
            "net.toml:3: s: out is stated again for the same layer, otherwise than in line 3 (keep one of them)",
            (
                "net.toml:3: s.0.relu_1: out[2] = 9 contradicts input[2] = 8 (line 1) "
                "(both state the same number: correct one of them)"
            ),
        ],
    ),
    "repetitions without end": (
        document(repeat(1000, repeat(1000, RELU))),
        [
            "net.toml:2: layers: 1000000 layers when all is written out: at most 100000 (repeat less often)",
        ],
    ),
    "an empty from": (
        document(table(op="ReLU", **{"from": []})),
        [f"net.toml:3: relu_1: from is the name of a layer or a list of names, not an empty list ({NAME_THEM})"],
    ),
    "from that is a number": (
        document(table(op="ReLU", **{"from": 1})),
        [f"net.toml:3: relu_1: from is the name of a layer or a list of names, not 1 ({NAME_THEM})"],
    ),
    "like that is a number": (
        document(table(op="Upsample", like=1)),
        ["net.toml:3: upsample_1: like is the name of a layer, not 1 (the layer whose spatial size is taken)"],
    ),
    "like that names nothing": (
        document(conv(), table(op="Upsample", like="conv2d_2")),
        ['net.toml:4: upsample_1: like names "conv2d_2", and there is no such layer (did you mean conv2d_1?)'],
    ),
    "like where it has no meaning": (
        document(conv(), table(op="ReLU", like="conv2d_1")),
        ["net.toml:4: relu_1: ReLU takes no `like` (Upsample and CenterCrop take it)"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake(name: str) -> None:
    text, expected = MISTAKES[name]
    assert complaints(text) == expected


def chain_of_blocks(depth: int, branches: int, leaf: str) -> str:
    """Blocks of which each uses the next one several times."""
    uses = [f"[blocks.b{i}]\nlayers = [ {', '.join([table(block=f'b{i + 1}')] * branches)} ]\n" for i in range(depth)]
    return document(table(block="b0")) + "".join(uses) + f"[blocks.b{depth}]\nlayers = [ {leaf} ]\n"


@pytest.mark.parametrize("leaf", [RELU, "", "1"])
def test_blocks_that_would_be_written_out_without_end(leaf: str) -> None:
    assert "more than 100000 layers when all is written out: at most 100000" in "\n".join(
        complaints(chain_of_blocks(60, 2, leaf))
    )


def test_blocks_nest_64_deep_and_no_deeper() -> None:
    assert len(loads(chain_of_blocks(63, 1, RELU)).layers) == 1
    assert "blocks and repetitions nest deeper than 64" in "\n".join(complaints(chain_of_blocks(64, 1, RELU)))


def test_deep_nesting_in_and_of_blocks_is_no_recursion() -> None:
    nested = RELU
    for _ in range(30):
        nested = repeat(1, nested)
    uses = "".join(block(f"b{i}", nested.replace(RELU, table(block=f"b{i + 1}"))) for i in range(64))
    text = document(table(block="b0")) + uses + block("b64", RELU)
    assert "blocks and repetitions nest deeper than 64" in "\n".join(complaints(text))


@pytest.mark.parametrize("layers", ["[1]", "[]", "3"])
def test_nothing_repeated_for_ever(layers: str) -> None:
    text = document('{ block = "b", repeat = 2000000000 }') + f"[blocks.b]\nlayers = {layers}\n"
    assert complaints(text)
    assert complaints(document(f"{{ repeat = 2000000000, layers = {layers} }}"))


def test_a_repetition_by_an_argument_is_counted_too() -> None:
    text = document(table(block="b", n=2_000_000_000)) + block("b", repeat('"n"', RELU), arguments=("n",))
    assert complaints(text) == [
        "net.toml:2: layers: 2000000000 layers when all is written out: at most 100000 (repeat less often)"
    ]


def test_repetitions_that_feed_each_other_and_hold_nothing_end() -> None:
    text = document(repeat(0, RELU, name="a", **{"from": "b"}), repeat(0, RELU, name="b", **{"from": "a"}))
    assert len(complaints(text)) >= 2


def test_much_in_one_layer_is_refused_before_it_is_repeated() -> None:
    many = ", ".join(f"k{i} = 1" for i in range(70))
    assert complaints(document(f'{{ op = "ReLU", {many} }}'))[0] == (
        "net.toml:3: layers[0]: a layer with 71 keys: at most 64"
    )
    assert complaints(document(conv([3] * 65)))[0] == (
        'net.toml:3: layers[0]: "kernel_size" is a list of 65 entries: at most 64'
    )


def test_writing_puts_one_value_where_a_question_mark_stands_for_many() -> None:
    text = document(repeat(3, conv(padding="?"), name="s"), conv(1))
    network = loads(text)
    written = write(network, {f"s.{i}.conv2d_1.padding": 1 for i in range(3)}, {})
    assert written == text.replace('"?"', "1")


def test_writing_reaches_the_argument_of_a_block() -> None:
    blocks = block("b", conv(padding="p"), conv(padding=["?", "p"]), arguments=("p",))
    blocks += block("c", table(block="b", p="q"), arguments=("q",))
    text = document(table(block="b", p="?"), table(block="c", q="?1..2")) + blocks
    values = {
        "b_1.conv2d_1.padding": 1, "b_1.conv2d_2.padding": (0, 1),
        "c_1.b_1.conv2d_1.padding": 2, "c_1.b_1.conv2d_2.padding": (0, 2),
    }  # fmt: skip
    written = write(loads(text), values, {})
    assert written == text.replace('p = "?"', "p = 1").replace('"?1..2"', "2").replace('["?", "p"]', '[0, "p"]')
    assert solve(loads(written)).count == 1


def test_writing_refuses_values_that_differ() -> None:
    network = loads(document(repeat(5, conv(padding="?", out_channels=3), name="s")), "net.toml")
    values = {f"s.{i}.conv2d_1.padding": int(i > 0) for i in range(5)}
    with pytest.raises(DocumentError) as caught:
        write(network, values, {})
    assert str(caught.value) == (
        "net.toml:3: s.0.conv2d_1.padding: this question mark stands for several layers, and their values differ: "
        "0 for s.0.conv2d_1.padding, 1 for s.1.conv2d_1.padding, s.2.conv2d_1.padding, s.3.conv2d_1.padding and 1 more "
        "(write the block or repetition out there, or give it an argument for this value)"
    )


def test_writing_several_inputs() -> None:
    text = 'inputs = { a = [3, "?8"], b = ["?3", 8] }\nlayers = [ { op = "add", from = ["a", "b"] } ]\n'
    answer = solve(loads(text)).best
    assert answer is not None
    assert write(answer.problem.network, answer.values, {}) == text.replace('"?8"', "8").replace('"?3"', "3")


def test_sizes_that_pile_up_layer_by_layer_are_refused() -> None:
    text = 'input = [1]\nlayers = [{ repeat = 16000, layers = [{ op = "unsqueeze", dim = 1 }] }]\n'
    with pytest.raises(DocumentError) as refused:
        loads(text)
    assert str(refused.value) == (
        "2: unsqueeze_1.63: the tensor behind it would have 65 sizes, and netsolve goes up to 64 "
        "(take away what adds them)"
    )
