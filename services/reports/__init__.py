"""Reports: built from the answers of query and insights, proven, kept as editions and delivered.

A definition (`definitions`) is built into a `Document` (`document.py`, `build`), which has one form for all `formats`; an edition
(`editions`) keeps the files and the manifest with which each of them agrees. `schedules` says when, `delivery` brings them to people.
"""
