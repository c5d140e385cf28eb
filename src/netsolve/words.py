"""Names that documents may use, and remedies for misspelt ones."""

import difflib
import keyword
import re
from collections.abc import Iterable

TAKEN = frozenset({"input", "output", "min", "max", "abs"})
"""Words of the document language that name nothing else."""

MOST_COMPARED = 500

MEANT = {
    "conv": ("Conv1d", "Conv2d", "Conv3d"),
    "convolution1d": ("Conv1d",),
    "convolution2d": ("Conv2d",),
    "convolution3d": ("Conv3d",),
    "conv2dtranspose": ("ConvTranspose2d",),
    "deconv": ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
    "deconvolution": ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
    "deconv1d": ("ConvTranspose1d",),
    "deconv2d": ("ConvTranspose2d",),
    "deconv3d": ("ConvTranspose3d",),
    "depthwiseconv2d": ("Conv2d",),
    "dense": ("Linear",),
    "fc": ("Linear",),
    "fullyconnected": ("Linear",),
    "innerproduct": ("Linear",),
    "maxpool": ("MaxPool1d", "MaxPool2d", "MaxPool3d"),
    "avgpool": ("AvgPool1d", "AvgPool2d", "AvgPool3d"),
    "averagepooling2d": ("AvgPool2d",),
    "globalaveragepooling2d": ("AdaptiveAvgPool2d",),
    "globalavgpool": ("AdaptiveAvgPool2d",),
    "globalavgpool2d": ("AdaptiveAvgPool2d",),
    "globalmaxpool2d": ("AdaptiveMaxPool2d",),
    "gap": ("AdaptiveAvgPool2d",),
    "globalmaxpooling2d": ("AdaptiveMaxPool2d",),
    "batchnorm": ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    "batchnormalization": ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    "bn": ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"),
    "upsampling2d": ("Upsample",),
    "interpolate": ("Upsample",),
    "resize": ("Upsample",),
    "concat": ("cat",),
    "concatenate": ("cat",),
    "sum": ("add",),
    "eltwise": ("add",),
    "multiply": ("mul",),
    "filters": ("out_channels",),
    "numfilters": ("out_channels",),
    "planes": ("out_channels",),
    "width": ("out_channels",),
    "channels": ("out_channels", "num_channels"),
    "features": ("out_features", "num_features"),
    "units": ("out_features",),
    "neurons": ("out_features",),
    "poolsize": ("kernel_size",),
    "filtersize": ("kernel_size",),
    "size": ("kernel_size",),
    "pads": ("padding",),
    "rate": ("dilation", "p"),
    "dilationrate": ("dilation",),
    "axis": ("dim",),
    "type": ("op",),
    "kind": ("op",),
    "layer": ("op",),
    "inputs": ("from",),
    "bottom": ("from",),
    "outputshape": ("out", "output"),
    "outshape": ("out", "output"),
    "outputsize": ("out", "output"),
    "inputshape": ("input",),
    "inputsize": ("input",),
}
"""What Keras, Caffe and habit call things (in small letters, without _), and what it may be here."""

_NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)


def valid_name(name: str) -> bool:
    """Whether a layer, an input or an unknown may have this name."""
    return bool(_NAME.fullmatch(name)) and not any(
        part in TAKEN or keyword.iskeyword(part) for part in (name, *name.split("."))
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """A remedy for a misspelt word: the nearest known ones, or all where they are few."""
    names = sorted(known)
    if meant := [name for name in MEANT.get(word[:60].lower().replace("_", ""), ()) if name in names]:
        return f"did you mean {' or '.join(meant)}?"
    folded = {name.lower(): name for name in reversed(names[:MOST_COMPARED])}
    close = difflib.get_close_matches(word[:60].lower(), folded, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(folded[name] for name in close) + "?"
    if not names:
        return ""
    return f"there are {', '.join(names)}" if len(names) <= 20 else "see `netsolve ops`"  # noqa: PLR2004 - as many as fit on a line or two
