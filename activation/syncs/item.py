"""One row that a run means to deliver."""

from dataclasses import dataclass

from activation.connectors.protocol import Operation


@dataclass(frozen=True, slots=True)
class Item:
    """A planned operation on one key. Holds no payload: `position` points into the desired rows.

    `purpose` lists purposes separated by commas; `channel` is `*` where the rows name none.
    `node` is the journey node that decided it, where that is known.
    `required` marks a removal that the person asked for. `address_hash` is SHA-256 of the address.
    """

    operation: Operation
    row_key: str
    person_id: str
    purpose: str
    channel: str
    decision_id: str | None = None
    node: str | None = None
    row_hash: str | None = None
    address_hash: str | None = None
    address_sent: str | None = None
    position: int | None = None
    required: bool = False
    delivery_id: str = ""

    def __repr__(self) -> str:
        """The operation and ids only, so that an address can't slip into a log."""
        return f"Item({self.operation.value}, {self.row_key}, {self.delivery_id})"
