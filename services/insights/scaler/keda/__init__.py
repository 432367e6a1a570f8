"""Stubs of KEDA's contract, written by `make protos`."""
