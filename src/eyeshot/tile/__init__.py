"""The whole image, piece by piece: where tiles begin, what they need around them, whether they equal the whole."""
