"""The command line: one module a verb, loaded only when its verb is typed.

A command parses its arguments, calls one public method of the project, prints what that returns (``--json`` for
machines) and exits 0 when all is well, 1 on a finding or refusal, 2 when typed wrongly, 3 when this machine cannot.
"""
