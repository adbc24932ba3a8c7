"""What users hold: the functions that most programs need, and what they answer with."""

from eyeshot.api.advice import advise
from eyeshot.api.promises import check
from eyeshot.api.rewriting import rewrite
from eyeshot.api.tiles import tile_plan, tiled
from eyeshot.api.verbs import compare, effective, inspect, sizes
from eyeshot.api.wishes import designs

__all__ = ["advise", "check", "compare", "designs", "effective", "inspect", "rewrite", "sizes", "tile_plan", "tiled"]
