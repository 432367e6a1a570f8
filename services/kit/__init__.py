"""What every server needs, one module for each thing it does. The one folder here that is not a service."""
