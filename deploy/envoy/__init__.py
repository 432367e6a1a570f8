"""The edge: Envoy gives gRPC, gRPC-Web and REST/JSON on one port, and the page.

`python -m deploy.envoy` runs it, locally and in a container. `edge` reads what it must know, `contract` knows the RPCs, `routes`
and `filters` say what becomes of a request, `trust` which certificates there are, `config` puts the file together.
"""
