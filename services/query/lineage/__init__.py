"""Where stored events and buckets of rollups come from.

`source` answers GetLineage: it reads what is asked with `request` (pure), reads rows with `store` in one snapshot, and builds the
answer with `record` (pure).
"""
