"""The composition root: reads the configuration, wires adapters to ports, and offers the verbs as methods.

`workspace.project.Project` is what ``stockade.open`` returns and what the command line calls. This is the only room
that knows every other one, and the only one that loads private keys.
"""
