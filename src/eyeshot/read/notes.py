"""What readers of the results should know of a network, whichever format it was read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eyeshot.network.graph import Node, Note
from eyeshot.network.ops import Masked, Pick, Unknown
from eyeshot.read.steps import Step


def other_inputs(inputs: Mapping[Step, str]) -> list[Note]:
    """Which of several inputs fields are about."""
    first, *others = inputs.values()
    if not others:
        return []
    text = f"fields are of the input {first}; give {' or '.join(others)} first to see of that"
    return [Note(None, "remark", text)]


def bounds(nodes: Iterable[Node]) -> list[Note]:
    """What the ops without a rule, or whose reads depend on the data, mean for the numbers."""
    bounds, is_counted = [], True
    for n in nodes:
        if isinstance(n.op, Unknown):
            is_counted = False
            bounds.append(
                Note(n.name, "bound", f"the op {n.op.kind}: {n.op.reason}; fields from here on are bounds from above")
            )
        elif any(read.is_bound for read in n.reads):
            has_table = isinstance(n.op, Pick) and not n.op.by_data
            if isinstance(n.op, Masked):
                why = "a mask leaves out some of more elements than are told one by one"
                bounds.append(Note(n.name, "bound", f"{why}; fields from here on are bounds from above"))
                continue
            what = "by a table whose numbers are not in memory" if has_table else "that depend on the data"
            why = f"the op {n.op.kind} reads positions {what}"
            bounds.append(Note(n.name, "bound", f"{why}; fields from here on are bounds from above"))
    if not is_counted:
        bounds.append(Note(None, "bound", "totals are at least: operations of ops without a rule are not counted"))
    return bounds
