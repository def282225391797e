"""One module per `devflow` command: `configure(parser)` and `run(arguments) -> exit status`."""
