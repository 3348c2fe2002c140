"""Assessment of a model: what its exported bytes do on rows that training never saw, by whom, and under attack.

A function of bytes, two tables and a schema. Every figure comes from the ONNX bytes through onnxruntime, with an
interval and a sentence on method and limits; findings warn, and what blocks is for policy to say.
"""
