"""The engine: runs a graph of steps, each in a sandboxed process of its own, and attests what it saw from outside.

`graph` says what to run, `runner` runs it, `executor`, `zygote` and `child` are the processes in between. A step is a
plain function of typed inputs and parameters; it never sees a key, a signature or the store.
"""
