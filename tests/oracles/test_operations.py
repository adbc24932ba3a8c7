"""What PyTorch computes beside torch.nn: products, diagonals, strided views, complex numbers, matrices, statistics.

Element by element against the module itself; and what products cost against PyTorch's own counter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from eyeshot.analyse.cost import totals
from eyeshot.api.report import Report
from eyeshot.read.torch import read_module
from tests.oracles.elements import Function, assert_every_element_is_read_as_the_module_says

Shape = tuple[int, ...]
ROW, SQUARE = (1, 4, 6), (1, 3, 3)


def ones(x: torch.Tensor, *shape: int) -> torch.Tensor:
    return torch.ones(*shape, dtype=x.dtype, device=x.device)


def bags(x: torch.Tensor) -> torch.Tensor:
    """The input as a batch of two."""
    return x.view(2, 2, 6)


def overlapped(windows: torch.Tensor, length: int, axis: int, size: int, step: int) -> torch.Tensor:
    """Windows added back where Tensor.unfold took them."""
    shape = list(windows.shape[:-1])
    shape[axis] = length
    return torch.ops.aten.unfold_backward(windows, shape, axis, size, step)


def transposed(x: torch.Tensor) -> torch.Tensor:
    y = x * 2
    y.transpose_(1, 2)
    y.unsqueeze_(0).squeeze_(1)
    return y.cumsum(1)


def written_out(x: torch.Tensor) -> torch.Tensor:
    """The results of several ops, each written into memory that held another's."""
    memory = torch.empty_like(x)
    torch.mul(x.flip(1), 2, out=memory)
    torch.relu(x, out=memory) if x.requires_grad else torch.add(x, 1, out=memory)
    return torch.cumsum(memory, 2, out=torch.empty_like(x))


PRODUCTS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "matrix by vector": lambda x: torch.mv(x[0], x[0, 0]),
    "matrix by a constant vector": lambda x: torch.mv(x[0], ones(x, 6)),
    "matrices by a constant vector": lambda x: x @ ones(x, 6),
    "vector by constant matrix": lambda x: x[0, 0] @ ones(x, 6, 3),
    "constant vector by matrices": lambda x: ones(x, 4) @ x,
    "vector by matrix": lambda x: x[0, :, 0] @ x,
    "matrices by matrices": lambda x: x.transpose(1, 2) @ x,
    "dot": lambda x: torch.dot(x[0, 0], x[0, 1]),
    "dot with a constant": lambda x: torch.dot(x[0, 0], ones(x, 6)),
    "vdot": lambda x: torch.vdot(x[0, 0], x[0, 1]),
    "inner": lambda x: torch.inner(x, x),
    "outer": lambda x: torch.outer(x[0, 0], x[0, :, 0]),
    "kron": lambda x: torch.kron(x[0, :2, :3], ones(x, 2, 2)),
    "tensordot": lambda x: torch.tensordot(x, ones(x, 6, 3), 1),
    "multi_dot": lambda x: torch.linalg.multi_dot([x[0], ones(x, 6, 3), ones(x, 3, 2)]),
    "vecdot": lambda x: torch.linalg.vecdot(x, x.flip(1)),
    "addmv": lambda x: torch.addmv(x[0, :, 0], x[0], x[0, 0]),
    "addmv of constants": lambda x: torch.addmv(ones(x, 4), x[0], ones(x, 6)),
    "addr": lambda x: torch.addr(x[0], x[0, :, 0], x[0, 0]),
    "addmm": lambda x: torch.addmm(x[0, :, :4], x[0], x[0].T),
    "addmm to the data": lambda x: torch.addmm(x[0, :, :3], x[0], ones(x, 6, 3)),
    "addmm of a constant on the left": lambda x: torch.addmm(x[0], ones(x, 4, 4), x[0]),
    "addmm in place": lambda x: (x[0, :, :4] * 1).addmm_(x[0], x[0].T),
    "addmm to nothing": lambda x: torch.addmm(x[0, :, :4], x[0], ones(x, 6, 4), beta=0),
    "addmm and relu": lambda x: torch._addmm_activation(ones(x, 3), x[0], ones(x, 6, 3)),
    "baddbmm": lambda x: torch.baddbmm(ones(x, 1, 4, 4), x, x.transpose(1, 2)),
    "baddbmm to the data": lambda x: torch.baddbmm(x[:, :, :1], x, ones(x, 1, 6, 3)),
    "baddbmm of a constant on the left": lambda x: torch.baddbmm(x[:, :, :1], ones(x, 1, 4, 4), x),
    "addbmm": lambda x: torch.addbmm(x[0, :2, :2], bags(x), bags(x).transpose(1, 2)),
    "addbmm of constants": lambda x: torch.addbmm(ones(x, 2, 3), bags(x), ones(x, 2, 6, 3)),
    "one key for all heads": lambda x: x.view(1, 2, 2, 6) @ x[:, None, :2].transpose(2, 3),
    "distances": lambda x: torch.cdist(x, x.flip(1)),
    "distances to constants": lambda x: torch.cdist(x, ones(x, 1, 3, 6)),
    "distances of many": lambda x: torch.cdist(x.view(1, 12, 2).repeat(1, 3, 1), x.view(1, 12, 2)),
    "distances of another norm": lambda x: torch.cdist(x, x.flip(1), p=1.0),
    "bilinear with a constant": lambda x: functional.bilinear(x, ones(x, 1, 4, 2), ones(x, 3, 6, 2)),
}
OPERATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "slice scatter": lambda x: torch.slice_scatter(x, x[..., ::3].flip(1), -1, 1, None, 3),
    "select scatter": lambda x: torch.select_scatter(x, x[..., 0] + x[..., 1], 2, -2),
    "select scatter of a constant": lambda x: torch.select_scatter(x, ones(x, 1, 6), 1, 2),
    "table moved to the input": lambda x: x[:, torch.tensor([2, 0, 2]).to(x.device)],
    **{
        f"{name} {which} {settings}": lambda x, name=name, which=which, settings=settings: getattr(torch, name)(
            x, **settings
        )[which]
        for name in ("var_mean", "std_mean")
        for which in (0, 1)
        for settings in ({}, {"dim": 1, "keepdim": True}, {"dim": (0, 2), "correction": 0}, {"dim": -1})
    },  # type: ignore[dict-item]
    "batch statistics by hand": lambda x: (x - torch.var_mean(x, (0, 2), keepdim=True)[1])
    * torch.var_mean(x, (0, 2), keepdim=True)[0].rsqrt(),
    "complex": lambda x: torch.complex(*x.chunk(2, 1)).abs(),
    "complex of a constant": lambda x: torch.view_as_real(torch.complex(x, torch.zeros_like(x))),
    "polar": lambda x: torch.view_as_real(torch.polar(*x.chunk(2, 1))),
    "conjugate": lambda x: torch.view_as_real(torch.complex(*x.chunk(2, 1)).conj().resolve_conj()),
    "spectrogram": lambda x: torch.stft(x[0, :2], 4, 2, window=ones(x, 4), return_complex=True).abs(),
    "histogram": lambda x: torch.histc(x, 3, 0.0, 9.0) + x.sum(),
    "spectrum": lambda x: torch.fft.fft2(x).abs(),
    "trace": lambda x: torch.trace(x[0]),
    "diagflat": lambda x: torch.diagflat(x[:, :2, :3]),
    "diag of a vector": lambda x: torch.diag(x[0, 0]),
    "diagonal_scatter": lambda x: torch.diagonal_scatter(x, x[:, :, 0] * 2, 0, 1, 2),
    "diagonal written": lambda x: torch.diagonal_scatter(ones(x, 1, 4, 6), x[:, :, 0], 1, 1, 2),
    "block_diag": lambda x: torch.block_diag(x[0, :, :2], x[0, :, 2:]),
    **{f"{name} along {axis}": lambda x, name=name, axis=axis: getattr(torch, name)(x, axis)
       for name in ("cumsum", "cumprod", "logcumsumexp") for axis in (1, 2)},  # type: ignore[misc]
    "cummax": lambda x: x.cummax(2).values,
    "cummin": lambda x: x.cummin(1).values,
    "windows as an axis": lambda x: x.unfold(2, 3, 2),
    "windows as an axis, with gaps": lambda x: x.unfold(1, 1, 3),
    "windows put back": lambda x: overlapped(x.unfold(2, 3, 2), 6, 2, 3, 2),
    "windows put back, with a rest": lambda x: overlapped(x.unfold(2, 2, 1).cumsum(2), 9, 2, 2, 1),
    "windows of channels put back": lambda x: overlapped(x.unfold(1, 3, 1), 4, 1, 3, 1),
    "bucketize": lambda x: torch.bucketize(x, torch.arange(5).to(x)) + x,
    "turned in place": transposed,
    "quantiles": lambda x: torch.quantile(x, torch.tensor([0.1, 0.5]).to(x), 1, keepdim=True),
    "one quantile of all": lambda x: torch.quantile(x, 0.5),
    "distance of two": lambda x: torch.dist(x, x.flip(1)),
    "degrees": torch.deg2rad,
    "polygamma": lambda x: torch.polygamma(1, x),
    "mantissa": lambda x: torch.frexp(x)[0],
    "is one of": lambda x: torch.isin(x, ones(x, 3)) + x,
    "without a diagonal": lambda x: (x[0] * 1).fill_diagonal_(0.0),
    "narrowed to a copy": lambda x: torch.narrow_copy(x, 2, 1, 3),
    "where a constant mask is set": lambda x: x.masked_select(ones(x, 4, 6).tril() > 0),
    "written out": written_out,
    "cross": lambda x: torch.linalg.cross(x[..., :3], x[..., 3:]),
    **{f"{name} of a matrix": lambda x, name=name: getattr(torch.linalg, name)(x[:, :3, :3])
       for name in ("inv", "det", "matrix_exp")},  # type: ignore[misc]
    "matrix_power": lambda x: torch.linalg.matrix_power(x[:, :3, :3], 2),
    "solve": lambda x: torch.linalg.solve(x[:, :3, :3], x[:, :3, 3:]),
    "solve for a vector": lambda x: torch.linalg.solve(x[0, :3, :3], x[0, :3, 3]),
    "matrix_norm": torch.linalg.matrix_norm,
}  # fmt: skip
BY_GRADIENT: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "complex of two sizes": lambda x: torch.view_as_real(torch.complex(x, ones(x, 6))),
    "real part": lambda x: torch.complex(*x.chunk(2, 1)).real,
    "imaginary part": lambda x: torch.complex(*x.chunk(2, 1)).imag,
    "pairs as complex and back": lambda x: torch.view_as_real(torch.view_as_complex(x.unflatten(2, (3, 2)))),
    "svdvals": lambda x: torch.linalg.svdvals(x[:, :3, :3]),
    "eigvalsh": lambda x: torch.linalg.eigvalsh(x[:, :3, :3] + x[:, :3, :3].mT),
    "slogdet": lambda x: torch.linalg.slogdet(x[:, :3, :3])[1],
    "pinv": lambda x: torch.linalg.pinv(x[:, :3, :3]),
}
"""NaN is no witness here: it is carried from a real part to an imaginary one, or refused."""


@pytest.mark.parametrize("name", [*PRODUCTS, *OPERATIONS])
def test_an_operation_reads_what_it_says_it_reads(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(Function((PRODUCTS | OPERATIONS)[name]), ROW)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_an_operation_reads_what_its_gradient_says(name: str) -> None:
    assert_every_element_is_read_as_the_module_says(Function(BY_GRADIENT[name]), ROW, by_gradient=True)


@given(st.sampled_from(["triu", "tril", "diagonal", "diag_embed"]), st.integers(-3, 3), st.data())
@settings(max_examples=40)
def test_diagonals_and_triangles_read_the_elements_that_they_show(name: str, offset: int, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=2, max_size=3)))
    axes = data.draw(st.permutations(range(len(shape) + (name == "diag_embed")))) if name.startswith("diag") else []
    assume(name != "diagonal" or torch.rand(shape).diagonal(offset, *axes[:2]).numel())

    assert_every_element_is_read_as_the_module_says(
        Function(lambda x: getattr(torch, name)(x[0], offset, *axes[:2])), (1, *shape)
    )


@given(st.data())
@settings(max_examples=60)
def test_strided_views_read_the_elements_that_they_show(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    axes = data.draw(st.permutations(range(len(shape))))
    left = start = data.draw(st.integers(0, torch.Size(shape).numel() - 1))
    sizes, strides = [], []
    for _ in range(data.draw(st.integers(0, 4))):
        stride = data.draw(st.integers(0, 6))
        most = 3 if stride == 0 else (torch.Size(shape).numel() - 1 - left) // stride + 1
        sizes.append(data.draw(st.integers(1, min(most, 4))))
        strides.append(stride)
        left += (sizes[-1] - 1) * stride

    assert_every_element_is_read_as_the_module_says(
        Function(lambda x: (x[0] * 1).permute(axes).contiguous().as_strided(sizes, strides, start)), (1, *shape)
    )


@given(st.integers(-5, 5), st.permutations(range(3)))
@settings(max_examples=20)
def test_quarter_turns_read_the_elements_that_they_show(quarters: int, axes: list[int]) -> None:
    assert_every_element_is_read_as_the_module_says(Function(lambda x: torch.rot90(x, quarters, axes[:2])), (1, 2, 3))


@given(st.data())
@settings(max_examples=25)
def test_unfolding_and_folding_read_the_elements_that_they_move(data: st.DataObject) -> None:
    pairs = st.tuples(st.integers(1, 2), st.integers(1, 2))
    kernel, dilation, stride = (data.draw(pairs) for _ in range(3))
    padding, batched = data.draw(st.tuples(st.integers(0, 1), st.integers(0, 1))), data.draw(st.booleans())
    given_as = {"dilation": dilation, "padding": padding, "stride": stride}

    def moved(x: torch.Tensor) -> torch.Tensor:
        columns = functional.unfold(x if batched else x[0], kernel, **given_as)
        return functional.fold(columns.cumsum(-1), x.shape[2:], kernel, **given_as)

    assert_every_element_is_read_as_the_module_says(Function(moved), (1, 2, 3, 4))


def test_strides_along_each_axis_are_windows_with_a_closed_form() -> None:
    """The rows of a spectrogram by hand: windows of 4 at steps of 2."""
    network = read_module(
        Function(lambda x: x.contiguous().as_strided((1, 1, 63, 4), (128, 128, 2, 1)).sum(-1)),
        (1, 128), name="frames", source="test",
    )  # fmt: skip
    field = Report(network).layers[-1].field

    assert (field.size, field.stride, field.start) == ((4,), (2,), (0,))
    assert field.is_exact


def test_memory_beside_a_view_is_a_bound() -> None:
    report = read_module(
        Function(lambda x: (x * 1)[:, 1:3].as_strided((2, 6), (6, 1), 0)), (4, 6), name="beside", source="test"
    )

    assert any("memory beside its input's" in note.text for note in report.notes)


class Heads(nn.Module):
    """Attention of two heads by one of PyTorch's kernels, as far as this machine has them."""

    def __init__(self, kernel: Callable[..., Any]) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads = x.view(1, 6, 2, 2).transpose(1, 2)
        out: torch.Tensor = self.kernel(heads, heads, heads)
        return out


@pytest.mark.parametrize("is_masked", [False, True])
def test_the_fused_kernel_of_a_pass_on_numbers_is_read_as_its_parts(is_masked: bool) -> None:
    mask = torch.zeros(6, 6) if is_masked else None

    class ByValue(Heads):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) * (1 if x.sum() > 0 else 2)

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(q, k, v, None if mask is None else mask.to(q.device, q.dtype))

    plain = read_module(Heads(attend), "6x4:TC", name="plain", source="test")
    by_value = read_module(ByValue(attend), "6x4:TC", name="by value", source="test")

    assert [note.kind for note in by_value.notes] == ["remark"]
    kinds = [layer.op.kind for layer in plain.layers]
    assert [layer.op.kind for layer in by_value.layers if layer.op.kind in kinds][: len(kinds)] == kinds
    assert totals(by_value).macs == totals(plain).macs == 2 * 2 * 6 * 6 * 2


def test_the_fused_encoder_layer_is_read_as_the_layer() -> None:
    """PyTorch's fast path of nn.TransformerEncoderLayer, called as the module calls it."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()
    attention = layer.self_attn

    class Fast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch._transformer_encoder_layer_fwd(
                x, 4, 2, attention.in_proj_weight, attention.in_proj_bias, attention.out_proj.weight,
                attention.out_proj.bias, False, False, layer.norm1.eps, layer.norm1.weight, layer.norm1.bias,
                layer.norm2.weight, layer.norm2.bias, layer.linear1.weight, layer.linear1.bias, layer.linear2.weight,
                layer.linear2.bias,
            )  # fmt: skip

    fast = read_module(Fast(), "6x4:TC", name="fast", source="test")
    slow = read_module(layer, "6x4:TC", name="slow", source="test")

    assert not fast.notes
    assert (totals(fast).macs, totals(fast).params) == (totals(slow).macs, totals(slow).params)
    assert_every_element_is_read_as_the_module_says(Function(layer), (1, 5, 4))


COUNTED = ("addmm", "addmm to the data", "baddbmm", "baddbmm to the data", "matrices by matrices")


@pytest.mark.parametrize("name", COUNTED)
def test_products_cost_half_of_what_pytorch_counts(name: str) -> None:
    with FlopCounterMode(display=False) as counter:
        PRODUCTS[name](torch.rand(ROW))

    network = read_module(Function(PRODUCTS[name]), ROW[1:], name=name, source="test")

    assert totals(network).macs == counter.get_total_flops() / 2


UNCOUNTED = {
    "matrix by vector": 4 * 6,
    "dot": 6,
    "addmv": 4 * 6,
    "matrices by a constant vector": 4 * 6,
    "addbmm": 2 * 2 * 2 * 6,
    "addbmm of constants": 2 * 2 * 3 * 6,
    "distances": 4 * 4 * 6,
    "bilinear with a constant": 4 * 3 * 6 * 2,
}
"""Products that PyTorch's counter leaves out: MACs by hand."""


@pytest.mark.parametrize("name", UNCOUNTED)
def test_products_that_pytorch_does_not_count_cost_what_products_of_matrices_do(name: str) -> None:
    network = read_module(Function(PRODUCTS[name]), ROW[1:], name=name, source="test")

    assert totals(network).macs == UNCOUNTED[name]
