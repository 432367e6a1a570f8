"""Removes a person from all that is stored, and leaves a certificate. `services/ingest/retention` takes the calls and runs the worker.

An erasure is a row that says how far it is, and every step a transaction that leaves it further: wherever it is killed, it goes on
there. `worker` takes its steps: it waits until what was received before is committed, removes dead letters and cohort members, and
then the events, a day at a time, by the statements of `sql`; `recount` (pure) says what the buckets of that day hold without them, and the writers of their
partitions are fenced, so that none brings the person back out of its memory. `person` (pure) knows a person in what is no column.
The mirror then writes segments anew (`services/query/columnar/erase.py`), and `certificate` (pure) is what is left.
"""
