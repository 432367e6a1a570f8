"""Answers that stay up to date, for `WatchQuery` and `WatchDashboard`.

`worker.py` keeps each watched question answered, whoever follows it, and reads with `source.py` what commits have touched
(`renewal.py` knows which buckets those are). `board.py` tells what changed between two states of a board of tiles, `stream.py` gives
that to every follower of the board, and `cursor.py` says where one goes on after an interruption. A `WatchQuery` follows a board of one
tile.
"""
