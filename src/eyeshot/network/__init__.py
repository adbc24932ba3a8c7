"""The graph that stands between readers and analyses: nodes, ops, relations, and its text form."""
