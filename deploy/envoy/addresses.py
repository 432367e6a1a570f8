"""The variables by which whoever starts the edge says where the servers are: `host:port`, with commas between several.

Comes in: nothing, so that `deploy/local` needs none of our packages. Goes out: names. Next: `edge` reads what they say.
"""

ADDRESSES = {
    "ingest": "TIDEMARK_INGEST_ADDRESS",
    "query": "TIDEMARK_QUERY_ADDRESS",
    "insights": "TIDEMARK_INSIGHTS_ADDRESS",
    "reports": "TIDEMARK_REPORTS_ADDRESS",
    "gateway": "TIDEMARK_GATEWAY_ADDRESS",
}
"""By cluster."""
