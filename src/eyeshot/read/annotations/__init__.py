"""Sizes of the objects that somebody annotated: one foreign format per module.

Nothing in these files is trusted: they are read as values of declared types, in time that grows with their size, and
what is no object (no extent, a crowd, without its image) is counted and left out.
"""
