"""A streaming replica of PostgreSQL that answers questions for the primary.

`source` opens a snapshot there where the replica is fresh enough, which `freshness` (pure) tells by how far both have come; else
`services/query/store.py` asks the primary. Whatever an answer says of itself comes out of the same snapshot as its rows.
"""
