"""What users hold: the functions that most programs need, and what they answer with."""

from eyeshot.api.tiles import tile_plan, tiled
from eyeshot.api.verbs import compare, effective, inspect, sizes

__all__ = ["compare", "effective", "inspect", "sizes", "tile_plan", "tiled"]
