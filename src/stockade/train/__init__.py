"""Training: contenders, search, calibration, and the exact export to one ONNX file.

A function of a table, its folds and a schema; it returns the model as bytes, a leaderboard and the plan from which
the same bytes can be trained again. Everything that is fitted is fitted inside the folds and ends in the ONNX file.
"""
