"""Documents that repeat the code, and what writes them."""
