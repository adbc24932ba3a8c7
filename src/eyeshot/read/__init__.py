"""From foreign formats to networks, one format per module."""
