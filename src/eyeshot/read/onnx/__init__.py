"""ONNX files, read by themselves: neither onnx nor a framework is imported, no weight is read, nothing is run.

A file is data from a stranger. Its wire format is parsed within bounds, numbers are decoded only where shapes and
positions are computed from them, and nothing outside the file is opened.

    wire        fields of a message, within its bounds        operators   one rule per operator, one file per family
    messages    models, graphs, nodes, tensors                folding     what operators make of numbers
    values      what is known of a tensor                     reader      the walk along the graph
    inputs      what goes in                                  names       where in the user's model a node was
"""

from __future__ import annotations

from eyeshot.read.onnx.reader import read_file, read_model

__all__ = ["read_file", "read_model"]
