"""EditionService: what was made of reports, which never changes; and what people ask to be made.

`servicer` reads requests (`request`), asks `store`, whose rows are `record`s, and begins runs (`services/reports/runs`), which make
editions and add them here. `manifest` says what one proves, and how one made again differs from the first. `link` is the address at which
somebody without a key opens a file.
"""
