"""Projects, keys, readers and the audit log.

`servicer.py` answers AdminService: it reads names and fields with `request.py` (pure), asks `store.py`, and builds the answer
with `record.py` (pure). The target query serves it, as it is small and the same people call it.
"""
