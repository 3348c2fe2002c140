"""Every failure that Stockade raises on purpose, by whose fault it is.

    StockadeError
    ├── ConfigError            the project's configuration, or how a command was typed      exit 2
    ├── DataError              the data                                                     exit 1
    ├── StepError              the code of a step                                           exit 1
    ├── EvidenceError          a signature, digest, log or trust root that does not hold    exit 1
    ├── PolicyError            the policy refused, or cannot be evaluated                   exit 1
    └── ServiceError           this machine, or a service it depends on                     exit 3

A class stands for one failure: it has a stable `code`, its docstring is what ``stockade explain CODE`` prints, and
an instance carries the sentence, the place and the remedy. A room may define further classes of its own beside the
code that raises them; they derive from a family here and have a code of their own.
"""

from __future__ import annotations

from typing import Any, ClassVar


class StockadeError(Exception):
    """Root of all deliberate failures.

    Attributes:
        code: Stable identifier such as ``D101``.
        exit_code: What the process exits with when this error ends a command.
        message: What happened, one sentence.
        where: File, row, column or key, as far as known.
        remedy: What the reader can do.
    """

    code: ClassVar[str] = "S000"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class ConfigError(StockadeError):
    """The configuration, or the way a command was typed, says something that cannot be.

    The error names the file, the line and the key, and the spelling that was probably meant.
    """

    code = "C100"
    exit_code = 2


class ConfigMissingError(ConfigError):
    """There is no stockade.toml in the folder.

    Run ``stockade init FILE --target COLUMN`` to make a project, or change into one.
    """

    code = "C101"


class KeyFileError(ConfigError):
    """A key file cannot be opened: it is absent, readable by others, or the passphrase is not the right one.

    Give the passphrase by file or descriptor, never as an argument. A lost passphrase cannot be recovered: make a
    new key and have the trust root name it.
    """

    code = "C110"


class DataError(StockadeError):
    """The data cannot be used as it is.

    Single bad rows never raise this: they are quarantined, each with its reasons. This error means that the table
    as a whole cannot be read or does not hold what the project needs of it.
    """

    code = "D100"


class SourceUnreadableError(DataError):
    """The source file is missing, empty, or not in the format its name or content says.

    Stockade reads CSV, Parquet and JSON Lines. Text must be UTF-8.
    """

    code = "D101"


class TargetError(DataError):
    """The target column is absent, constant, empty, or otherwise nothing to learn from."""

    code = "D102"


class ColumnError(DataError):
    """A column that the configuration or schema names is absent, named twice, or of an unusable type."""

    code = "D103"


class TooFewRowsError(DataError):
    """After quarantine too few rows are left to train on and to test honestly."""

    code = "D104"


class StepError(StockadeError):
    """The code of a step failed, or did what its sandbox does not allow.

    The error names the step, the line of a step of your own, and the last line of what it printed; ``stockade run``
    shows more of it. Nothing of a failed step is kept, and finished steps are not repeated.
    """

    code = "P100"


class StepLimitError(StepError):
    """A step ran out of the time, memory, processes or disk space that it was given."""

    code = "P101"


class StepOutputError(StepError):
    """A step did not return what it declares, or returned something that cannot be stored."""

    code = "P102"


class ExportError(StepError):
    """A model was trained but its ONNX export does not reproduce it, so it was withheld.

    Stockade replays every exported model over the training rows and over edge cases (missing and unseen values,
    extreme numbers) and refuses the export when one label differs or a probability is off by more than 1e-12.
    """

    code = "P103"


class EvidenceError(StockadeError):
    """Something that must be proven is not: a digest, signature, inclusion or link does not hold."""

    code = "E100"


class DigestMismatchError(EvidenceError):
    """Stored bytes are not the bytes that were attested.

    Someone or something altered, truncated or swapped a file. Nothing of it was used.
    """

    code = "E101"


class SignatureError(EvidenceError):
    """A signature is missing, malformed, or not by a key that the trust root allows for this role."""

    code = "E102"


class MissingEvidenceError(EvidenceError):
    """A statement that the chain of evidence needs is not there."""

    code = "E103"


class LogError(EvidenceError):
    """The transparency log contradicts itself, or a checkpoint seen earlier: entries were altered or rolled back."""

    code = "E104"


class UntrustedError(EvidenceError):
    """What was checked is consistent in itself, but no trust root was given to hold it against.

    Pass ``--trust trust.json`` or ``--trust sha256:DIGEST``, obtained from the people you trust and not from the
    bundle itself.
    """

    code = "E105"


class MalformedError(EvidenceError):
    """A document is not in the canonical form of its format; nothing in it was believed."""

    code = "E106"


class ExpiredError(EvidenceError):
    """The trust root has expired, or only holds for trials; nothing signed under it is believed any more.

    Get the current trust root from the people you trust. A trial root, as the demo and ``stockade init`` make it,
    never counts in production.
    """

    code = "E107"


class PolicyError(StockadeError):
    """The policy cannot be loaded or evaluated; nothing is admitted."""

    code = "A100"


class RefusedError(PolicyError):
    """The policy does not admit this promotion or deployment.

    Every rule that refused is listed with its figure, threshold and advice. A rule may be waived by an approver
    who is not the requester, for a limited time, with a reason: ``stockade waive VERSION RULE --reason "..."``.

    Attributes:
        decision: The `stockade.policy.decision.Decision` with every ruling, where the policy was evaluated.
    """

    code = "A101"
    decision: Any = None


class TransitionError(PolicyError):
    """The alias cannot move that way: promotions follow staging, canary, production, and roll back by name."""

    code = "A102"


class SelfApprovalError(PolicyError):
    """A person tried to approve or waive what the same person ran, requested or wrote the policy for."""

    code = "A103"


class ServiceError(StockadeError):
    """This machine cannot do what was asked: no space, no permission, a port in use, a feature missing."""

    code = "V100"
    exit_code = 3


class DefectError(ServiceError):
    """A defect of Stockade itself: something happened that its code does not foresee.

    Finished steps are kept. Set ``STOCKADE_TRACEBACK=1``, run the same command again, and report what it prints.
    """

    code = "V109"


class StorageFullError(ServiceError):
    """The disk is full; what was being written was discarded, and what was finished before is kept."""

    code = "V101"


class BusyError(ServiceError):
    """Another process holds the workspace; try again when it has finished."""

    code = "V102"


class UnsupportedError(ServiceError):
    """This machine lacks something that is needed: a sandbox feature, or a library that was not installed."""

    code = "V103"
