"""Pure numbers about predictions: scores with intervals, curves, group rates and gaps, and slices. Needs NumPy only.

The function that judges a model at the gate is the function that watches it in production. Everything takes arrays;
nothing reads a table, a model or a file. Randomness comes from a seed that the caller gives.
"""
