"""Confinement of the calling process by the Linux kernel: Landlock, seccomp, capabilities, users and limits.

The engine confines steps with it, the scanner and the server confine themselves. Nothing here is a policy of its own:
a caller says in a `confine.Confinement` what its process may still do, and learns what the kernel really enforced.
Standard library only; importing the room changes nothing.
"""
