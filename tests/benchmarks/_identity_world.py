"""A made-up insurer's people as five systems know them, written into the staging tables.

Households, joint mailboxes and land lines, a call centre's numbers, a broker's mailboxes, typing
errors, people with two customer numbers. Everything follows from the number of the person by hash,
so the same size gives the same world.
"""

import duckdb

RECORDS_A_PERSON = 3.3

# What is true of person `p`, drawn anew under each name; chances in a thousand.
_MACROS = """
create or replace temp macro drawn(p, what, n) as (hash(p::bigint, what) % n)::bigint;
create or replace temp macro chance(p, what, per_mille) as drawn(p, what, 1000) < per_mille;
create or replace temp macro word(k) as
    chr(97 + (k % 26)::int) || chr(97 + (k // 26 % 26)::int) || 'a' || chr(97 + (k % 7)::int) || k;
create or replace temp macro mailbox(p, household, what) as case
    when chance(p, what || 'broker', 3) then 'desk' || drawn(p, what, 10) || '@broker.example'
    when chance(p, what || 'typo', 10) then 'typo' || p || what || '@mail.example'
    when chance(household, 'family', 50) and chance(p, what || 'family', 300)
        then 'family' || household || '@mail.example'
    else 'u' || p || 'x' || case when chance(p, what, 250) then 1 else 0 end || '@mail.example'
    end;
create or replace temp macro telephone(p, household, what) as case
    when chance(p, what || 'centre', 5) then '+44800' || drawn(p, what, 30)
    when chance(p, what || 'typo', 10) then '+449' || (p + 100000000) || what
    when chance(household, 'line', 500) and chance(p, what || 'line', 250)
        then '+441' || (household + 100000000)
    else '+447' || (p * 2 + case when chance(p, what, 200) then 1 else 0 end + 100000000)
    end;
create or replace temp macro misspelt(p, name, what) as case
    when chance(p, what || 'spelling', 40) then name[1] || name[3:] else name end
"""

_PEOPLE = """
create or replace temp table people as
with numbered as (
    select i as p, i // 10 * 4 + [0, 1, 1, 2, 2, 2, 3, 3, 3, 3][i % 10 + 1] as household
    from range({people}) as t(i)
)
select p, household, word(drawn(p, 'given', 400)) as given,
    word(drawn(case when chance(p, 'own name', 150) then -p else household end, 'family', 6000))
        as family,
    date '1935-01-01' + drawn(p, 'born', 27000)::int as born,
    'Z' || drawn(household, 'postcode', 150000) as postcode,
    drawn(household, 'street', 90) || ' street ' || drawn(household, 'road', 5000) as street
from numbered
"""

_NAMES = """
    misspelt(p, given, '{what}') as given_name, misspelt(p, family, '{what}') as family_name,
    misspelt(p, given, '{what}') as name_given_normalised,
    misspelt(p, family, '{what}') as name_family_normalised,
    case when chance(p, '{what}born', 950)
        then born + case when chance(p, '{what}slip', 20) then 1 else 0 end end as date_of_birth,
    case when chance(p, '{what}mailed', 850) then mailbox(p, household, '{what}') end as email,
    case when chance(p, '{what}called', 800) then telephone(p, household, '{what}') end
        as phone_e164,
    street, postcode, postcode as postcode_normalised, 'GB' as country,
    timestamptz '2026-06-01' + to_seconds(drawn(p, '{what}seen', 15000000)) as updated_at
"""

_TABLES = {
    "stg_crm__contacts": """
select 'crm.contacts:C' || p || 'x' || n as record_key, 'C' || p || 'x' || n as contact_id, {crm}
from people, range(2) as t(n) where n = 0 or chance(p, 'again', 30)
""",
    "stg_policy__policyholders": """
select 'policy.policyholders:N' || p || 'x' || n as record_key, 'N' || p || 'x' || n
    as customer_number, case when chance(p, 'refers', 600) then 'C' || p || 'x0' end
    as crm_contact_id, {policy}
from people, range(2) as t(n) where chance(p, 'insured', 750) and (n = 0 or chance(p, 'twice', 30))
""",
    "stg_product__accounts": """
select 'product.accounts:A' || p as record_key, 'A' || p as account_id,
    case when chance(p, 'known', 600) and chance(p, 'insured', 750) then 'N' || p || 'x0' end
    as customer_number,
    case when chance(p, 'login', 950) then mailbox(p, household, 'product') end as email,
    case when chance(p, 'kiosk', 2) then 'kiosk' || drawn(p, 'kiosk', 200)
        when chance(p, 'shared device', 150) then 'd' || household else 'e' || p end as device_id,
    'GB' as country, timestamptz '2026-06-01' + to_seconds(drawn(p, 'opened', 15000000))
    as created_at
from people where chance(p, 'online', 750)
""",
    "stg_service__tickets": """
select 'service.tickets:T' || p as record_key, 'T' || p as ticket_id,
    case when chance(p, 'asked', 500) then mailbox(p, household, 'service') end as email,
    case when chance(p, 'rang', 700) then telephone(p, household, 'service') end as phone_e164,
    'GB' as country, timestamptz '2026-06-01' + to_seconds(drawn(p, 'wrote', 15000000))
    as opened_at,
    case when chance(p, 'named', 700) then misspelt(p, given, 'service') end
    as name_given_normalised,
    case when chance(p, 'named', 700) then misspelt(p, family, 'service') end
    as name_family_normalised
from people where chance(p, 'served', 750)
""",
    "stg_policy__policies": """
select 'P' || p as policy_number, 'N' || p || 'x0' as customer_number
from people where chance(p, 'insured', 750)
""",
    "stg_billing__invoices": """
select 'I' || p as invoice_number, 'P' || p as policy_number,
    mailbox(p, household, 'billing') as billing_email
from people where chance(p, 'insured', 750)
""",
}


def write_staging(connection: duckdb.DuckDBPyConnection, records: int) -> int:
    """Fill the staging tables that identity reads; return how many records name a person."""
    connection.execute(_MACROS)
    connection.execute(_PEOPLE.format(people=round(records / RECORDS_A_PERSON)))
    connection.execute("create schema if not exists staging")
    named = {system: _NAMES.format(what=system) for system in ("crm", "policy")}
    count = 0
    for table, sql in _TABLES.items():
        languages = ", 'en' as preferred_language" if table == "stg_crm__contacts" else ""
        filled = sql.format(**{name: text + languages for name, text in named.items()})
        connection.execute(f"create or replace table staging.{table} as {filled}")
        if "record_key" in sql:
            ((rows,),) = connection.execute(f"select count(*) from staging.{table}").fetchall()
            count += rows
    connection.execute("drop table people")
    return count
