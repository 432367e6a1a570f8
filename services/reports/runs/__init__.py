"""Runs: what somebody asked for, or a schedule, made into editions.

A run is a row of `store` (a `record`) with an operation, which a `worker` of any replica takes: `build` makes a document, `proof` counts
it, and `writer` has `formats` write it into files and read them back. Editions, their files, deliveries and the end of the operation are
one transaction, so that a run leaves all of it or nothing, whatever is killed. A second loop removes what has been kept for long enough.
"""
