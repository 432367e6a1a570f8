"""What was received and what has become of it, and how the platform is doing.

`store` reads all of it in somebody's snapshot. The servicer of query answers GetLedger with `ledger` (pure); `source` answers
GetPlatformAnalytics with `analytics` (pure).
"""
