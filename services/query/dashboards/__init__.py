"""Saved pages of tiles, and those that come with Tidemark.

`servicer.py` answers DashboardService: `definition.py` says whether a dashboard is well formed, `tiles.py` what its tiles ask once
filters, variables and the time range are chosen, `store.py` keeps it. `WatchDashboard` follows the tiles as a board of `live`.
"""
