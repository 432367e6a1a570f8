"""EditionService: makes editions of reports, proves them, and keeps them.

`servicer` reads requests (`request`) and asks `store`, whose rows are `record`s; what is asked for is a run with an operation. `worker`
takes runs: `build` makes a document, `proof` counts it, `formats` write it into files and read them back, and `manifest` says what all of
them agree on. Editions, files, deliveries and the end of the operation are one transaction, so that a run leaves all of it or nothing.
`link` is the address at which somebody without a key opens a file. A second loop of `worker` removes what has been kept for long enough.
"""
