"""Backups of everything: PostgreSQL and Redis as they run, in files that prove themselves.

`python -m deploy.backup` takes, checks and restores them. `taking` takes one: `snapshot` copies Redis, then `base` PostgreSQL, each into a
file that `box` compresses and seals, and `manifest` says what is there; `shelf` is where they stand. `restoring` goes back the
same way, and `proof` tells whether what came back is what there was.
"""
