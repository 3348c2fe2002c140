"""Registered models: immutable numbered versions, and aliases that people move by signed decisions.

`reading.Reader` derives everything from verified envelopes in the order of the log; rows of the catalogue are an index
that can hide nothing. `registry.Registry` adds the transactions that release, approve, waive, promote, roll back and
retire; `promote` is what signs for them.
"""
