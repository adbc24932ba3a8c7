"""Moves: a network changed on purpose, with what that keeps and changes said before; one file a move."""
