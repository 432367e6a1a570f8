"""Dead letters: what was taken and could not be stored, shown and repaired.

`servicer` answers DeadLetterService: it reads selections and patches with `request` and `span` (pure), asks `store`, and builds the
answer with `record` (pure). A repair is a walk of its own: `worker` takes letters slice by slice from `store`, `content` (pure)
makes rows of them again, `repair` (pure) patches and judges those and makes entries of the log, `services/ingest/intake.py` appends
them, and `tally` (pure) counts what has become of each letter. The writer stores the rows and settles the letters.
"""
