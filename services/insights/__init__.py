"""Target insights: what has changed, how sure that is, why, and what comes next; reads through query alone."""
