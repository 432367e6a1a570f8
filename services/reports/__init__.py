"""Reports: built from the answers of query and insights, proven, kept as editions and delivered.

A definition (`definitions`) is built into a `Document` (`document.py`, `build`), which has one form for all `formats`. A run (`runs`) makes
an edition of it, which keeps the files and the manifest with which each of them agrees (`editions`). `schedules` says when, `delivery`
brings them to people.
"""
