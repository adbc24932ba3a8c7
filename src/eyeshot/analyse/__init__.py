"""One question per module, each a table of short rules per relation kind (or per op, for costs)."""
