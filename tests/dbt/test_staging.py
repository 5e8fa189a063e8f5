"""Staging against Python: the same spelling of an identifier on both sides of the warehouse."""

import random

from activation.consent.identifiers import normalise_email
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.people import contact

PIECES = ("ada", "LOVE", ".", "@", " ", "\t", "\u00a0", "\u200b", "é", "e\u0301", "+tag", "Ü", "ß")
DOMAINS = ("@example.com", "@Example.CO.uk ", "@ex ample.com", "@example", "@.com", "@n/a.x", "")


def test_sql_and_python_normalise_addresses_alike(warehouse: Warehouse) -> None:
    generator = random.Random(5)
    written = [
        "".join(generator.choices(PIECES, k=generator.randint(0, 4))) + generator.choice(DOMAINS)
        for _ in range(300)
    ]
    written += [" Ada@Example.com ", "a d a@example.com", "ada@example", "@example.com", "a@b@c.de"]
    warehouse.insert("crm_contacts", [contact(f"C{i}", email=e) for i, e in enumerate(written)])
    warehouse.build("stg_crm__contacts")
    staged = dict(warehouse.rows("select contact_id, email from staging.stg_crm__contacts"))
    assert staged == {f"C{i}": normalise_email(address) for i, address in enumerate(written)}
    assert len({address for address in staged.values() if address}) > 10


def test_a_corrected_row_supersedes_whatever_the_order_of_arrival(warehouse: Warehouse) -> None:
    first = contact("C1", city="Leeds", updated_at=AS_OF, _file_rank="contacts-01", _line=2)
    corrected = contact("C1", city="York", updated_at=AS_OF, _file_rank="contacts-02", _line=2)
    for rows in ([first, corrected], [corrected, first]):
        warehouse.clear("crm_contacts")
        warehouse.insert("crm_contacts", rows)
        warehouse.build("stg_crm__contacts")
        assert warehouse.rows("select city from staging.stg_crm__contacts") == [("York",)]


def test_a_phone_is_read_with_the_country_of_its_record(warehouse: Warehouse) -> None:
    warehouse.insert(
        "crm_contacts",
        [
            contact("GB", phone="07700 900123"),
            contact("GB again", phone="+44 (0)7700 900123"),
            contact("FR", phone="06 12 34 56 78", country="FR"),
            contact("nobody", phone="TBC"),
        ],
    )
    warehouse.build("stg_crm__contacts")
    assert dict(warehouse.rows("select contact_id, phone_e164 from staging.stg_crm__contacts")) == {
        "GB": "+447700900123",
        "GB again": "+447700900123",
        "FR": "+33612345678",
        "nobody": None,
    }
