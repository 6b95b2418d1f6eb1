"""The command line: one table of commands, each a thin call of a typed function. Nothing here imports torch until it runs."""
