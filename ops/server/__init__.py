"""The stack for a server: what `make up`, `make down` and `make status` do, and what its containers run at start."""
