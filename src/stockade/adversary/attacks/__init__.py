"""One attack a module: evasion near the decision boundary, and membership inference."""
