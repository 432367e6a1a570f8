"""What `tidemark <command>` does, one module for each group of commands; `tidemark/cli.py` parses and calls them."""
