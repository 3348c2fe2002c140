"""The table of verbs: all that ``stockade --help`` needs, so that it loads nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """One command.

    Attributes:
        name: What is typed.
        part: Heading it is listed under.
        summary: One line for the overview.
        module: Module below ``stockade.cli.commands``.
        function: Suffix of its ``configure_`` and ``run_`` functions.
        example: A line that works.
    """

    name: str
    part: str
    summary: str
    module: str
    function: str
    example: str


_START = "start here"
_PIPELINE = "the pipeline"
_DECISIONS = "decisions by people"
_PROOF = "proof"
_SERVING = "serving"
_MACHINE = "this machine"

VERBS: tuple[Verb, ...] = (
    Verb("demo", _START, "the census example end to end, in a scratch folder", "demo", "demo", "stockade demo"),
    Verb(
        "init",
        _START,
        "make a project from a data file",
        "project",
        "init",
        "stockade init people.csv --target employed",
    ),
    Verb("run", _PIPELINE, "run the pipeline up to a registered version", "run", "run", "stockade run"),
    Verb("status", _PIPELINE, "what there is: versions, aliases, last run", "project", "status", "stockade status"),
    Verb("runs", _PIPELINE, "list the runs", "project", "runs", "stockade runs"),
    Verb("show", _PIPELINE, "show a run, a step or a version", "project", "show", "stockade show train"),
    Verb("report", _PIPELINE, "write the report of a version as one HTML page", "project", "report", "stockade report"),
    Verb(
        "data",
        _PIPELINE,
        "profile, validate, clean, anonymise or audit any file",
        "data",
        "data",
        "stockade data profile people.csv",
    ),
    Verb(
        "approve",
        _DECISIONS,
        "approve a promotion, as another person",
        "decide",
        "approve",
        'stockade approve 1 --to production --as ben --reason "figures reviewed"',
    ),
    Verb(
        "waive",
        _DECISIONS,
        "waive a rule for one version, for a limited time",
        "decide",
        "waive",
        'stockade waive 1 fairness.tpr_gap.disability --to staging --as ben --days 30 --reason "..."',
    ),
    Verb(
        "promote",
        _DECISIONS,
        "move an alias to a version, if the policy admits it",
        "decide",
        "promote",
        "stockade promote 1 --to staging",
    ),
    Verb(
        "rollback",
        _DECISIONS,
        "give an alias back to its previous version",
        "decide",
        "rollback",
        'stockade rollback production --reason "..."',
    ),
    Verb("history", _DECISIONS, "who decided what, when and why", "decide", "history", "stockade history"),
    Verb("bundle", _PROOF, "write one portable proof of a version", "proof", "bundle", "stockade bundle 1"),
    Verb(
        "verify",
        _PROOF,
        "verify a release bundle offline",
        "proof",
        "verify",
        "stockade verify release.stockade --trust trust.json",
    ),
    Verb("serve", _SERVING, "verify the chain, then serve the model over TLS", "serving", "serve", "stockade serve"),
    Verb(
        "predict",
        _SERVING,
        "predict the rows of a file with an admitted model",
        "serving",
        "predict",
        "stockade predict people.csv --output answers.csv",
    ),
    Verb("doctor", _MACHINE, "what this machine can and cannot enforce", "machine", "doctor", "stockade doctor"),
    Verb("explain", _MACHINE, "say more about an error code", "machine", "explain", "stockade explain A101"),
    Verb(
        "completion",
        _MACHINE,
        "print shell completion",
        "machine",
        "completion",
        "stockade completion bash > ~/.local/share/bash-completion/completions/stockade",
    ),
)
