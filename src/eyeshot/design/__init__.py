"""From notation to networks: the notation, the zoo, and what changes a design."""
