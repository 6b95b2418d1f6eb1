"""One file a network; table.py lists them."""
