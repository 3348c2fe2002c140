"""A trained model as bytes: its signature, the check of its graph, and a session that predicts.

Needs onnxruntime and numpy, and nothing of training: the server runs exactly this room. A model is one ONNX file
that holds preprocessing, model and calibration, with one input per feature and one output.
"""
