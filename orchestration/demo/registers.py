"""The two registers of customers: the CRM's contacts and the policy system's policyholders."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo import rates
from orchestration.demo.codes import codes, serials
from orchestration.demo.columns import choose, constant, rows_of, timestamps, where
from orchestration.demo.people import CITIES, People, new_addresses
from orchestration.demo.records import written_down
from orchestration.demo.streams import Streams
from orchestration.demo.timeline import Period, Window, moment_on, schedule
from orchestration.demo.vocabulary import COUNTRIES, FAMILY_NAMES, GIVEN_NAMES

_TIMEZONES = tuple(city.timezone for city in CITIES)
_LANGUAGES = tuple(country.language for country in COUNTRIES)


@dataclass(frozen=True, eq=False)
class Register:
    """One row per record. `host` is the person's position in `people`; moments are seconds since
    1970.

    Each record is corrected at most once, at `corrected` (a far future for most): a new e-mail
    address, a move, or names and birth date put right.
    """

    streams: Streams
    people: People
    host: np.ndarray
    table: pa.Table
    updated: np.ndarray
    corrected: np.ndarray

    @property
    def keys(self) -> pa.Array:
        """The records' identifiers: the first column."""
        return self.table.column(0).combine_chunks()

    def export(self, window: Window) -> pa.Table:
        """Rows last updated in the window, and rows corrected in it."""
        first = rows_of(self.table, window.holds(self.updated) & (self.corrected > window.until))
        return pa.concat_tables(
            [first, self._corrected(np.flatnonzero(window.holds(self.corrected)))]
        )

    def named(self, window: Window) -> tuple[pa.Array, np.ndarray]:
        """Identifier and person of each record that is first seen in the window."""
        seen = np.flatnonzero(window.holds(self.updated))
        return self.keys.take(pa.array(seen)), self.people.number[self.host[seen]]

    def older_versions(self, rng: np.random.Generator, positions: np.ndarray) -> pa.Table:
        """What those records said before their last update: the address before the move, an older
        updated_at.
        """
        people = self.people.at(self.host[positions])
        age = 1 + (rng.random(len(positions)) * 30 * 86_400).astype(np.int64)
        return _with(
            rows_of(self.table, positions),
            {
                "street": people.old_street,
                "postcode": people.old_postcode,
                "updated_at": timestamps(self.updated[positions] - age),
            },
        )

    def _corrected(self, positions: np.ndarray) -> pa.Table:
        table, people = rows_of(self.table, positions), self.people.at(self.host[positions])
        # By the record's own draw, not by its place in the export.
        what = self.streams.stream("correction").integers(0, 3, len(self.host))[positions]
        street, postcode = new_addresses(self.streams.under("next address"), len(self.host))
        picked = pa.array(positions)
        plain = {
            "given_name": choose(GIVEN_NAMES, people.given),
            "family_name": choose(FAMILY_NAMES, people.family),
            "date_of_birth": pa.array(people.birth.astype(np.int32))
            .cast(pa.date32())
            .cast(pa.string()),
        }
        return _with(
            table,
            {
                "email": where(
                    what == 0,
                    pc.replace_substring(people.own_email, "@", ".home@"),
                    table.column("email").combine_chunks(),
                ),
                "street": where(
                    what == 1, street.take(picked), table.column("street").combine_chunks()
                ),
                "postcode": where(
                    what == 1, postcode.take(picked), table.column("postcode").combine_chunks()
                ),
                **{
                    name: where(what == 2, text, table.column(name).combine_chunks())
                    for name, text in plain.items()
                },
                "updated_at": timestamps(self.corrected[positions]),
            },
        )


def contacts(streams: Streams, people: People, host: np.ndarray, period: Period) -> Register:
    """crm/contacts: one record per entry of `host` (positions in `people`)."""
    size, rows = len(host), people.at(host)
    created = period.moments(streams.stream("created"), size, days=2500, gap_days=30)
    span = period.end - created
    updated = created + (streams.stream("updated").random(size) * span).astype(np.int64)
    language = choose(_LANGUAGES, rows.country)
    table = pa.table(
        {
            "contact_id": codes(
                streams.seed, "contact", serials(period.day, size), prefix="C", width=8
            ),
            **written_down(streams, "crm", rows),
            "preferred_language": where(rows.speaks_home_language, language, "en"),
            "timezone": choose(_TIMEZONES, rows.city),
            "created_at": timestamps(created),
            "updated_at": timestamps(updated),
        }
    )
    return Register(streams, people, host, table, updated, _corrections(streams, size, period))


def policyholders(
    streams: Streams, people: People, host: np.ndarray, contact_of: pa.Array, period: Period
) -> Register:
    """policy/policyholders: one record per entry of `host`; `contact_of` is each person's CRM
    contact or empty.
    """
    size, rows = len(host), people.at(host)
    updated = period.moments(streams.stream("updated"), size, days=rates.CONSENT_DAYS)
    linked = streams.stream("link").random(size) < rates.CRM_LINK_SHARE
    number = codes(
        streams.seed, "customer", serials(period.day, size), prefix="", width=10, base=10
    )
    table = pa.table(
        {
            "customer_number": number,
            "crm_contact_id": where(linked, contact_of.take(pa.array(host)), ""),
            **written_down(streams, "policy", rows),
            "updated_at": timestamps(updated),
        }
    )
    return Register(streams, people, host, table, updated, _corrections(streams, size, period))


def first_key_of(register_keys: pa.Array, host: np.ndarray, size: int) -> pa.Array:
    """For each of `size` persons the key of the first record that names it, or an empty text."""
    first, positions = np.unique(host, return_index=True)
    position_of = np.full(size, len(register_keys))
    position_of[first] = positions
    return pa.concat_arrays([register_keys, constant("", 1)]).take(pa.array(position_of))


def _corrections(streams: Streams, size: int, period: Period) -> np.ndarray:
    rng = streams.stream("corrected")
    # Records that came with a later day stay as they are: they are new already.
    eligible = np.full(size, period.day == 0)
    days = schedule(rng, eligible, rates.CORRECTED_SHARE, rates.CORRECTED_AT_LEAST)
    return moment_on(rng, days, period.end)


def _with(table: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, column in columns.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table
