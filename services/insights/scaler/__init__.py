"""Tells KEDA how many pods the load asks for, by the seconds of work that wait and by what is about to come in."""
