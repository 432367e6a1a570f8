"""What the platform can do, measured on the real stack beside its rivals: `python -m benchmarks [name…]`; see README.md."""
