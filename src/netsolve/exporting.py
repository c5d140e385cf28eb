"""A fully known network as an ONNX file, by torch's exporter."""

import logging
import os
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from netsolve.build import build
from netsolve.errors import FaultError, UsageError
from netsolve.network import Network

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 2**31 - 1
NEEDED = 'reading and writing ONNX needs the packages onnx and onnxscript: pip install "netsolve[onnx]"'

Shapes = Mapping[str, tuple[int, ...]]


def export(network: Network, shapes: Shapes, path: "str | Path") -> None:
    """Write an ONNX file, with torch's usual initial weights and a batch of one.

    shapes: the shape after each input and layer, without batch. onnx's own shape inference is run over what was
    written: the outputs have the predicted shapes, or it is a FaultError. Raises UsageError where a package is missing
    or the file cannot be written, or where the model cannot be held in one file or is none that torch exports. Inputs
    have the document's names; the output is "output", or where there are several each has its layer's name and
    "_output" (torch's own names of values are like those of layers, and the exporter mixes them up where they are
    equal).
    """
    try:
        import onnx  # noqa: PLC0415 - an extra
        import onnxscript  # noqa: F401, PLC0415 - torch's exporter needs it
    except ImportError:
        raise UsageError(NEEDED) from None
    size = 4 * sum(layer.op.parameters(tuple(shapes[name] for name in layer.inputs)) for layer in network.layers)
    if size > LARGEST:
        msg = f"the weights take {size / 2**30:.1f} GiB, and an ONNX file holds 2"
        raise UsageError(msg)
    whole = {name for layer in network.layers if layer.op.indices for name in layer.inputs}
    given = {name: torch.long if name in whole else torch.float32 for name in network.inputs}
    inputs = tuple(torch.zeros(1, *shapes[name], dtype=kind) for name, kind in given.items())
    results = network.results
    outputs = {f"{name}_output": name for name in results} if len(results) > 1 else {"output": results[0]}
    names: dict[str, Any] = {"input_names": list(network.inputs), "output_names": list(outputs)}
    with _quiet():
        try:
            program: Any = torch.onnx.export(build(network, shapes).eval(), inputs, dynamo=True, verbose=False, **names)
        except Exception as error:  # the exporter raises what its parts raise
            msg = f"torch cannot export this network: {str(error).strip().splitlines()[0][:200]}"
            raise UsageError(msg) from error
        try:
            program.save(os.fspath(path), external_data=False)
        except (OSError, TypeError) as error:
            msg = f"the model cannot be written to {path}: {getattr(error, 'strerror', None) or error}"
            raise UsageError(msg) from None
    compare(onnx.load(os.fspath(path), load_external_data=False), {out: shapes[name] for out, name in outputs.items()})


def compare(model: Any, shapes: Shapes) -> None:
    """Raise FaultError where onnx's shape inference gives an output another shape."""
    from onnx import shape_inference  # noqa: PLC0415 - an extra

    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    for output in graph.output:
        found = tuple(dim.dim_value for dim in output.type.tensor_type.shape.dim[1:])
        if found != tuple(shapes[output.name]):
            msg = f"onnx says {found} for {output.name}, and netsolve {tuple(shapes[output.name])}"
            raise FaultError(msg)


@contextmanager
def _quiet() -> Any:
    """Keep what torch's exporter says of itself from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
