"""What can go wrong with the decision log, one class per thing a caller can do about it."""


class LogError(Exception):
    """Base of every error the decision log raises."""


class RowRefused(LogError):
    """A row can't be sealed: a column is missing, null, of the wrong type or not plain text."""


class DuplicateDecision(LogError):
    """A decision_id is in the log already; sealed twice, the log would contradict itself."""


class LogBusy(LogError):
    """Another process or thread is writing this log."""


class LogDamaged(LogError):
    """The files contradict the signed checkpoints; nothing is written until someone has looked."""


class KeyProblem(LogError):
    """The signing key is missing, readable by others, malformed, or belongs to another log."""


class NoteRefused(LogError):
    """A checkpoint is not a well-formed signed note, or carries no valid signature of the key."""


class DecisionUnknown(LogError):
    """No row of the log carries this decision_id."""
