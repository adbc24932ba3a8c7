"""The lesson: the founding question as a page of its own, step by step, with what was measured."""
