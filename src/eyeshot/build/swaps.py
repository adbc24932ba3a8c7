"""Layers of a module swapped for chains of others, in place: what the module is copied for.

A chain of one takes the layer's place and name, a longer one is a Sequential under it, so that the weights of layer
``conv1`` are found as ``conv1.0.weight`` and so on; of an empty chain an Identity is left. Kept convolutions stay the
objects that they were, of the user's own classes, with other settings.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eyeshot.errors import MissingExtraError, UsageError
from eyeshot.network.graph import Network, Node
from eyeshot.network.ops import Conv, ConvTranspose, EdgePad, Norm, Op
from eyeshot.network.relations import Sides

try:
    import torch
    from torch import nn
except ImportError:
    raise MissingExtraError("changing a module", "torch", "torch") from None

from eyeshot.build.factors import factored
from eyeshot.build.folding import composed, fold_batch_norm
from eyeshot.build.torch import initialise, is_even, module_of

_OF_PYTORCH = frozenset(vars(nn.Module()))
_ONLY_PAD = frozenset({"Conv2dSame", "PaddedConv1d", "PaddedConv2d", "PaddedConv3d"})
"""Convolutions with padding of their own: timm's, and those of built designs."""
_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_AVERAGES = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """A layer, its module's path, the names of the chain that stands for it, and where the chain's weights come from.

    ``weights`` is kept, anew, composed, least squares or folded; ``sources`` are the layers whose weights are used,
    with their modules' paths.
    """

    layer: str
    path: str
    names: tuple[str, ...]
    weights: str
    sources: Mapping[str, str]


@dataclass(frozen=True)
class Owned:
    """The path and class of the module that does what a layer does, and whether its weights are used as they are."""

    path: str
    kind: str
    is_plain: bool


def owners_of(module: nn.Module, network: Network) -> dict[str, Owned]:
    """The modules of a network's layers, where one module does one layer, by the layers' names."""
    modules = dict(module.named_modules())
    owners: dict[str, Owned] = {}
    for node in network.layers:
        path = node.name
        child = modules.get(path)
        if child is None and isinstance(node.op, Norm):  # those that bring an activation of their own have parts
            path = node.name.removesuffix(f".{node.op.kind}")
            child = modules.get(path)
            child = child if isinstance(child, nn.modules.batchnorm._BatchNorm) else None
        elif child is not None and child._modules:
            child = None
        if child is not None:
            owners[node.name] = Owned(path, type(child).__name__, _is_plain(child))
    return owners


def _is_plain(child: nn.Module) -> bool:
    """Whether a layer with weights convolves with them: PyTorch's own, and those that only pad in another way."""
    kind = type(child)
    if isinstance(child, (*_CONVS, nn.Linear)):
        return kind.__module__.startswith("torch.nn.modules") or kind.__name__ in _ONLY_PAD
    return True


def swap_layers(
    module: nn.Module, before: Network, after: Network, replacements: Sequence[Replacement]
) -> dict[str, float]:
    """Swap layers of a module in place.

    Args:
        module: a copy of the user's.
        before, after: its networks before and after, in which the chains' layers are.
        replacements: which layers become what.

    Returns:
        By layer the relative error of weights that are least squares: ‖W − W'‖ / ‖W‖ of the whole kernel; none for a
        module without numbers.
    """
    modules = {each.layer: module.get_submodule(each.path) for each in replacements}
    modules |= {name: module.get_submodule(path) for each in replacements for name, path in each.sources.items()}
    errors: dict[str, float] = {}
    with torch.no_grad():
        chains = {each.layer: _chain(modules, before, after, each, errors) for each in replacements}
    changed: dict[int, tuple[nn.Module, nn.Module]] = {}  # by identity, so that no old one is freed and its id reused
    for each in sorted(replacements, key=lambda each: each.path.count(".")):  # what holds others goes before them
        old = module.get_submodule(each.path)
        changed[id(old)] = old, _put(module, each.path, chains[each.layer])
    for child in module.modules():
        own = {key: value for key, value in vars(child).items() if type(value) in (list, tuple, dict)}
        own = {key: value for key, value in own.items() if key not in _OF_PYTORCH}
        vars(child).update({key: _exchanged(value, changed) for key, value in own.items()})
    return errors


def _exchanged(value: Any, changed: Mapping[int, tuple[nn.Module, nn.Module]], depth: int = 0) -> Any:
    """A value with modules exchanged in it, where lists, tuples and dictionaries of a module hold its own parts."""
    if isinstance(value, nn.Module):
        return changed[id(value)][1] if id(value) in changed else value
    if depth < 3 and type(value) in (list, tuple):
        return type(value)(_exchanged(each, changed, depth + 1) for each in value)
    if depth < 3 and type(value) is dict:
        return {key: _exchanged(each, changed, depth + 1) for key, each in value.items()}
    return value


def _chain(
    modules: Mapping[str, nn.Module], before: Network, after: Network, each: Replacement, errors: dict[str, float]
) -> list[nn.Module]:
    old, op = modules[each.layer], before[each.layer].op
    if each.weights == "folded":
        (norm,) = each.sources or (each.layer,)
        return [fold_batch_norm(old, modules[norm])] if each.names else [rest_of(old)]
    if not each.names and isinstance(old, nn.modules.batchnorm._BatchNorm):
        return [rest_of(old)]
    weighted = (old, *(modules[name] for name in each.sources), *modules.values())
    like = next((parameter for layer in weighted for parameter in layer.parameters()), None)
    kept = False
    chain: list[nn.Module] = []
    edge = next((after[name] for name in each.names if isinstance(after[name].op, EdgePad)), None)
    for name in each.names:
        node = after[name]
        if node is edge:
            continue
        if each.weights == "kept" and not kept and _is_alike(op, node, before[each.layer]):
            chain.append(_edited(old, node, None if edge is None else edge.op) if isinstance(op, Conv) else old)
            kept = True
            continue
        if isinstance(node.op, Norm) and isinstance(old, _NORMS):
            chain.append(_of_width(old, node.shape[node.op.statistics[0] if node.op.mode == "layer" else 1]))
            continue
        if isinstance(old, _TRANSPOSED) and isinstance(node.op, ConvTranspose):
            chain.append(_as(_transposed(old, after[node.inputs[0]].shape[1], node.shape[1]), like, old))
            continue
        chain.append(_padding_as(old, _as(module_of(after, node), like, old)))
    if each.weights in ("anew", "composed", "least squares", "averaging"):
        _weigh(modules, before, after, each, chain, errors)
    return chain


def _weigh(
    modules: Mapping[str, nn.Module],
    before: Network,
    after: Network,
    each: Replacement,
    chain: Sequence[Any],
    errors: dict[str, float],
) -> None:
    """Give new layers their weights."""
    weighted = [child for child in chain if getattr(child, "weight", None) is not None]
    convs = [child for child in weighted if isinstance(child, (*_CONVS, *_TRANSPOSED, nn.Linear))]
    if any(child.weight.is_meta for child in convs):
        return
    if each.weights == "averaging":
        for child in convs:
            child.weight.fill_(1 / child.weight[0].numel())
        return
    if each.weights == "anew":
        for child in convs:
            initialise(child, is_rectified=True)
        return
    sources = [(modules[name], before[name].op) for name in (each.sources or (each.layer,))]
    kernel, bias = composed(sources, getattr(convs[0], "groups", 1) if each.weights == "composed" else 1)
    if each.weights == "composed":
        (conv,) = convs
        conv.weight.copy_(kernel)
        if conv.bias is not None:
            conv.bias.copy_(bias)
        return
    parts, error = factored(kernel, list(convs))
    for child, weight in zip(convs, parts, strict=True):
        child.weight.copy_(weight)
        if child.bias is not None:
            child.bias.zero_()
    if convs[-1].bias is not None:
        convs[-1].bias.copy_(bias)
    errors[each.layer] = error


def _transposed(old: Any, reads: int, gives: int) -> nn.Module:
    """A transposed convolution of other widths, its settings as they were."""
    settings = {
        "stride": old.stride, "padding": old.padding, "output_padding": old.output_padding, "groups": old.groups,
        "bias": old.bias is not None, "dilation": old.dilation,
    }  # fmt: skip
    kind = next(kind for kind in _TRANSPOSED if isinstance(old, kind))
    return kind(reads, gives, old.kernel_size, **settings)


def _of_width(norm: Any, channels: int) -> nn.Module:
    """A norm over other channels, as new; its settings, and an activation that it brings, stay."""
    if isinstance(norm, nn.LayerNorm):
        norm.normalized_shape = (channels,)
    else:
        setattr(norm, "num_channels" if isinstance(norm, nn.GroupNorm) else "num_features", channels)
    for name, value in (("weight", 1.0), ("bias", 0.0)):
        if (old := getattr(norm, name)) is not None:
            setattr(norm, name, nn.Parameter(old.new_full((channels,), value)))
    for name, value in (("running_mean", 0.0), ("running_var", 1.0)):
        if (old := getattr(norm, name, None)) is not None:
            setattr(norm, name, old.new_full((channels,), value))
    return norm  # type: ignore[no-any-return]


def _is_alike(op: Op, node: Node, old: Node) -> bool:
    new = node.op
    if not isinstance(op, Conv):
        return op == new
    return (
        isinstance(op, Conv)
        and isinstance(new, Conv)
        and (op.kernel, op.groups, op.bias) == (new.kernel, new.groups, new.bias)
        and old.shape[1] == node.shape[1]
    )


def _as(module: nn.Module, like: torch.Tensor | None, old: nn.Module) -> nn.Module:
    """A new layer on the device and of the type of those around it, in training where the old one was."""
    if like is not None:
        module = module.to_empty(device=like.device) if like.is_meta else module.to(device=like.device)
        if like.is_floating_point():
            module = module.to(dtype=like.dtype)
    return module.train(old.training)


def _edited(old: Any, node: Node, edge: Op | None) -> nn.Module:
    """A convolution with other stride, dilation and padding; the object itself."""
    op = node.op
    assert isinstance(op, Conv)
    assert edge is None or isinstance(edge, EdgePad)
    if not isinstance(old, _CONVS):
        raise UsageError(
            f"{node.name}: a {type(old).__name__} is no convolution of PyTorch's; its settings are its own"
        )
    sides: Sides = op.padding if edge is None else edge.padding
    if (not is_even(sides) and not type(old).__name__.endswith("Same")) or type(old).__name__.startswith("Padded"):
        return _padded_conv(old, node)
    old.stride, old.dilation = op.stride, op.dilation
    if type(old).__name__.endswith("Same"):
        return old  # which pads as its input needs
    if edge is None and old.padding_mode != "zeros" and not any(a for a, _ in sides):
        return old  # what is reflected is a layer of its own, which stays
    old.padding = tuple(a for a, _ in sides)
    mode: Any = "zeros" if edge is None else edge.mode
    old.padding_mode = mode
    old._reversed_padding_repeated_twice = [amount for a, _ in reversed(sides) for amount in (a, a)]
    return old


def _padding_as(old: Any, new: Any) -> nn.Module:
    """A new layer whose padding counts as the old one's did: repeated maps, zeros that are averaged over or are not."""
    if isinstance(new, _AVERAGES):  # over what is there, unless the old one averaged otherwise
        new.count_include_pad = isinstance(old, _AVERAGES) and old.count_include_pad
        if isinstance(old, _AVERAGES) and old.kernel_size == new.kernel_size:
            new.divisor_override = getattr(old, "divisor_override", None)
    is_edge = isinstance(old, _CONVS) and old.padding_mode != "zeros" and any(old._reversed_padding_repeated_twice)
    if is_edge and isinstance(new, _CONVS):
        new.padding, new.padding_mode = old.padding, old.padding_mode
        new._reversed_padding_repeated_twice = old._reversed_padding_repeated_twice
    return new  # type: ignore[no-any-return]


def _padded_conv(old: Any, node: Node) -> nn.Module:
    from eyeshot.build.torch import conv_of

    op = node.op
    assert isinstance(op, Conv)
    new: Any = _as(conv_of(op, old.in_channels, old.out_channels), old.weight, old)
    new.weight, new.bias = old.weight, old.bias
    return new  # type: ignore[no-any-return]


def rest_of(norm: Any) -> nn.Module:
    """What is left of a batch norm that was folded: its own activation, where it brings one as timm's do."""
    return nn.Sequential(OrderedDict(norm.named_children())) if norm._modules else nn.Identity()


def _put(root: nn.Module, path: str, chain: Sequence[nn.Module]) -> nn.Module:
    parent_path, _, last = path.rpartition(".")
    parent = root.get_submodule(parent_path)
    module = chain[0] if len(chain) == 1 else nn.Sequential(*chain) if chain else nn.Identity()
    if isinstance(parent, nn.Sequential | nn.ModuleList | nn.ModuleDict) or last in parent._modules:
        parent._modules[last] = module
    else:
        setattr(parent, last, module)
    return module
