"""Answers questions about what is committed: the target `query`.

A request walks through the modules in this order: `servicer` receives it, `source` answers it. `question` validates it (with
`period`, `measure`, `formula`, `filter`, `fields`, `pattern` and `calendar`), `plan` decides what to read, `rank` which groups
are shown, `sql` writes the statements, `store` runs them in one snapshot, `shape` (with `part`) makes the answer of the rows.
Questions about people are read in bulk by `columnar` and counted by `behaviour`; `cohorts` finds whom a question is limited to.
What windows have kept is read by `windows`; what was received, and how the platform is doing, by `accounts`.
`live` keeps answers up to date, `stream` hears of commits, `dashboards` saves what is watched, `export` makes files.
"""
