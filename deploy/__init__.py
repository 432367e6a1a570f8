"""How Tidemark is started: `local` without Docker, `compose.yaml` with it; and what is shipped: `image`, by the `Dockerfile`."""
