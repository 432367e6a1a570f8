"""Answers questions about what is committed: the target `query`.

A request walks through the modules in this order: `servicer` receives it, `source` answers it. `question` validates it (with
`period`, `measure`, `formula`, `filter`, `fields`, `pattern` and `calendar`), `plan` decides what to read, `rank` which groups
are shown, `sql` writes the statements, `store` runs them in one snapshot, `shape` (with `part`) makes the answer of the rows.
`WatchQuery` goes the same way again and again: `worker` keeps one answer for each question watched and reads anew only what
was touched, `stream` hears of commits, `watch` tells what changed.
"""
