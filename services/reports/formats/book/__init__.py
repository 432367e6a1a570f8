"""Workbooks: what stands where, how it looks, and how a million rows get into one.

`place.py` gives each section its sheet (`names.py`) and each table its rows there. `front.py` writes the sheets that tell of the report and
of what is proven, `graph.py` the charts, `style.py` says how values look; XlsxWriter makes of them a workbook whose tables are
empty. `rows.py` gives the rows of tables as XML, which `xlsx` puts into their places while it copies the workbook.
"""
