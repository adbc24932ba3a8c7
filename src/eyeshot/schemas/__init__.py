"""What the JSON documents of the commands hold: declared once as types, published as JSON Schemas.

A key that is not declared here is in no document. Keys are stable within a version, the number behind the slash. Ranges
are inclusive, axes in the model's order, and sizes leave the batch out.
"""

from __future__ import annotations

from typing import Any

import msgspec

from eyeshot.errors import UsageError
from eyeshot.schemas.decide import Advice, Check, Designs, Moves, Rewrite
from eyeshot.schemas.studies import Comparison, Evidence, Status
from eyeshot.schemas.tiles import Split, Tile, Tiled
from eyeshot.schemas.views import Doctor, Effective, Field, Models, Network, Sizes, Why
from eyeshot.shown import quoted

_KINDS: tuple[type[msgspec.Struct], ...] = (
    Network, Field, Why, Sizes, Effective, Comparison, Evidence, Status, Advice, Rewrite, Moves, Designs, Check, Tile,
    Split, Tiled, Models, Doctor,
)  # fmt: skip
KINDS = {kind.__name__.lower(): kind for kind in _KINDS}
"""The documents by the words behind ``eyeshot.`` in their schemas' names."""


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document, ready for json.dumps.

    Raises:
        UsageError: there is no such document.

    Example:
        >>> schema("field")["title"]
        'eyeshot.field/1'
    """
    kind = KINDS.get(name.lower().removeprefix("eyeshot.").partition("/")[0])
    if kind is None:
        raise UsageError(f"no document is called {quoted(name)}; there are {', '.join(KINDS)}")
    (reference,), definitions = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    version = definitions[kind.__name__]["properties"]["schema"]["enum"][0]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": version}
    return {**head, **reference, "$defs": definitions}
