"""Designs side by side: a plan goes in, a record per arm and seed and the evidence they give come out."""
