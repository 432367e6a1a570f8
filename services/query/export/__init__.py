"""Whole answers as files.

`source.py` reads: events come from the database in batches of columns, other answers are made as usual and become a table by
`rows.py`. `format.py` turns the batches into the bytes of a file, piece by piece, which the servicer sends on. Nothing here
holds more than a few batches at once.
"""
