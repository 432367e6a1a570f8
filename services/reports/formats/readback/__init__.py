"""Files read back, by other programs than those that wrote them: what a file says comes out as tables, which `check` counts again.

`archive.py` reads CSV, `lines.py` JSON and `book.py` workbooks, whose XML `markup.py` and `gap.py` know: every cell, a few thousand
rows at a time. `page.py` reads HTML and `paper.py` PDF, which hold what people see: figures and the rows that were not cut, as texts.
"""
