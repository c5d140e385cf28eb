"""Tests of netsolve.document: what is read, every mistake in full, and what is written back."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from netsolve import DocumentError, Network, Unknown, load, loads, solve
from netsolve.document import LARGEST_FILE, write
from netsolve.domain import Domain
from netsolve.posing import pose
from support import FILE, complaints, conv, document, exactly, pool, table

RELU = table(op="ReLU")
NAMES = (
    'letters, digits and _, such as "stem" or "stage1.0.conv"; '
    "no Python keyword, and none of input, output, min, max, abs"
)
ASKABLE = (
    "padding, kernel_size, stride, dilation, output_padding, output_size, groups, ceil_mode, "
    "channels, features and sizes"
)
QUESTION = 'is neither an integer nor a question mark such as "?", "?0..3", "?1|3|5" or "?p"'
LAYERS = 'write layers = [ { op = "Conv2d", ... }, ... ]'
INPUT = "write input = [3, 96, 96]: channels, then spatial sizes, without the batch"
ALLOWED = (
    "allowed are names such as conv2d_1.padding or input[1], integers, + - * // %, comparisons, "
    "and, or, not, min, max, abs and round brackets"
)


def layer(**arguments: Any) -> str:
    """A document whose only layer, in line 3, is a convolution with these arguments."""
    return document(table(**{"op": "Conv2d", "out_channels": 4, "kernel_size": 3, **arguments}))


def bound(constraint: str, *layers: str) -> str:
    """A document with a constraint, in line 2."""
    return document(*(layers or (conv(),)), constraints=[constraint])


def pointed(text: str, constraint: str, column: int) -> list[str]:
    """A mistake in a constraint, with the place in it."""
    return [f"net.toml:2: constraints[0]: {text}", f"    {constraint}", f"    {' ' * (column - 1)}^"]


MISTAKES: dict[str, tuple[str, list[str]]] = {
    # no TOML
    "an open array": (
        "input = [3, 8, 8\nlayers = 3\n",
        ["2: this is not TOML: Unclosed array (a comma, or the closing ], is missing before this place)"],
    ),
    "layers without a comma": (
        'input = [3, 8, 8]\nlayers = [\n  { op = "ReLU" }\n  { op = "ReLU" }\n]\n',
        ["4: this is not TOML: Unclosed array (a comma, or the closing ], is missing before this place)"],
    ),
    "a comma at the end of an inline table": (
        'input = [3, 8, 8]\nlayers = [ { op = "ReLU", } ]\n',
        [
            (
                "2: this is not TOML: Invalid initial character for a key part "
                "(an inline table has no comma after its last entry)"
            )
        ],
    ),
    "a bare question mark": (
        'input = [3, ?, 8]\nlayers = [ { op = "ReLU" } ]\n',
        ['1: this is not TOML: Invalid value (a question mark stands in quotes: "?")'],
    ),
    "Python's False": (
        'input = [3, 8, 8]\nlayers = [ { op = "ReLU", inplace = False } ]\n',
        ["2: this is not TOML: Invalid value (write false)"],
    ),
    "a text without quotes": (
        "input = [3, 8, 8]\nlayers = [ { op = ReLU } ]\n",
        ['2: this is not TOML: Invalid value (a text stands in quotes: "ReLU")'],
    ),
    "a list without brackets": (
        "input = 3 8\n",
        [
            (
                "1: this is not TOML: Expected newline or end of document after a statement (one key = "
                "value stands on a line)"
            )
        ],
    ),
    "no equals sign": (
        "input: [3, 8, 8]\n",
        ["1: this is not TOML: Expected '=' after a key in a key/value pair (write key = value)"],
    ),
    "a key twice": (
        "input = [3]\ninput = [4]\n",
        ["2: this is not TOML: Cannot overwrite a value (a key stands only once)"],
    ),
    "a key of a layer twice": (
        'input = [3]\nlayers = [ { op = "ReLU", op = "ReLU" } ]\n',
        ["2: this is not TOML: Duplicate inline table key 'op' (a key stands only once)"],
    ),
    "[layers] for [[layers]]": (
        'input = [3]\n[layers]\nop = "ReLU"\n[layers]\nop = "ReLU"\n',
        [
            (
                "4: this is not TOML: Cannot declare ('layers',) twice "
                "(a table stands only once; a list of layers is written [[layers]])"
            )
        ],
    ),
    "both ways of writing layers": (
        'input = [3]\nlayers = []\n[[layers]]\nop = "ReLU"\n',
        [
            (
                "3: this is not TOML: Cannot mutate immutable namespace ('layers',) "
                "(layers are either one array or [[layers]] tables, not both)"
            )
        ],
    ),
    "a NUL": ('input = [3]\nname = "a\0"\n', ["2: this is not TOML: Illegal character '\\x00'"]),
    # what would hurt the parser
    "an inline table over lines": (
        'input = [3, 8, 8]\nlayers = [\n  { op = "Conv2d",\n    kernel_size = 3 },\n]\n',
        [
            (
                "3: an inline table broken over lines "
                "(write the layer as a [[layers]] table, or keep the braces on one line)"
            )
        ],
    ),
    "a dotted-key bomb": (
        f"input = [3]\n{'.'.join('a' * 20_000)} = 1\n",
        ["2: a dotted key of more than 16 parts (nest the tables less deeply)"],
    ),
    "a nesting bomb": (
        f"input = {'[' * 900}{']' * 900}\n",
        ["1: brackets nested deeper than 64 (nest arrays and inline tables less deeply)"],
    ),
    "5,000 digits": (
        f"input = [3, 8, {'9' * 5000}]\n",
        ["1: a number of more than 18 digits (write at most 18 digits)"],
    ),
    # the document
    "nothing": ("", [f": input: is missing ({INPUT})", f": layers: is missing ({LAYERS})"]),
    "no layers": ("input = [3, 8, 8]\nlayers = []\n", [f"2: layers: is empty ({LAYERS})"]),
    "layers are a text": (
        'input = [3, 8, 8]\nlayers = "ReLU"\n',
        [f'2: layers: a list of tables is expected, not "ReLU" ({LAYERS})'],
    ),
    "a layer is a text": (
        document('"ReLU"'),
        ['3: layers[0]: a table is expected, not "ReLU" (such as { op = "ReLU" })'],
    ),
    "no input": ('layers = [ { op = "ReLU" } ]\n', [f": input: is missing ({INPUT})"]),
    "an unknown key": (
        document(RELU, constraint=["a == 1"]),
        ['2: the document: there is no key "constraint" (did you mean constraints?)'],
    ),
    "the name is a number": (document(RELU, name=3), ["2: name: a text is expected, not 3"]),
    "the input is a number": (
        document(RELU, input=3),
        ["1: input: a list of sizes is expected, not 3 (such as [3, 96, 96])"],
    ),
    "the input is a date": (
        document(RELU).replace("[3, 8, 8]", "1979-05-27"),
        ["1: input: a list of sizes is expected, not 1979-05-27 (such as [3, 96, 96])"],
    ),
    "the input is empty": (document(RELU, input=[]), ["1: input: 0 sizes: a shape has 1 to 8 (such as [3, 96, 96])"]),
    "the input has nine axes": (
        document(RELU, input=[1] * 9),
        ["1: input: 9 sizes: a shape has 1 to 8 (such as [3, 96, 96])"],
    ),
    "sizes of the wrong type": (
        document(RELU, input=[3.5, 8.0, "8", True, [8]]),
        [
            "1: input[0]: an integer is expected, not 3.5",
            "1: input[1]: an integer is expected, not 8.0 (write 8)",
            f'1: input[2]: "8" {QUESTION} (write 8, without quotes)',
            "1: input[3]: an integer is expected, not true",
            "1: input[4]: an integer is expected, not a list",
        ],
    ),
    "absurd sizes": (
        document(RELU, input=[0, -1, 10**12]),
        [
            "1: input[0]: 0 is too small: at least 1",
            "1: input[1]: -1 is too small: at least 1",
            "1: input[2]: 1000000000000 is too large: at most 2147483647",
        ],
    ),
    "an output of the wrong length": (
        document(RELU, output=[8]),
        ["2: relu_1: output has 1 entry, and the tensor there has 3 (write 3, or 2 for the spatial sizes alone)"],
    ),
    # layers
    "no op": (document(table(out_channels=4)), ['3: layer_1: op is missing (such as op = "Conv2d")']),
    "op is a number": (document(table(op=3)), ['3: layer_1: op is a text, not 3 (such as op = "Conv2d")']),
    "an op in lower case": (
        document(table(op="batchnorm2d")),
        ['3: batchnorm2d_1: there is no operator "batchnorm2d" (did you mean BatchNorm2d?)'],
    ),
    "an op nobody knows": (
        document(table(op="Frobnicate")),
        ['3: frobnicate_1: there is no operator "Frobnicate" (see `netsolve ops`)'],
    ),
    "a misspelt argument": (
        layer(paddin=1),
        ['3: conv2d_1: Conv2d has no argument "paddin" (did you mean padding or padding_mode?)'],
    ),
    "a needed argument is missing": (
        document(table(op="Conv2d", out_channels=4)),
        ['3: conv2d_1: Conv2d needs kernel_size (write kernel_size = ... or kernel_size = "?")'],
    ),
    "a needed argument that cannot be asked for is missing": (
        document(table(op="ConstantPad2d", padding=1)),
        ["3: constantpad2d_1: ConstantPad2d needs value (write value = ...)"],
    ),
    "true for a number": (
        layer(kernel_size=True),
        ["3: conv2d_1.kernel_size: an integer is expected, not true"],
    ),
    "3.0 for a number": (
        layer(kernel_size=3.0),
        ["3: conv2d_1.kernel_size: an integer is expected, not 3.0 (write 3)"],
    ),
    "a text for a number": (
        layer(kernel_size="3"),
        [f'3: conv2d_1.kernel_size: "3" {QUESTION} (write 3, without quotes)'],
    ),
    "a list for a number": (layer(out_channels=[4]), ["3: conv2d_1.out_channels: an integer is expected, not a list"]),
    "a table for a number": (
        document('{ op = "ReLU6" }', '{ op = "Conv2d", out_channels = 4, kernel_size = { h = 3 } }'),
        ["4: conv2d_1.kernel_size: an integer is expected, not a table"],
    ),
    "a number for a switch": (layer(bias=1), ["3: conv2d_1.bias: true or false is expected, not 1"]),
    "a set without its question mark": (
        layer(stride="1..2"),
        [f'3: conv2d_1.stride: "1..2" {QUESTION} (write "?1..2")'],
    ),
    "a negative kernel": (layer(kernel_size=-3), ["3: conv2d_1.kernel_size: -3 is too small: at least 1"]),
    "a negative padding": (layer(padding=-1), ["3: conv2d_1.padding: -1 is too small: at least 0"]),
    "a stride of zero": (layer(stride=0), ["3: conv2d_1.stride: 0 is too small: at least 1"]),
    "an absurd kernel": (
        layer(kernel_size=[3, 10**12]),
        ["3: conv2d_1.kernel_size: 1000000000000 is too large: at most 2147483647"],
    ),
    "an absurd crop": (
        document(table(op="ZeroPad2d", padding=-(10**12))),
        ["3: zeropad2d_1.padding: -1000000000000 is too small: at least -2147483647"],
    ),
    "three entries for two axes": (
        layer(kernel_size=[3, 3, 3]),
        ["3: conv2d_1.kernel_size: 2 entries expected, one for each axis, not 3"],
    ),
    "a reversed set": (layer(padding="?3..0"), ["3: conv2d_1.padding: the range 3..0 is empty: write 0..3"]),
    "a set with a letter": (
        layer(padding="?1|x"),
        ['3: conv2d_1.padding: "x" is not an integer or a range such as 0..3'],
    ),
    "a set below what torch takes": (layer(stride="?0..2"), ["3: conv2d_1.stride: 0 is too small: at least 1"]),
    "a set for a switch": (
        document(pool(ceil_mode="?0..2")),
        ["3: maxpool2d_1.ceil_mode: true or false: a set may hold 0 and 1 only"],
    ),
    "a question mark on a switch torch needs": (
        layer(bias="?"),
        [f"3: conv2d_1.bias: a question mark cannot stand here; it may stand on {ASKABLE}"],
    ),
    "a question mark on a dimension": (
        document(table(op="Flatten", start_dim="?")),
        [f"3: flatten_1.start_dim: a question mark cannot stand here; it may stand on {ASKABLE}"],
    ),
    "a shape that is a number": (
        layer(out=6),
        ["3: conv2d_1.out: a list of sizes is expected, not 6 (such as [3, 96, 96])"],
    ),
    "a shape with the batch": (
        layer(out=[1, 4, 6, 6]),
        [
            (
                "3: conv2d_1: out has 4 entries, and the tensor there has 3 "
                "(write 3, or 2 for the spatial sizes alone; the batch is never written)"
            )
        ],
    ),
    # names
    "a name used twice": (
        document(table(op="ReLU", name="a"), RELU, table(op="Tanh", name="a")),
        ["5: a: this name is used twice, first for the layer in line 3 (give one of them another name)"],
    ),
    "a default name that is taken": (
        document(table(op="Tanh", name="relu_1"), RELU),
        ["4: relu_1: this name is used twice, first for the layer in line 3 (give one of them another name)"],
    ),
    "a keyword for a name": (
        document(table(op="ReLU", name="class")),
        [f'3: layers[0]: "class" cannot be a layer\'s name ({NAMES})'],
    ),
    "a word of the language for a name": (
        document(RELU, table(op="ReLU", name="input")),
        [f'4: layers[1]: "input" cannot be a layer\'s name ({NAMES})'],
    ),
    "a name with a hyphen": (
        document(table(op="ReLU", name="conv-1")),
        [f'3: layers[0]: "conv-1" cannot be a layer\'s name ({NAMES})'],
    ),
    "an unknown with the name of a layer": (
        document(RELU, conv(name="p", padding="?p")),
        ["4: ?p: p is the name of the layer in line 4 (give the unknown another name)"],
    ),
    "an unknown in the output with the name of a layer": (
        document(RELU, output=["?relu_1", 8, 8]),
        ["2: ?relu_1: relu_1 is the name of the layer in line 4 (give the unknown another name)"],
    ),
    "a keyword for an unknown": (
        layer(padding="?if"),
        ["3: ?if: if is a word of the language (give the unknown another name)"],
    ),
    "sets of one name that exclude each other": (
        document(conv(padding="?p: 0..1"), conv(padding="?p: 2")),
        ["4: conv2d_2.padding: p is one of 0..1 elsewhere and one of 2 here: no value is left (widen one of the sets)"],
    ),
    "a set that excludes the default values of its name elsewhere": (
        document(conv(padding="?p: 5"), conv(padding="?p")),
        ["4: conv2d_2.padding: p is one of 5 elsewhere and one of 0..2 here: no value is left (widen one of the sets)"],
    ),
    "a name whose sets exclude each other, where values are tried one by one": (
        document(pool(padding="?p"), pool("?p: 2")),
        [
            (
                "4: maxpool2d_2.kernel_size: p is one of 0..1 elsewhere and one of 2 here: no value is left "
                "(widen one of the sets)"
            ),
        ],
    ),
    "groups with no end": (
        document(conv(groups="?"), input=["?", 8, 8]),
        [
            (
                "3: conv2d_1.groups: its values are tried one by one, and its largest depends on something unknown "
                '(give it a set, such as groups = "?1|2|4")'
            )
        ],
    ),
    # the default values
    "default values are a number": (
        document(conv(), unknown=3),
        ['2: unknown: a table is expected, not 3 (such as { padding = "?0..3" })'],
    ),
    "default values of nothing": (
        "unknown = { ceil_mod = '?0..1' }\n" + document(conv()),
        ['1: unknown: no layer has an argument "ceil_mod" that may be unknown (did you mean ceil_mode?)'],
    ),
    "default values with a name": (
        "unknown = { padding = '?p: 0..3' }\n" + document(conv()),
        ['1: unknown.padding: a set is expected, not "?p: 0..3" (such as "?0..3" or "?1|3|5")'],
    ),
    "default values that are no set": (
        "unknown = { padding = 3, stride = '?', kernel_size = '?5..1' }\n" + document(conv()),
        [
            '1: unknown.padding: a set is expected, not 3 (such as "?0..3" or "?1|3|5")',
            '1: unknown.stride: a set is expected, not "?" (such as "?0..3" or "?1|3|5")',
            "1: unknown.kernel_size: the range 5..1 is empty: write 1..5",
        ],
    ),
    "default values that an argument cannot have": (
        "unknown = { stride = '?0' }\n" + document(conv(stride="?")),
        [
            (
                "4: conv2d_1.stride: unknown.stride is 0, and stride is at least 1: no value is left "
                '(give it a set of its own, such as stride = "?1..3")'
            )
        ],
    ),
    # layers on the wrong kind of input
    "Linear before Flatten": (
        document(conv(), table(op="Linear", out_features=10)),
        [
            (
                "4: linear_1: Linear works on the last dimension, and here that is a spatial axis "
                '(put { op = "Flatten" } before it, or write in_features if the last axis is meant)'
            )
        ],
    ),
    "Conv3d on an image": (
        document(conv(op="Conv3d")),
        [
            (
                "3: conv3d_1: Conv3d takes channels and 3 spatial sizes, and gets 3 sizes (channels and "
                "2 spatial) (use Conv2d)"
            )
        ],
    ),
    "BatchNorm2d on features": (
        document(table(op="Flatten"), table(op="BatchNorm2d")),
        [
            (
                "4: batchnorm2d_1: BatchNorm2d takes channels and 2 spatial sizes, and gets features "
                "without spatial axes "
                "(use BatchNorm1d)"
            )
        ],
    ),
    "a convolution behind Flatten": (
        document(table(op="Flatten"), conv()),
        ["4: conv2d_1: Conv2d takes channels and 2 spatial sizes, and gets features without spatial axes"],
    ),
    "Flatten from the batch": (
        document(table(op="Flatten", start_dim=0)),
        [
            (
                "3: flatten_1: start_dim = 0 is the batch, which is never touched "
                "(the first dimension after it is start_dim = 1)"
            )
        ],
    ),
    # numbers that contradict each other as they are written
    "out and out_channels": (
        layer(out=[5, "?", "?"]),
        [
            (
                "3: conv2d_1: out[0] = 5 contradicts out_channels = 4 of conv2d_1 (line 3) "
                "(both state the same number: correct one of them)"
            )
        ],
    ),
    "a set in out, and out_channels": (
        layer(out=["?5|7", "?", "?"]),
        [
            (
                '3: conv2d_1: out[0] = "?5|7" contradicts out_channels = 4 of conv2d_1 (line 3) '
                "(both state the same number: correct one of them)"
            )
        ],
    ),
    "out behind an activation, and out_channels": (
        document(conv(padding="?"), table(op="ReLU", out=[5, 6, 6])),
        [
            (
                "4: relu_1: out[0] = 5 contradicts out_channels = 4 of conv2d_1 (line 3) "
                "(both state the same number: correct one of them)"
            )
        ],
    ),
    "out and out_features": (
        document(table(op="Flatten"), table(op="Linear", out_features=10, out=[11])),
        [
            (
                "4: linear_1: out[0] = 11 contradicts out_features = 10 of linear_1 (line 4) "
                "(both state the same number: correct one of them)"
            )
        ],
    ),
    "output and out": (
        document(conv(), table(op="ReLU6", out=[4, 6, 6]), output=[4, 6, 7]),
        [
            (
                "2: relu6_1: output[2] = 7 contradicts out[2] = 6 of relu6_1 (line 5) "
                "(both state the same number: correct one of them)"
            )
        ],
    ),
    "output and out_channels": (
        document(conv(out=["?", 6]), output=[5, "?", "?"]),
        [
            (
                "2: conv2d_1: output[0] = 5 contradicts out_channels = 4 of conv2d_1 (line 4) "
                "(both state the same number: correct one of them)"
            )
        ],
    ),
    "out and the size of an adaptive pool": (
        document(table(op="AdaptiveAvgPool2d", output_size=[6, 7], out=[6, 6])),
        [
            (
                "3: adaptiveavgpool2d_1: out[1] = 6 contradicts output_size[1] = 7 of adaptiveavgpool2d_1 (line 3) "
                "(both state the same number: correct one of them)"
            )
        ],
    ),
    "out of an activation, and the input": (
        document(table(op="ReLU", out=[3, 8, 9])),
        ["3: relu_1: out[2] = 9 contradicts input[2] = 8 (line 1) (both state the same number: correct one of them)"],
    ),
}

CONSTRAINTS: dict[str, tuple[str, list[str]]] = {
    "no list": (
        document(conv(), constraints="a == 1"),
        ['net.toml:2: constraints: a list of texts is expected, not "a == 1" (such as ["a.padding == b.padding"])'],
    ),
    "no text": (document(conv(), constraints=[3]), ["net.toml:2: constraints[0]: a text is expected, not 3"]),
    "an equals sign": (
        bound("conv2d_1.padding = 1"),
        pointed("'=' cannot stand here: to compare, write ==", "conv2d_1.padding = 1", 18),
    ),
    "a power": (
        bound("input[1] ** 2 == 64"),
        pointed(f"'**' cannot stand here: {ALLOWED}", "input[1] ** 2 == 64", 10),
    ),
    "a call": (
        bound("pow(input[1], 2) == 64"),
        pointed("'(' cannot stand here: only min, max and abs can be called", "pow(input[1], 2) == 64", 4),
    ),
    "a layer that is not there": (
        bound("1 == conv2d_2.padding"),
        pointed(
            "no layer, input or named unknown is called conv2d_2; did you mean conv2d_1?", "1 == conv2d_2.padding", 6
        ),
    ),
    "an unknown that is not there": (
        bound("padd == 1", conv(padding="?pad")),
        pointed("no layer, input or named unknown is called padd; did you mean pad?", "padd == 1", 1),
    ),
    "an argument that is not there": (
        bound("conv2d_1.strid == 1"),
        pointed("Conv2d has no argument strid (did you mean stride?)", "conv2d_1.strid == 1", 1),
    ),
    "no argument": (
        bound("conv2d_1 == 1"),
        pointed(
            "conv2d_1 is not a number: after the layer conv2d_1 comes one argument, such as conv2d_1.padding, "
            "and at most one index, such as conv2d_1.out[0]",
            "conv2d_1 == 1",
            1,
        ),
    ),
    "no index for out": (
        bound("conv2d_1.out == 1"),
        pointed("conv2d_1.out is a list of 3: write conv2d_1.out[0] to conv2d_1.out[2]", "conv2d_1.out == 1", 1),
    ),
    "an index of out that is too large": (
        bound("conv2d_1.out[3] == 1"),
        pointed("conv2d_1.out is a list of 3: write conv2d_1.out[0] to conv2d_1.out[2]", "conv2d_1.out[3] == 1", 1),
    ),
    "no index for the input": (
        bound("input == 1"),
        pointed(
            "input is not a number: input is an input, behind which stands one index, such as input[0]",
            "input == 1",
            1,
        ),
    ),
    "an index of the input that is too large": (
        bound("input[3] == 1"),
        pointed("input is a list of 3: write input[0] to input[2]", "input[3] == 1", 1),
    ),
    "an index of an argument that is too large": (
        bound("conv2d_1.padding[2] == 1"),
        pointed(
            "conv2d_1.padding has 2 entries: write conv2d_1.padding[0] to conv2d_1.padding[1]",
            "conv2d_1.padding[2] == 1",
            1,
        ),
    ),
    "an index of a single number": (
        bound("conv2d_1.out_channels[0] == 1"),
        pointed("conv2d_1.out_channels is one number: write conv2d_1.out_channels", "conv2d_1.out_channels[0] == 1", 1),
    ),
    "no index where the axes differ": (
        bound("conv2d_1.padding == 1", conv(padding=["?", 0])),
        pointed(
            "conv2d_1.padding has a value for each axis: write conv2d_1.padding[0] to conv2d_1.padding[1]",
            "conv2d_1.padding == 1",
            1,
        ),
    ),
    "no index where the sides differ": (
        bound("zeropad2d_1.padding == 1", table(op="ZeroPad2d", padding=[0, 1, 0, "?"])),
        pointed(
            "zeropad2d_1.padding has a value for each side: write zeropad2d_1.padding[0] to zeropad2d_1.padding[3]",
            "zeropad2d_1.padding == 1",
            1,
        ),
    ),
    "a word": (
        bound("conv2d_1.padding == 1", conv(padding="same")),
        pointed('conv2d_1.padding is "same", which is not an integer', "conv2d_1.padding == 1", 1),
    ),
    "a fraction": (
        bound("leakyrelu_1.negative_slope == 1", table(op="LeakyReLU")),
        pointed("leakyrelu_1.negative_slope is 0.01, which is not an integer", "leakyrelu_1.negative_slope == 1", 1),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake(name: str) -> None:
    text, lines = MISTAKES[name]
    expected = [f"net.toml{line}" if line.startswith(":") else f"net.toml:{line}" for line in lines]
    assert complaints(text) == expected


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_mistake_in_a_constraint(name: str) -> None:
    text, lines = CONSTRAINTS[name]
    assert complaints(text) == lines


def test_all_mistakes_at_once_each_with_its_line() -> None:
    text = (
        "name = 3\n"
        "input = [3, 8.0, 8]\n"
        "constraints = ['a.padding = 1', 3]\n"
        "unknown = { ceil_mod = '?1' }\n"
        "strange = 1\n"
        "[[layers]]\n"
        'op = "Conv2D"\n'
        "[[layers]]\n"
        'op = "Conv2d"\n'
        "out_channels = true\n"
        'padding = "?2..1"\n'
        "[[layers]]\n"
        'name = "if"\n'
        'op = "ReLU"\n'
        "out = [0]\n"
    )
    found = complaints(text)
    assert found == [
        "net.toml:1: name: a text is expected, not 3",
        "net.toml:2: input[1]: an integer is expected, not 8.0 (write 8)",
        "net.toml:3: constraints[0]: '=' cannot stand here: to compare, write ==",
        "    a.padding = 1",
        "              ^",
        "net.toml:3: constraints[1]: a text is expected, not 3",
        'net.toml:4: unknown: no layer has an argument "ceil_mod" that may be unknown (did you mean ceil_mode?)',
        (
            'net.toml:5: the document: there is no key "strange" '
            "(there are blocks, constraints, input, inputs, layers, name, output, outputs, unknown)"
        ),
        'net.toml:7: conv2d_1: there is no operator "Conv2D" (did you mean Conv2d?)',
        'net.toml:8: conv2d_2: Conv2d needs kernel_size (write kernel_size = ... or kernel_size = "?")',
        "net.toml:10: conv2d_2.out_channels: an integer is expected, not true",
        "net.toml:11: conv2d_2.padding: the range 2..1 is empty: write 1..2",
        f'net.toml:13: layers[2]: "if" cannot be a layer\'s name ({NAMES})',
        "net.toml:15: layers[2].out[0]: 0 is too small: at least 1",
    ]


def test_mistakes_of_the_network_are_told_along_with_the_others() -> None:
    text = document(conv(op="Conv1d"), conv(paddin=1))
    assert complaints(text) == [
        (
            "net.toml:3: conv1d_1: Conv1d takes channels and 1 spatial size, and gets 3 sizes (channels and 2 spatial) "
            "(use Conv2d)"
        ),
        'net.toml:4: conv2d_1: Conv2d has no argument "paddin" (did you mean padding or padding_mode?)',
    ]


def test_names_in_constraints_are_told_along_with_the_others() -> None:
    constraints = ["stem.stride + conv2d_1.padding == p", "steem.padding == 1"]
    assert complaints(document(conv(name="stem", padding="?p", strid=1), conv(), constraints=constraints)) == [
        "net.toml:2: constraints[1]: no layer, input or named unknown is called steem; did you mean stem?",
        "    steem.padding == 1",
        "    ^",
        'net.toml:4: stem: Conv2d has no argument "strid" (did you mean stride?)',
    ]


def test_messages_name_no_file_where_there_is_none() -> None:
    with pytest.raises(DocumentError, match=exactly("1: input: 0 sizes: a shape has 1 to 8 (such as [3, 96, 96])")):
        loads(document(RELU, input=[]))


@pytest.mark.parametrize(
    "text",
    [
        # Every number that needs arithmetic to be told wrong is a matter of solving, not of reading.
        layer(out=[4, 7, 7]),
        document(conv(), table(op="Flatten"), table(op="Linear", in_features=5, out_features=4)),
        document(conv(out=["?", 6]), output=[4, 6, 6]),
        document(table(op="AdaptiveAvgPool2d", output_size="?", out=[6, 7])),
        layer(out=["?4|5", "?", "?"]),
        layer(out_channels="?", out=[5, "?", "?"]),
        layer(out=[4, 6, 6]),
    ],
)
def test_what_needs_arithmetic_is_no_mistake(text: str) -> None:
    assert loads(text).layers


# What is read.


def test_every_key() -> None:
    network = loads(
        'name = "All"\n'
        'input = [3, "?", "?w: 8..9"]\n'
        'output = ["?", 6, "?6..7"]\n'
        'constraints = ["w == stem.out[2] + 2"]\n'
        'unknown = { padding = "?0..3" }\n'
        "[[layers]]\n"
        'op = "Conv2d"\nname = "stem"\nfrom = "input"\nout_channels = 4\nkernel_size = [3, "?1|3"]\n'
        'padding = "?p"\nout = ["?", 7]\n'
        "[[layers]]\n"
        'op = "MaxPool2d"\nkernel_size = 2\nstride = 1\nceil_mode = "?"\n'
    )
    width = Unknown(Domain.between(8, 9), "w")
    assert (network.name, dict(network.inputs)) == ("All", {"input": (3, Unknown(), width)})
    assert network.output == (Unknown(), 6, Unknown(Domain.between(6, 7)))
    assert [expression.text for expression in network.constraints] == ["w == stem.out[2] + 2"]
    assert dict(network.defaults) == {"padding": Domain.between(0, 3)}
    stem, last = network.layers
    op: Any = stem.op
    assert (stem.name, stem.inputs, stem.out, op.torch_name) == ("stem", ("input",), (Unknown(), 7), "Conv2d")
    assert (op.kernel_size, op.padding, op.stride) == ((3, Unknown(Domain.of([1, 3]))), Unknown(None, "p"), 1)
    op = last.op
    assert (last.name, last.inputs, last.out, op.ceil_mode) == ("maxpool2d_1", ("stem",), None, Unknown())


def test_default_names_count_each_operator_and_skip_no_number() -> None:
    layers = (RELU, table(op="Tanh"), table(op="ReLU", name="other"), RELU, table(op="Tanh"))
    names = [layer.name for layer in loads(document(*layers)).layers]
    assert names == ["relu_1", "tanh_1", "other", "relu_2", "tanh_2"]


def test_layers_know_their_lines() -> None:
    network = loads(document(RELU, RELU, output=[3, 8, 8]))
    assert [network.line(layer.path) for layer in network.layers] == [4, 5]


@pytest.mark.parametrize("name", ["stem", "a1", "_x", "stage1.0.conv", "features.0"])
def test_names_that_layers_may_have(name: str) -> None:
    assert loads(document(table(op="ReLU", name=name))).layers[0].name == name


@pytest.mark.parametrize(
    "name",
    ["", "1a", "a..b", "a.", ".a", "a b", "a-b", "if", "a.if", "input", "output", "min", "x.max", "\u00e4", "a" * 201],
)
def test_names_that_layers_may_not_have(name: str) -> None:
    shown = f'"{name}"' if len(name) < 39 else f'"{name[:36]}...'
    assert complaints(document(table(op="ReLU", name=name))) == [
        f"net.toml:3: layers[0]: {shown} cannot be a layer's name ({NAMES})"
    ]


def test_a_file_with_a_byte_order_mark_and_foreign_line_ends(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_bytes(b"\xef\xbb\xbf" + document(RELU).replace("\n", "\r\n").encode())
    assert load(file).layers[0].name == "relu_1"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"input = [3]\n\n\xff\xfe", ":3: this is not UTF-8 text, as TOML is"),
        (b"\x93NUMPY\x01", ":1: this is not UTF-8 text, as TOML is"),
        (b"#" * (LARGEST_FILE + 1), ": the file is larger than 16 MiB"),
    ],
)
def test_files_that_are_no_documents(tmp_path: Path, data: bytes, message: str) -> None:
    file = tmp_path / FILE
    file.write_bytes(data)
    with pytest.raises(DocumentError, match=exactly(f"{file}{message}")):
        load(file)


@pytest.mark.parametrize("rest", ["\n" * 3_000_000, "\n " * 1_000_000, "\n" + " " * 3_000_000])
def test_what_may_be_another_language_is_looked_at_once(rest: str) -> None:
    """A pattern that looks ahead from every line would take hours."""
    what = "1: this is not TOML: Expected '=' after a key in a key/value pair (write key = value)"
    with pytest.raises(DocumentError, match=exactly(what)):
        loads("a: " + rest)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=exactly(f"{tmp_path}: this is a directory, not a file")):
        load(tmp_path)
    with pytest.raises(DocumentError, match=exactly(f"{tmp_path / FILE}: there is no such file")):
        load(tmp_path / FILE)
    with pytest.raises(DocumentError, match=exactly("'a\\x00b': this is no file name: embedded null byte")):
        load("a\0b")


# What is written back.


def solved(text: str) -> tuple[Network, str]:
    """The best solution's network, and the document with its values."""
    network = loads(text)
    best = solve(network).best
    assert best is not None
    return best.network, write(network, best.values, best.unknowns)


def test_writing_keeps_comments_and_layout() -> None:
    before = """\
# A network.
name   = "Layout"   # its name
input  = [ 3, "?8", 8 ]  # an image

layers = [
  # the stem
  { op = "Conv2d", out_channels = 4, kernel_size = [3,   "?1"], padding = "?1" },  # first
  { op = "MaxPool2d", kernel_size = 2, ceil_mode = "?0" },
]

# and that is all
"""
    after = (
        before.replace('"?8"', "8")
        .replace('"?1"]', "1]")
        .replace('"?1" }', "1 }")
        .replace('ceil_mode = "?0"', "ceil_mode = false")
    )
    assert solved(before)[1] == after


def test_writing_keeps_tables_and_foreign_line_ends() -> None:
    before = (
        '# \u00fc\ninput = [3, 8, 8]\n\n[[layers]] # one\nop = "ZeroPad2d"\n\npadding = [ 0, "?1", # right\n  0, 0 ]\n'
    )
    before = before.replace("\n", "\r\n")
    assert solved(before)[1] == before.replace('"?1"', "1")


def test_writing_puts_values_for_the_names_of_unknowns_in_constraints() -> None:
    before = document(
        conv(name="p", padding="?padding"),
        table(op="ZeroPad2d", padding=["?s: -1", 0, 0, 0]),
        constraints=["p. padding == padding and min(padding, 9) * 1 == padding", "s  <0", "p.padding >= 0"],
        output=["?", 8, "?"],
    )
    network, text = solved(before)
    assert tomllib.loads(text)["constraints"] == ["p. padding == 1 and min(1, 9) * 1 == 1", "-1  <0", "p.padding >= 0"]
    again = loads(text)
    assert (again.layers, again.inputs) == (network.layers, network.inputs)
    assert pose(again).violations == ()


def test_a_network_without_a_document_cannot_be_written() -> None:
    network = Network({"input": (3, 8, 8)}, ())
    with pytest.raises(ValueError, match=r"^this network was not read from a document$"):
        write(network, {}, {})


MARKS = st.sampled_from(["?", "?0..3", "?1|2", "?p", "?p: 0..2", "?  q: 1..3"])
PADDINGS = st.one_of(st.integers(0, 3), MARKS)


@st.composite
def layers(draw: st.DrawFn) -> str:
    """A layer with question marks in some places, as an inline table."""
    if draw(st.booleans()):
        kernel = draw(st.one_of(st.integers(1, 3), st.just("?1..3"), st.just([1, "?2..3"])))
        padding = draw(st.one_of(PADDINGS, st.lists(PADDINGS, min_size=2, max_size=2)))
        return conv(kernel, padding=padding, stride=draw(st.sampled_from([1, 2, "?1|2", "?"])))
    padding = draw(st.one_of(PADDINGS, st.lists(PADDINGS, min_size=4, max_size=4)))
    return table(op="ZeroPad2d", padding=padding)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document with comments and blanks in odd places."""
    lines = []
    for text in draw(st.lists(layers(), min_size=1, max_size=3)):
        note = draw(st.sampled_from(["", "  # why", "\n\n  # above"]))
        lines.append(f"  {text},{note}")
    size = draw(st.sampled_from(["9", '"?7..9"']))
    return f"# top\ninput = [3,  9, {size}]  # side\n\nlayers = [\n" + "\n".join(lines) + "\n] # end\n"


@given(documents())
@settings(max_examples=60, deadline=None)
def test_what_is_written_reads_back_equal_and_changes_question_marks_only(text: str) -> None:
    try:
        network = loads(text)
    except DocumentError as error:
        assert all("no value is left" in mistake.text for mistake in error.mistakes)  # noqa: PT017 - one of two ends, both right
        return
    best = solve(network).best
    if best is None:
        return
    after = write(network, best.values, best.unknowns)
    again = loads(after)
    assert (again.layers, again.inputs) == (best.network.layers, best.network.inputs)
    assert not pose(again).questions
    pieces = [piece for i, piece in enumerate(text.split('"')) if i % 2 == 0 or not piece.lstrip().startswith("?")]
    position = 0
    for piece in pieces:
        position = after.find(piece, position)
        assert position >= 0
        position += len(piece)


# Documents that come from strangers.


def test_thousands_of_mistakes_are_all_told() -> None:
    found = complaints(document(*[table(op="RReLUU")] * 1200, constraints=["relu_1.out[0] == 1"] * 200))
    assert len([line for line in found if 'there is no operator "RReLUU"' in line]) == 1200
    assert found[-1] == 'net.toml:1203: rreluu_1200: there is no operator "RReLUU"'


def test_a_long_text_makes_no_long_message() -> None:
    assert complaints(document(table(op="a" * 10**6))) == [
        f'net.toml:3: layer_1: there is no operator "{"a" * 36}... (see `netsolve ops`)'
    ]


SCALARS = st.one_of(
    st.integers(-(2**33), 2**33),
    st.integers(-2, 9),
    st.booleans(),
    st.floats(),
    MARKS,
    st.text("?0123|.:pq -", max_size=6).map(lambda body: "?" + body),
    st.sampled_from(["same", "none", "input", "relu_1", "conv2d_1", "reflect", "Conv2d", "ReLU", ""]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["op", "layers", "p", "padding", "repeat"]), inner, max_size=3),
    ),
    max_leaves=6,
)
ARGUMENTS = st.sampled_from(
    [
        "op",
        "name",
        "from",
        "out",
        "repeat",
        "layers",
        "block",
        "like",
        "out_channels",
        "in_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "bias",
        "ceil_mode",
        "output_size",
        "in_features",
        "out_features",
        "start_dim",
        "end_dim",
        "num_groups",
        "num_features",
        "dim",
        "broadcast",
    ]
)
OPERATIONS = st.sampled_from(
    ["Conv2d", "Conv1d", "MaxPool2d", "ReLU", "Flatten", "Linear", "BatchNorm2d", "AvgPool2d", "cat", "add"]
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """A layer with some right and some wrong arguments."""
    arguments: dict[str, Any] = {"op": draw(OPERATIONS)}
    if draw(st.booleans()):
        arguments |= {"out_channels": 4, "kernel_size": 3} if arguments["op"].startswith("Conv") else {"kernel_size": 2}
    return arguments | draw(st.dictionaries(ARGUMENTS, VALUES, max_size=3))


STRANGE = st.fixed_dictionaries(
    {
        "input": st.one_of(st.just([3, 8, 8]), st.just([3, "?", 8]), VALUES),
        "layers": st.one_of(st.lists(tables(), max_size=4), VALUES),
    },
    optional={
        "output": VALUES,
        "outputs": VALUES,
        "inputs": VALUES,
        "name": VALUES,
        "unknown": st.one_of(st.dictionaries(ARGUMENTS, VALUES, max_size=2), VALUES),
        "constraints": st.one_of(
            st.lists(st.sampled_from(["conv2d_1.padding == p", "input[1] > 2", "relu_1.out[0] == q", "p", "1 == 1"])),
            VALUES,
        ),
        "blocks": st.one_of(st.dictionaries(st.sampled_from(["b", "c"]), VALUES, max_size=2), VALUES),
        "extra": VALUES,
    },
)


def read(text: str) -> Network | DocumentError:
    """The network of a text, or its mistakes; nothing else may happen."""
    try:
        return loads(text)
    except DocumentError as error:
        return error


@given(STRANGE)
@settings(max_examples=400, deadline=None)
def test_any_values_anywhere_give_a_network_or_mistakes(values: dict[str, Any]) -> None:
    found = read(tomlkit.dumps(values))
    if isinstance(found, Network):
        assert pose(found).shapes.keys() >= {layer.name for layer in found.layers}
    else:
        assert all(mistake.text for mistake in found.mistakes)


@given(st.text(st.sampled_from("[]{}=,.\"'?#\n ab1-_\\"), max_size=60), st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_network_or_mistakes(noise: str, place: int) -> None:
    good = document(conv(padding="?p"), RELU, constraints=["p == 1"])
    for text in (noise, good[:place] + noise + good[place:], good[:place] + noise):
        assert isinstance(read(text), Network | DocumentError)
