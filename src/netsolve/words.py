"""Names that documents may use, and remedies for misspelt ones."""

import difflib
import keyword
import re
from collections.abc import Iterable

TAKEN = frozenset({"input", "output", "min", "max", "abs"})
"""Words of the document language that name nothing else."""

MOST_COMPARED = 500

SYNONYMS = {
    "Conv1d": "conv convolution1d",
    "Conv2d": "conv convolution2d depthwiseconv2d",
    "Conv3d": "conv convolution3d",
    "ConvTranspose1d": "deconv deconv1d deconvolution conv1dtranspose",
    "ConvTranspose2d": "deconv deconv2d deconvolution conv2dtranspose",
    "ConvTranspose3d": "deconv deconv3d deconvolution conv3dtranspose",
    "Linear": "dense fc fullyconnected innerproduct",
    "MaxPool2d": "maxpool maxpooling2d",
    "AvgPool2d": "avgpool averagepooling2d",
    "AdaptiveAvgPool2d": "gap globalavgpool globalavgpool2d globalaveragepooling2d",
    "AdaptiveMaxPool2d": "globalmaxpool globalmaxpool2d globalmaxpooling2d",
    "BatchNorm2d": "bn batchnorm batchnormalization",
    "Upsample": "upsampling2d interpolate resize",
    "cat": "concat concatenate",
    "add": "sum eltwise",
    "mul": "multiply",
    "out_channels": "filters numfilters planes width channels",
    "out_features": "units neurons features",
    "kernel_size": "size poolsize filtersize",
    "padding": "pads",
    "dilation": "rate dilationrate",
    "dim": "axis",
    "op": "type kind layer",
    "from": "inputs bottom",
    "out": "outshape outsize outputshape outputsize",
    "input": "inputshape inputsize",
    "output": "outputshape outputsize",
}
"""What Keras, Caffe and habit call things, in small letters and without _, by what they are here."""

SLIP = 0.88
"""How alike words are of which one is a slip of the other."""

_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)


def valid_name(name: str) -> bool:
    """Whether a layer, an input or an unknown may have this name."""
    return bool(_NAME.fullmatch(name)) and not any(
        part in TAKEN or keyword.iskeyword(part) for part in (name, *name.split("."))
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt word: the nearest known ones, or all where they are few."""
    names = sorted(known)
    folded = {name.lower(): name for name in reversed(names[:MOST_COMPARED])}
    if (plain := word[-60:].rpartition(".")[2].lower()) in folded:  # nn.Conv2d, F.relu, Conv2D
        return f"did you mean {folded[plain]}?"
    small = word[:60].lower()
    meant = [name for name in names if small.replace("_", "") in SYNONYMS.get(name, "").split()]
    if meant and not difflib.get_close_matches(small, folded, n=1, cutoff=SLIP):
        return f"did you mean {' or '.join(meant)}?"
    if close := difflib.get_close_matches(small, folded, n=3, cutoff=0.6):
        return "did you mean " + " or ".join(folded[name] for name in close) + "?"
    if not names:
        return ""
    return f"there are {', '.join(names)}" if len(names) <= 20 else "see `netsolve ops`"  # noqa: PLR2004 - as many as fit on a line or two
