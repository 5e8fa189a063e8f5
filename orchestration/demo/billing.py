"""The billing system's invoices: a term in one, four or twelve instalments, thirty days apart."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo import rates
from orchestration.demo.codes import codes
from orchestration.demo.columns import dates, money
from orchestration.demo.policy import Policies
from orchestration.demo.records import in_style
from orchestration.demo.streams import Streams, pick
from orchestration.demo.timeline import Period, Window

_NEVER = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Invoices:
    """One entry per invoice of each policy's term, also of those still to be issued; days since
    1970.
    """

    seed: int
    policies: Policies
    emails: pa.Array
    policy: np.ndarray
    serial: np.ndarray
    style: np.ndarray
    issued: np.ndarray
    paid: np.ndarray
    first_day: int

    def export(
        self, window: Window, issued_from: int | None = None, issued_before: int | None = None
    ) -> pa.Table:
        """Invoices issued or paid in the window, as they are at its end; of those issued in a range
        of days only.
        """
        shown = window.holds_days(self.issued) | window.holds_days(self.paid)
        if issued_from is not None:
            shown &= self.issued >= issued_from
        if issued_before is not None:
            shown &= self.issued < issued_before
        return self._rows(window, shown)

    def _rows(self, window: Window, shown: np.ndarray) -> pa.Table:
        rows = np.flatnonzero(shown & (self.issued >= self.first_day))
        policy = self.policy[rows]
        picked, holder = pa.array(policy), pa.array(self.policies.holder[policy])
        address = pc.utf8_lower(pc.utf8_trim_whitespace(self.emails.take(holder)))
        return pa.table(
            {
                "invoice_number": codes(
                    self.seed, "invoice", self.serial[rows], prefix="INV-", width=10
                ),
                "policy_number": self.policies.keys.take(picked),
                "billing_email": in_style(address, self.style[rows]),
                "amount": money(self.policies.premium[policy] / 12),
                "currency": self.policies.table.column("currency").combine_chunks().take(picked),
                "issued_on": dates(self.issued[rows]),
                "due_on": dates(self.issued[rows] + rates.INVOICE_DUE_DAYS),
                "paid_on": dates(self.paid[rows], self.paid[rows] <= window.until // 86_400),
            }
        )


def invoices(
    streams: Streams, of: Policies, emails: pa.Array, period: Period, first_serial: int
) -> Invoices:
    """billing/invoices of the current term of each policy; `emails` are the policyholders', as they
    are written.
    """
    draw, count = streams.stream, len(of.holder)
    instalments = np.array(rates.INSTALMENTS)[
        draw("instalments").integers(0, len(rates.INSTALMENTS), count)
    ]
    policy = np.repeat(np.arange(count), instalments)
    size = len(policy)
    nth = np.arange(size) - np.repeat(np.cumsum(instalments) - instalments, instalments)
    issued = of.renews[policy] - 365 + 30 * nth
    paid = issued + draw("paid").integers(0, rates.INVOICE_PAID_WITHIN_DAYS + 1, size)
    paid[draw("never paid").random(size) < rates.INVOICE_NEVER_PAID_SHARE] = _NEVER
    style = pick(draw("style"), rates.EMAIL_STYLE_SHARES, size)
    serial = np.arange(size, dtype=np.int64) + first_serial
    # A policy that began within a day can't have been invoiced before that day.
    first_day = -_NEVER if period.start is None else period.start // 86_400 + 1
    return Invoices(streams.seed, of, emails, policy, serial, style, issued, paid, first_day)
