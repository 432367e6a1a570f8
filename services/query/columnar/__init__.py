"""Reads rows of events in bulk: what is sealed from Parquet segments, the tail from the hypertable, as one table.

A `scan.Scan` says which rows and columns are wanted. `source` reads them with DuckDB from segments and from PostgreSQL for what
is not in a segment yet; `worker` writes segments of what was committed. Both sides cut at batch numbers, so that every stored
event is in exactly one of them, however late it came.
"""
