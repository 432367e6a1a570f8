"""The servers of Tidemark: `ingest` and `query` and what they share in `kit`. `__main__` is the table of targets."""
