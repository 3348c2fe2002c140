"""Tables in: read a file, infer its schema, set damaged rows aside, describe, audit, clean, anonymise and split it.

Plain functions over polars tables, useful with no project around them. Every table carries each row's number in its
source in the column ``#row``. Nothing here is fitted to data except the proposed schema; what a model needs fitted
lives in training, inside the folds.
"""
