"""What does each layer of one network see and cost? The answers together, each computed when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eyeshot.analyse.cost import Cost, Totals, costs, totals
from eyeshot.analyse.field import Field, Fields, UnitHull
from eyeshot.errors import UsageError
from eyeshot.garbage import uncollected
from eyeshot.network.graph import Network, Node, Note
from eyeshot.network.ops import Conv, ConvTranspose, Input, Sliding

if TYPE_CHECKING:
    from fractions import Fraction

    from eyeshot.analyse.footprint import Footprint
    from eyeshot.analyse.hulls import Interval
    from eyeshot.analyse.lookahead import Look

_GROUPED = (Conv, ConvTranspose)
SCHEMA, FIELD_SCHEMA = "eyeshot.network/1", "eyeshot.field/1"


class Unit:
    """One unit of a layer: what it sees."""

    def __init__(self, view: View, at: tuple[int, ...]) -> None:
        self._view, self.at = view, at

    @cached_property
    def hull(self) -> UnitHull:
        """Inclusive ranges per axis, unclipped and clipped to the image."""
        return self._view.fields.unit(self._view.name, self.at)

    @cached_property
    def footprint(self) -> Footprint:
        """The exact set of pixels inside the image."""
        from eyeshot.analyse.footprint import footprint

        return footprint(self._view.fields.network, self._view.name, self.at, gates=self._view.fields.gates)

    @property
    def is_global(self) -> bool:
        """Whether the unit sees from one end of the image to the other along every axis."""
        extent = self._view.fields.network.extent
        return all(ends == (0, n - 1) for ends, n in zip(self.hull.clipped, extent, strict=True))

    @cached_property
    def look(self) -> tuple[Fraction, Look] | None:
        """Of sequences: the unit's own position, and how far back and ahead of it it sees."""
        if len(self._view.fields.network.axes) != 1:
            return None
        from eyeshot.analyse.lookahead import look_of

        return look_of(self._view.fields, self._view.name, self.at, self.hull.unclipped[0])

    def to_dict(self, *, rate: float | None = None) -> dict[str, Any]:
        """The document of schema eyeshot.field/1; ``rate`` is positions a second."""
        data = self._view.fields.data.unit(self._view.name, self.at)
        along_data = {"data_hull": data.unclipped, "data_clipped": data.clipped} if data != self.hull else {}
        return {
            "schema": FIELD_SCHEMA,
            "layer": self._view.name,
            "unit": list(self.at),
            "hull": [list(ends) for ends in self.hull.unclipped],
            "clipped": [list(ends) for ends in self.hull.clipped],
            "global": self.is_global,
            "exact": self._view.name not in self._view.fields.bounded,
            "footprint": {
                "count": self.footprint.count,
                "boxes": [[list(ends) for ends in box] for box in self.footprint.boxes()],
            },
            **{key: [list(ends) for ends in pairs] for key, pairs in along_data.items()},
            **({} if self.look is None else {"look": self._look_dict(*self.look, rate)}),
        }

    def _look_dict(self, own: Fraction, look: Look, rate: float | None) -> dict[str, Any]:
        from eyeshot.analyse.lookahead import plain

        return {"position": plain(own), **look.to_dict(rate)}


class View:
    """What a layer's units see: with gates and statistics, or the data path alone."""

    def __init__(self, name: str, fields: Fields) -> None:
        self.name, self.fields = name, fields

    @property
    def field(self) -> Field:
        """Size, stride and start."""
        return self.fields[self.name]

    @cached_property
    def hulls(self) -> list[Interval]:
        """Per spatial axis a pair (first, last) of int arrays: the clipped interval of input positions that the units
        at each position along that axis see, united over the other axes and channels; last < first: nothing.

        Tokens have one axis for all spatial ones, and windows of them two: the arrays run along those.
        """
        return self.fields.hulls(self.name)

    @cached_property
    def look(self) -> Look | None:
        """Of sequences: how far back and ahead of its own position a unit sees; None for images and volumes."""
        if len(self.fields.network.axes) != 1:
            return None
        from eyeshot.analyse.lookahead import look

        return look(self.fields, self.name)

    def unit(self, *at: int) -> Unit:
        """The unit at a position, one index per axis.

        Raises:
            UsageError: if the layer has no such unit.
        """
        from eyeshot.analyse.footprint import check_unit

        check_unit(self.fields.network, self.name, at)
        return Unit(self, at)


class Layer(View):
    """One layer: what it is, sees and costs. ``data`` has the same views with gates and statistics left out."""

    def __init__(self, node: Node, fields: Fields) -> None:
        super().__init__(node.name, fields)
        self.node = node

    @property
    def data(self) -> View:
        """What it sees along the data path alone, which is all there is where a network has no gates."""
        return self if self.fields.data is self.fields else self._along_data

    @cached_property
    def _along_data(self) -> View:
        return View(self.name, self.fields.data)

    def __repr__(self) -> str:
        size = "×".join(map(str, self.field.size))
        return f"<Layer {self.name} {self.op} out {'×'.join(map(str, self.out))} sees {size}>"

    @property
    def op(self) -> str:
        """The op's name, such as conv2d."""
        return self.node.op.kind

    @property
    def out(self) -> tuple[int, ...]:
        """Shape of the output, without the batch axis where that is 1."""
        return self.node.shape[1:] if self.node.shape[:1] == (1,) else self.node.shape

    @property
    def cost(self) -> Cost:
        """Weights, MACs and activations."""
        return costs(self.fields.network)[self.name]

    @property
    def params(self) -> int:
        """Number of weights and biases."""
        return self.cost.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one input."""
        return self.cost.macs

    @property
    def activations(self) -> int:
        """Elements that the layer writes; none where its output is a view."""
        return self.cost.activations

    def to_dict(self, rate: float | None = None) -> dict[str, Any]:
        """The layer's entry in the document of schema eyeshot.network/1; ``rate`` is positions a second."""
        node, op, cost = self.node, self.node.op, self.cost
        document: dict[str, Any] = {
            "name": self.name,
            "op": op.kind,
            "inputs": list(node.inputs),
            "out": list(self.out),
        }
        if isinstance(op, Sliding):
            document["kernel"] = list(op.kernel)
            document["stride"] = list(op.stride)
            document["dilation"] = list(op.dilation)
            document["padding"] = [list(sides) for sides in op.padding]
            if isinstance(op, _GROUPED):
                document["groups"] = op.groups
        if node.line:
            document["line"] = node.line
        document["field"] = _field_dict(self, rate)
        document["data_field"] = _field_dict(self.data, rate)
        document["params"] = cost.params
        document["macs"] = cost.macs
        document["activations"] = cost.activations
        document["saved_activations"] = cost.saved_activations
        return document


class Inspection:
    """What a network's layers see and cost, by name and in the order in which they run."""

    def __init__(self, network: Network) -> None:
        self.network = network
        fields = Fields(network)
        self.layers = [Layer(node, fields) for node in network.layers]
        self._by_name = {layer.name: layer for layer in self.layers}

    def __getitem__(self, name: str) -> Layer:
        node = self.network[name]
        if node.name not in self._by_name:
            raise UsageError(f"{name!r} is the input of {self.network.name}, not a layer (eyeshot show lists those)")
        return self._by_name[node.name]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __repr__(self) -> str:
        costs = f"{self.totals.params:,} params, {self.totals.macs:,} MACs"
        return f"<{type(self).__name__} {self.network.name}: {len(self)} layers, {costs}>"

    @cached_property
    def totals(self) -> Totals:
        """What the network costs."""
        return totals(self.network)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What a reader of the numbers should know: what its reader said, checkerboards, branches that lie apart."""
        from eyeshot.analyse import apart, checkerboard

        return (*self.network.notes, *checkerboard.notes(self.network), *apart.notes(self.network))

    @property
    def is_exact(self) -> bool:
        """Whether no field is only a bound, and no layer is missing."""
        return all(layer.field.is_exact for layer in self.layers) and all(
            note.kind != "bound" for note in self.network.notes
        )

    def to_json(self, *, rate: float | None = None) -> dict[str, Any]:
        """The document of schema eyeshot.network/1, ready for json.dumps.

        ``rate`` is the positions a second of a sequence, so that back and ahead are told in seconds too.
        """
        with uncollected():
            return self._document(rate)

    def _document(self, rate: float | None) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "network": {
                "name": self.network.name,
                "source": self.network.source,
                "input": list(self.network.input.shape[1:]),
                **_ends_dict(self.network),
                **({} if rate is None else {"rate": rate}),
            },
            "layers": [layer.to_dict(rate) for layer in self.layers],
            "totals": {
                "params": self.totals.params,
                "macs": self.totals.macs,
                "activations": self.totals.activations,
                "mac_activations": self.totals.mac_activations,
                "peak_activations": self.totals.peak_activations,
                "saved_activations": self.totals.saved_activations,
                "saved_exact": self.totals.is_saved_exact,
            },
            "notes": [{"layer": note.layer, "kind": note.kind, "text": note.text} for note in self.notes],
        }


def _field_dict(view: View, rate: float | None) -> dict[str, Any]:
    field = view.field
    centre = field.centre
    document: dict[str, Any] = {
        "size": list(field.size),
        "stride": None if field.stride is None else list(map(_number, field.stride)),
        "start": None if field.start is None else list(field.start),
        "centre": None if centre is None else list(centre),
        "regular": field.is_regular,
        "global": field.is_global,
        "exact": field.is_exact,
    }
    if field.phases is not None:
        document["phases"] = [turn and list(turn) for turn in field.phases]
    if field.one_sided is not None:
        document["one_sided"] = list(field.one_sided)
    if len(view.fields.network.axes) == 1 and view.look is not None:
        document["look"] = view.look.to_dict(rate)
    return document


def _ends_dict(network: Network) -> dict[str, Any]:
    """All inputs and outputs, where there is more to say than one image and the last layer."""
    document: dict[str, Any] = {}
    usual = tuple(range(2, len(network.input.shape)))
    if len(network.inputs) > 1 or network.axes != usual:
        document["inputs"] = [
            {"name": node.name, "shape": list(node.shape[1:]), "axes": [axis - 1 for axis in node.op.axes]}
            for node in network.inputs
            if isinstance(node.op, Input)
        ]
    if network.outputs not in ((), (network.output.name,)):
        document["outputs"] = list(network.outputs)
    return document


def _number(step: object) -> object:
    return step if step is None or isinstance(step, int) else float(step)  # type: ignore[arg-type]
