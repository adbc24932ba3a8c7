"""What units really use: effective receptive fields, by path density or by gradients."""
