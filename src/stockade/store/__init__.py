"""Where bytes rest: blobs by digest, the catalogue of signed envelopes, the log's tiles, and the workspace lock.

Everything here is written durably (written aside, flushed to the disk, then renamed) and read back with suspicion: a
blob or envelope whose bytes are not the ones its digest names is refused and named. Nothing stored is ever executed,
and no room above knows a path layout or a line of SQL. Standard library only.
"""
