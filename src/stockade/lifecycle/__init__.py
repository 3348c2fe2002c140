"""The standard life of a model as plain step functions, the graph that joins them, and what is made of their results.

`lifecycle.steps` is the only part that runs inside the sandbox; it imports no evidence, store or policy.
"""
