"""How Tidemark is started: `local` without Docker, `compose.yaml` and `Dockerfile` with it."""
