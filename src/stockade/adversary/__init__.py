"""Attacks on a model that is only a function of arrays, and what they may change.

The attacks play the adversary of a model that is served: they see what a caller sees. They know neither tables nor
ONNX, so that any model can be attacked that can be called.
"""
