"""The laboratory: data sets as their owners publish them, methods, scores, and the paper's experiments."""
