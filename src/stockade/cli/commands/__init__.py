"""One module a group of verbs; each verb is a ``configure_`` and a ``run_`` function, named in `stockade.cli.verbs`."""
