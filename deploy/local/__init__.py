"""The local stack: TimescaleDB, Redis and every Tidemark target on one machine, without Docker.

`__main__` reads the command and `supervisor` runs the stack. `packages` finds the programs, which
`debian` unpacks where the host has none; `servers` runs them with `settings`; `targets` are ours.
`logs`, `ports`, `accounts`, `process` and `stack` each know one thing the others need.
"""
