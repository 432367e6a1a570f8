"""Long work as callers follow it: whoever does it writes the rows (`services/kit/operation.py`), `servicer` shows them."""
