"""Answers questions for what windows keep; the writer of `services/ingest/windows` has counted it.

`question` reads the request; `plan` says, once the window is known, which of its aggregates and buckets are shown; `sql` writes the
statements that `services.query.store` runs, and `shape` makes a `SeriesResult` of their rows. All of it is pure.
"""
