"""Where the log's files are."""

from dataclasses import dataclass
from pathlib import Path

from activation.log.durable import numbered
from activation.log.errors import LogDamaged
from activation.log.segments import SUFFIX


@dataclass(frozen=True)
class Layout:
    """Where the log's files are; `copies` is the second place for checkpoints, if there is one."""

    directory: Path
    copies: Path | None = None

    @property
    def lock(self) -> Path:
        """The file that the writer holds locked."""
        return self.directory / "lock"

    @property
    def public_key(self) -> Path:
        """The key for strangers."""
        return self.directory / "public_key"

    @property
    def segments(self) -> Path:
        """Directory of the rows."""
        return self.directory / "segments"

    @property
    def checkpoints(self) -> Path:
        """Directory of the signed heads."""
        return self.directory / "checkpoints"

    @property
    def openings(self) -> Path:
        """Directory of the erasable contexts."""
        return self.directory / "openings"

    @property
    def journal(self) -> Path:
        """Directory of decisions that are durable and not sealed yet."""
        return self.directory / "journal"

    @property
    def transitions(self) -> Path:
        """Directory of the changes of the signing key."""
        return self.directory / "transitions"

    @property
    def transition_copies(self) -> Path | None:
        """Where the second place keeps the changes of the signing key."""
        return self.copies / "transitions" if self.copies else None

    @property
    def tree(self) -> Path:
        """Directory of cached subtree roots."""
        return self.directory / "tree"

    @property
    def inputs(self) -> Path:
        """Directory of what the batches were decided from."""
        return self.directory / "inputs"

    def recorded(self, number: int) -> Path:
        """One batch's inputs, a directory."""
        return self.inputs / f"{number:06d}"

    def segment(self, number: int) -> Path:
        """One batch's rows."""
        return self.segments / f"{number:06d}{SUFFIX}"

    def opening(self, number: int) -> Path:
        """One batch's openings."""
        return self.openings / f"{number:06d}{SUFFIX}"

    def checkpoint(self, number: int) -> Path:
        """One batch's signed head."""
        return self.checkpoints / f"{number:06d}"

    def checkpoint_text(self, number: int) -> str:
        """A checkpoint's note. Raises LogDamaged when it is missing or not text."""
        try:
            return self.checkpoint(number).read_bytes().decode("utf-8")
        except FileNotFoundError:
            raise LogDamaged(f"checkpoints/{number:06d}: the log has no such batch") from None
        except UnicodeDecodeError:
            raise LogDamaged(f"checkpoints/{number:06d}: is not UTF-8 text") from None

    def committed(self) -> list[int]:
        """Numbers of the committed batches, ascending. Raises LogDamaged when one is missing."""
        numbers = sorted(numbered(self.checkpoints)[0])
        for expected, number in enumerate(numbers, start=1):
            if number != expected:
                raise LogDamaged(f"checkpoints/{expected:06d}: missing; restore it from its copy")
        return numbers
