"""Designs from wishes: as many as brute force finds, and the published ones among them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eyeshot
from eyeshot.analyse.cost import totals
from eyeshot.analyse.density import widths
from eyeshot.design import search as searching
from eyeshot.design.lower import lower
from eyeshot.design.notation import parse
from eyeshot.design.search import Wishes, search
from eyeshot.design.space import Space, space
from eyeshot.errors import ShapeError, UsageError

Numbers = tuple[int, int, float, int, int, int]


def numbers_of(notation: str, shape: tuple[int, ...]) -> Numbers:
    """What a design sees, uses and costs, by the analyses."""
    network = lower(parse(notation), shape, name="", source="")
    cost, field = totals(network), eyeshot.inspect(network).layers[-1].field
    assert field.stride is not None
    (sigma, *_) = widths(network)[network.output.name] or (0.0,)
    step = field.stride[0]
    assert isinstance(step, int)
    return field.size[0], step, round(sigma, 6), cost.params, cost.macs, cost.peak_activations


def brute_force(looked_through: Space, wishes: Wishes) -> set[Numbers]:
    """What the designs have that no other beats, each built and inspected."""
    kinds: dict[bool, set[Numbers]] = {True: set(), False: set()}
    low, high = looked_through.layers
    for count in range(low, high + 1):
        for steps in itertools.product(looked_through.first, *[looked_through.others] * (count - 1)):
            try:
                numbers = numbers_of(looked_through.written(steps), looked_through.input_shape)
            except ShapeError:
                continue
            is_whole = not any(holes for _, holes in itertools.accumulate(steps, _after, initial=((1, 1), False)))
            if is_whole and _meets(numbers, wishes):
                kinds[any(step.pool[0] > 1 for step in steps)].add(numbers)
    return {a for kind in kinds.values() for a in kind if not any(_beats(b, a) for b in kind)}


def _after(state: tuple[tuple[int, int], bool], step: searching.Step) -> tuple[tuple[int, int], bool]:
    (field, jump), _ = state
    return (field + step.growth(jump), jump * step.pace), step.leaves_holes(field, jump)


def _meets(numbers: Numbers, wishes: Wishes) -> bool:
    field, stride, _, params, macs, _ = numbers
    return (
        wishes.field[0] <= field <= wishes.field[1]
        and wishes.stride in (None, stride)
        and params <= (wishes.params_max or params)
        and macs <= (wishes.macs_max or macs)
    )


def _beats(b: Numbers, a: Numbers) -> bool:
    gains = [b[0] - a[0], b[2] - a[2], a[3] - b[3], a[4] - b[4], a[5] - b[5]]
    return min(gains) >= 0 and max(gains) > 0


@settings(max_examples=12, deadline=None)
@given(
    shape=st.sampled_from([(3, 12, 12), (2, 9, 14), (1, 30), (2, 6, 6, 6)]),
    layers=st.sampled_from([(1, 2), (2, 2), (1, 3)]),
    kernels=st.sampled_from([(3,), (2, 3), (1, 4), (5, 2)]),
    strides=st.sampled_from([(1,), (1, 2), (2, 4, 1)]),
    pools=st.sampled_from([(), (2,), (2, 3)]),
    dilations=st.sampled_from([(1,), (1, 2)]),
    padding=st.sampled_from(["half", "none"]),
    widths=st.sampled_from([(8,), (4, 6, 2)]),
    field=st.sampled_from([(1, 99), (5, 9), (7, 7)]),
    stride=st.sampled_from([None, 2]),
    macs_max=st.sampled_from([None, 30_000]),
    params_max=st.sampled_from([None, 500]),
)
def test_the_answer_is_that_of_brute_force(**terms: object) -> None:
    names = ("layers", "kernels", "strides", "pools", "dilations", "padding", "widths")
    looked_through = space(terms["shape"], **{name: terms[name] for name in names})  # type: ignore[arg-type]
    if looked_through.size > 1500:
        return
    wishes = Wishes(**{name: terms[name] for name in ("field", "stride", "macs_max", "params_max")})  # type: ignore[arg-type]

    result = search(looked_through, wishes)

    answers = {(d.field, d.stride, round(d.sigma, 6), d.params, d.macs, d.peak_activations): d for d in result.designs}
    # designs alike in all that counts may differ in stride, which does not
    assert {_without_stride(n) for n in answers} == {_without_stride(n) for n in brute_force(looked_through, wishes)}
    assert result.is_complete
    for numbers, design in answers.items():
        assert numbers == numbers_of(design.notation, looked_through.input_shape)


def _without_stride(numbers: Numbers) -> tuple[float, ...]:
    return numbers[:1] + numbers[2:]


@pytest.mark.parametrize("layers", [5, "4-8"])
def test_patchgan_is_among_the_ways_to_a_patch_of_70(layers: int | str) -> None:
    answer = eyeshot.designs((3, 256, 256), field=70, stride=8, layers=layers, kernels=4)

    assert "C4s2p1-64 C4s2p1-128 C4s2p1-256 C4p1-512 C4p1-512" in map(str, answer)


def test_patchgan_itself_is_the_only_one_of_its_widths_without_pools() -> None:
    (design,) = eyeshot.designs(
        (3, 256, 256), field=70, stride=8, layers=5, kernels=4, pools=(), widths=(64, 128, 256, 512, 1)
    )

    assert design.notation == "C4s2p1-64 C4s2p1-128 C4s2p1-256 C4p1-512 C4p1-1"
    assert design.params == 2_764_737


def test_alexnet_s_layout_is_among_the_ways_to_its_field() -> None:
    answer = eyeshot.designs((3, 227, 227), field=163, stride=16, layers=5, kernels=(11, 5, 3))

    assert "C11s4-64 P3s2 C5-128 P3s2 C3-256 C3-256 C3-256" in map(str, answer)
    assert answer.is_complete


def test_a_causal_net_of_100_steps_looks_back_and_not_ahead() -> None:
    answer = eyeshot.designs("1x1000", field=100, padding="causal", kernels="2,3")

    layer = eyeshot.inspect(answer[0].notation, "1x1000").layers[-1]
    assert layer.field.size == (100,)
    assert layer.field.start == (-99,)
    assert layer.unit(500).footprint.count == 100


def test_a_large_space_is_sampled_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST", 1000)
    monkeypatch.setattr(searching, "SAMPLE", 20_000)
    monkeypatch.setattr(searching, "_DRAWN_AT_ONCE", 10_000)

    answer = eyeshot.designs((3, 64, 64), field="30-60", layers="3-5", macs_max="2G")

    assert not answer.is_complete
    assert answer.searched == answer.evaluated <= 20_000
    assert not answer.broken
    for design in answer:
        numbers = (design.field, design.stride, round(design.sigma, 6), design.params, design.macs)
        assert numbers == numbers_of(design.notation, (3, 64, 64))[:5]
        assert 30 <= design.field <= 60


def test_draws_are_even_over_all_designs_that_meet_the_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "SAMPLE", 40_000)
    monkeypatch.setattr(searching, "_DRAWN_AT_ONCE", 40_000)
    looked_through = space((1, 40, 40), layers=(2, 3), kernels=(3, 5), strides=(1, 2), pools=(2,), dilations=(1,),
                           padding="half", widths=(4,))  # fmt: skip
    table = searching.Table(looked_through, Wishes(field=(9, 19)))

    drawn: dict[tuple[int, ...], int] = {}
    for batch in searching._drawn(table):
        for row in batch.steps.tolist():
            drawn[tuple(row)] = drawn.get(tuple(row), 0) + 1

    assert len(drawn) == table.viable
    expected = 40_000 / table.viable
    assert all(abs(count - expected) < 6 * expected**0.5 for count in drawn.values())


@pytest.mark.parametrize(
    ("wishes", "broken"),
    [
        ({"field": 71, "stride": 8, "kernels": 4, "pools": ()}, ("field", "71", 70)),
        ({"field": 70, "stride": 7, "kernels": 4, "layers": 5, "pools": ()}, ("stride", "7", 8)),
        ({"field": 7, "kernels": 3, "layers": 3, "macs_max": "10k", "pools": ()}, ("macs", "at most 10,000", None)),
        ({"field": 7, "kernels": 3, "layers": 3, "params_max": 9, "pools": ()}, ("params", "at most 9", 75_648)),
    ],
)
def test_contradictory_wishes_get_the_nearest_design(wishes: dict[str, object], broken: tuple[object, ...]) -> None:
    answer = eyeshot.designs((3, 256, 256), **wishes)  # type: ignore[arg-type]

    (design,), (told,) = answer, answer.broken
    assert (told.wish, told.asked) == broken[:2]
    assert told.nearest == getattr(design, told.wish)
    if broken[2] is not None:
        assert told.nearest == broken[2]


def test_wishes_that_contradict_each_other_in_two_ways_break_two() -> None:
    answer = eyeshot.designs((3, 64, 64), field=70, stride=8, layers=2, kernels=3, pools=())

    assert {broken.wish for broken in answer.broken} == {"field", "stride"}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"field": "seventy"}, "field takes a number or a range, such as 5, 4-8 or 100-; found 'seventy'"),
        ({"field": "9-3"}, "field: '9-3' is empty"),
        ({"macs_max": "2 giga"}, "macs_max takes a number, such as 2000000, 2M or 1.5G; found '2 giga'"),
        ({"layers": "1-99"}, "a design has at most 20"),
        ({"layers": "4-"}, "a design has at most 20"),
        ({"kernels": "3,x"}, "kernels takes whole numbers from 1 to 99"),
        ({"pools": "1"}, "pools are 2 (2/2) and 3 (3/2); found 1"),
        ({"strides": "4"}, "give strides of 1 or 2"),
        ({"padding": "causal"}, "a causal net runs along one axis"),
        ({"padding": "same"}, "padding is half, none, causal; found 'same'"),
        ({"kernels": 9, "padding": "none", "layers": 9}, "no design of 9 to 9 layers fits an input of 3x32x32"),
        ({"field": 10**6}, "at most 20,000 pixels are looked for"),
    ],
)
def test_wishes_that_are_none_are_refused(terms: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as error:
        eyeshot.designs((3, 32, 32), **terms)  # type: ignore[arg-type]

    assert said in str(error.value)


def test_an_input_beyond_counting_is_refused() -> None:
    with pytest.raises(UsageError, match="more operations than can be counted"):
        eyeshot.designs((3, 9_999_999, 9_999_999), field=9)
