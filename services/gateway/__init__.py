"""Target `gateway`: the built page, and sessions in exchange for keys. Browsers reach it through the edge.

`gateway` speaks HTTP, `source` reads the page's files, `store` counts attempts and records sign-ins; what they decide by is in
`page` and `answer`.
"""
