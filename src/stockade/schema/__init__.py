"""What a table must look like: columns with kinds, roles and constraints, and the file a user reviews them in.

`column` holds the nouns, `constraint` the words for what a row can fail, `toml` the reviewed file, `folds` the meaning
of fold numbers. Standard library only, so that training, assessment and the server share them at no cost.
"""
