"""Readers of what every machine has: git histories, files, access logs, the host's own metrics.

Each reader turns its source into `Draft`s (or `BadRow`s) one by one; `tidemark/commands/load.py` tracks them.
"""
