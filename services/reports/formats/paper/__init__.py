"""Pages: what `pdf` puts a document on.

`block`, `card`, `grid` and `front` are what stands on pages, laid out in points; `flow` cuts them into pages; `board` draws on one with ReportLab, and
`embed` puts the fonts into the file, each with the glyphs alone that are used.
"""
