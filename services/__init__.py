"""The servers of Tidemark: `ingest`, `query` and `admin`, and what they share in `kit`. `__main__` is the table of targets."""
