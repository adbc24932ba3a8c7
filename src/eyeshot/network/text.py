"""A network as text that reads back, for tests, bug reports and docs.

    network "two" from "notation"
    input = Input(axes=(2, 3)) : 1x3x8x8
    conv1 = Conv(kernel=(3, 3), …) input : 1x64x8x8 params=1792
    relu1 = Pointwise(name='relu') conv1 : 1x64x8x8

Names with other characters than letters, digits and ``_.#-`` are quoted as in JSON. Reading executes nothing.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import fields

from eyeshot.errors import ReadError
from eyeshot.network.graph import Network, Node, node
from eyeshot.network.ops import OPS, Op
from eyeshot.network.relations import Shape
from eyeshot.shown import quoted

_OPS = {op.__name__: op for op in OPS}
_PLAIN = re.compile(r"[\w.#-]+")
_NAME = r'(?:[\w.#-]+|"(?:[^"\\]|\\.)*")'
_LINE = re.compile(
    rf"(?P<name>{_NAME}) = (?P<op>\w+\(.*\))(?P<inputs>(?: {_NAME})*)"
    r" : (?P<shape>\d{1,20}(?:x\d{1,20})*)(?: params=(?P<params>\d{1,200}))?"
)
_HEAD = re.compile(r'network (?P<name>"(?:[^"\\]|\\.)*") from (?P<source>"(?:[^"\\]|\\.)*")')


def write(network: Network) -> str:
    """The network as text; notes are left out, and what ops do by default."""
    head = f"network {json.dumps(network.name)} from {json.dumps(network.source)}"
    return "\n".join([head, *map(_line, network), ""])


def parse(text: str) -> Network:
    """Read what ``write`` wrote.

    Raises:
        ReadError: names the line, what was found and what was expected.
    """
    lines = text.splitlines()
    head = _HEAD.fullmatch(lines[0]) if lines else None
    if head is None:
        raise ReadError('line 1: a network\'s text begins with: network "name" from "source"')
    nodes: dict[str, Node] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            parsed = _read_line(line, number, nodes)
            nodes[parsed.name] = parsed
    if not nodes:
        raise ReadError("the network has no lines after its first")
    return Network(name=json.loads(head["name"]), source=json.loads(head["source"]), nodes=tuple(nodes.values()))


def _line(item: Node) -> str:
    values = [(f.name, getattr(item.op, f.name)) for f in fields(item.op) if getattr(item.op, f.name) != f.default]
    settings = ", ".join(f"{name}={value!r}" for name, value in values)
    inputs = "".join(f" {_quoted(name)}" for name in item.inputs)
    params = f" params={item.params}" if item.params else ""
    shape = "x".join(map(str, item.shape))
    return f"{_quoted(item.name)} = {type(item.op).__name__}({settings}){inputs} : {shape}{params}"


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name)


def _read_line(line: str, number: int, nodes: dict[str, Node]) -> Node:
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise ReadError(f"line {number}: expected 'name = Op(…) inputs : shape', found {quoted(line.strip())}")
    names = [_unquoted(name) for name in re.findall(_NAME, match["inputs"])]
    for name in names:
        if name not in nodes:
            known = ", ".join(list(nodes)[-5:]) or "none"
            raise ReadError(f"line {number}: reads {name!r}, which no earlier line defines; the last defined: {known}")
    name = _unquoted(match["name"])
    if name in nodes:
        raise ReadError(f"line {number}: {name!r} is defined twice")
    shape: Shape = tuple(int(n) for n in match["shape"].split("x"))
    op = _read_op(match["op"], number)
    params = int(match["params"] or 0)
    return node(name=name, op=op, inputs=tuple(nodes[n] for n in names), shape=shape, params=params)


def _unquoted(name: str) -> str:
    return str(json.loads(name)) if name.startswith('"') else name


def _read_op(text: str, number: int) -> Op:
    try:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        kind = _OPS[call.func.id]
        return kind(**{str(k.arg): ast.literal_eval(k.value) for k in call.keywords})
    except (SyntaxError, ValueError, AssertionError, TypeError, RecursionError, MemoryError) as error:
        raise ReadError(f"line {number}: {text} cannot be read: {error}") from error
    except KeyError as error:
        raise ReadError(f"line {number}: no op {error}; ops are {', '.join(_OPS)}") from error
