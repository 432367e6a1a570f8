"""Keeps data as long as each project wants it, and lets `erasure` remove people: RetentionService, and a worker of the target writer.

`servicer` answers the calls: it reads names and fields with `request` (pure) and asks `store`. One `worker` of all writers, elected
by a lock in the database, removes what `policy` (pure) says is too old, in slices that nobody waits for, and has `erasure` take its
next step whenever there is one. The target mirror does the same to segments, by `services/query/columnar/erase.py`.
"""
