"""Figures for slides and papers, a kind a file: a panel knows its data and how it is drawn."""
