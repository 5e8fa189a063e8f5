"""What can be wrong with a release."""


class ReleaseError(ValueError):
    """A release is not what it says it is, or can't be done with what was asked; says the fix."""


class ReleaseRefused(ReleaseError):
    """A release that may not be activated; `findings` says why, a line each."""

    def __init__(self, release_id: str, findings: list[str]) -> None:
        listed = "".join(f"\n  - {finding}" for finding in findings)
        super().__init__(f"release {release_id} can't be activated:{listed}")
        self.findings = findings
