"""The command line: Typer commands that hand over to `app` and show what comes back."""

COMPLETION = "_DNN_COMPLETE"  # the variable that the completion scripts of the shells set
