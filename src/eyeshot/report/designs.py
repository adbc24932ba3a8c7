"""Designs found from wishes, as a table and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eyeshot.design.search import Found
from eyeshot.design.wishes import Broken
from eyeshot.report.table import Column, Pieces, Table
from eyeshot.report.wording import short


def designs_table(designs: Sequence[Found]) -> Table:
    """A line for each design."""
    table = Table(
        [
            Column(heading="sees", style="strong"),
            Column(heading="stride", priority=3),
            Column(heading="uses (σ)", priority=2),
            Column(heading="params", priority=1),
            Column(heading="MACs"),
            Column(heading="alive", priority=4),
            Column(heading="design", is_number=False, wraps=True),
        ]
    )
    for each in designs:
        table.add(
            str(each.field),
            str(each.stride),
            f"{each.sigma:.1f}",
            short(each.params),
            short(each.macs),
            short(each.peak_activations),
            each.notation,
        )
    return table


def broken_words(broken: Sequence[Broken]) -> Iterator[Pieces]:
    """Which wishes the nearest design breaks."""
    for each in broken:
        text = f"{each.asked} asked, and the nearest design has {each.nearest:,}"
        yield [(f"{each.wish}: ", "warn"), (text, "")]


def searched_words(searched: int, is_complete: bool, shown: int, count: int) -> str:
    """How many designs were decided on, and what that says."""
    which = (
        f"all {searched:,} designs of these choices were decided on: no other beats these"
        if is_complete
        else f"{searched:,} designs were drawn from many more: others may beat these"
    )
    more = f"; {count - shown:,} more with --all" if count > shown else ""
    return f"{which}{more}"
