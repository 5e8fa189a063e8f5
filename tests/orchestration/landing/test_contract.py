"""The source files as a contract, and what happens when it changes."""

import re

import pytest
import yaml

from expectations.policy.vocabulary import read_vocabulary
from orchestration.landing import ContractError, read_contracts
from orchestration.landing.labels import landing_relations
from orchestration.landing.tables import METADATA_COLUMNS

PURPOSES = {
    "claims_service",
    "policy_service",
    "renewal",
    "onboarding",
    "service_recovery",
    "marketing",
    "profiling",
}
LINE = "o1,n,open,3,1.50,true,1990-02-28,2026-01-02T03:04:05+00:00"


def insurer_tables(sources):
    for file in sorted(sources.glob("*/_*__sources.yml")):
        for source in yaml.safe_load(file.read_text())["sources"]:
            for table in source["tables"]:
                yield source["name"], table


def test_the_insurer_announces_sixteen_entities_of_eight_systems(insurer_sources):
    contracts = read_contracts(insurer_sources)
    assert len(contracts) == 16
    assert len({contract.system for contract in contracts}) == 8


def test_every_landing_column_carries_a_label_of_known_words(insurer_sources):
    known = read_vocabulary().categories
    relations = landing_relations(insurer_sources)
    for system, table in insurer_tables(insurer_sources):
        label = table["config"]["meta"]["policy"]
        names = {column["name"] for column in table["columns"]}
        fields = {field.column.name: field.label for field in relations[table["name"]].fields}
        assert {label["subject_key"], label["event_time"]} <= names
        assert METADATA_COLUMNS.keys() <= names
        for column in table["columns"]:
            policy = fields[column["name"]]
            assert policy.origin == {system}
            assert policy.categories
            assert policy.categories <= known
            assert policy.purposes
            assert policy.purposes <= PURPOSES
            assert policy.residency
            assert policy.residency <= {"uk", "eu", "us", "other"}
            assert policy.retention_days > 0
            assert column["description"]


def test_every_table_exists_with_the_announced_types_although_no_file_arrived(
    new_zone, insurer_sources
):
    zone = new_zone()
    zone.sources = insurer_sources
    zone.load()
    for _, table in insurer_tables(insurer_sources):
        found = dict(
            zone.rows(
                "select column_name, data_type from duckdb_columns() where schema_name = 'landing' "
                f"and table_name = '{table['name']}'"
            )
        )
        announced = {
            column["name"]: zone.rows(f"select typeof(null::{column['data_type']})")[0][0]
            for column in table["columns"]
        }
        assert found == announced
    assert zone.rows("select count(*) from landing.load_audit") == [(0,)]
    assert zone.rows("select count(*) from landing.quarantine") == [(0,)]


def change(zone, old, new):
    [file] = zone.sources.glob("*/*.yml")
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_newly_announced_column_is_added_and_null_in_the_rows_of_before(zone):
    zone.orders(LINE)
    zone.load()
    change(
        zone,
        "          - {name: note, data_type: varchar}\n",
        "          - {name: note, data_type: varchar}\n"
        "          - {name: weight, data_type: integer, "
        "config: {meta: {landing: {optional: true}}}}\n",
    )
    zone.put("shop/orders-2.jsonl", '{"order_id": "o2", "weight": 12}')
    zone.load(day=1)
    assert zone.rows("select order_id, weight from landing.shop_orders order by 1") == [
        ("o1", None),
        ("o2", 12),
    ]


def test_a_file_that_failed_is_tried_again_once_the_contract_has_changed(zone):
    zone.put(
        "shop/orders.csv",
        "order_id,status,score,amount,paid,born_on,updated_at\n" + LINE.replace(",n,", ",") + "\n",
    )
    assert zone.load().with_status("failed")
    assert zone.load(day=1).unchanged == 1
    change(
        zone,
        "{name: note, data_type: varchar}",
        "{name: note, data_type: varchar, config: {meta: {landing: {optional: true}}}}",
    )
    assert [file.status for file in zone.load(day=2).files] == ["loaded"]
    assert zone.quarantined() == []
    assert zone.rows("select status, rows_accepted from landing.load_audit") == [("loaded", 1)]


def test_an_entity_announced_later_is_loaded_then(zone):
    zone.put("shop/parcels.csv", "parcel_id\np1\n")
    assert zone.load().with_status("unknown_entity")
    assert zone.load(day=1).unchanged == 1
    (zone.sources / "shop" / "_more__sources.yml").write_text(
        "sources: [{name: shop, schema: landing, tables: [{name: shop_parcels, "
        "config: {meta: {landing: {entity: parcels, key: [parcel_id]}}}, columns: [{name: "
        "parcel_id, data_type: varchar, config: {meta: {landing: {required: true}}}}]}]}]"
    )
    assert [file.status for file in zone.load(day=2).files] == ["loaded"]
    assert zone.rows("select parcel_id from landing.shop_parcels") == [("p1",)]


def test_a_changed_type_is_refused_with_the_column_and_the_fix(zone):
    zone.load()
    change(zone, "name: paid, data_type: boolean", "name: paid, data_type: varchar")
    with pytest.raises(ContractError, match=r"shop_orders: column paid .* delete the warehouse"):
        zone.load(day=1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sources:\n", "sources: [\n", "not YAML"),
        ("sources:\n", "models:\n", "not a dbt source file"),
        ("data_type: boolean", "data_type: blob", "column paid: data_type blob"),
        ("name: paid, data_type: boolean", "name: paid", "column paid: data_type missing"),
        ("name: paid,", "name: Paid,", "column Paid: a name is lower case"),
        ("minimum: 1,", "minimun: 1,", "column score.*minimun"),
        ("key: [order_id]", "key: [ordr_id]", "ordr_id"),
        ("key: [order_id]", "key: [note]", "required: true: note"),
        ("path: time", "path: id", "share a name or a path"),
        ("name: shop_visits", "name: shop_visit", "must be named shop_visits"),
        ("version: updated_at", "versoin: updated_at", "versoin"),
    ],
)
def test_a_fault_in_a_source_file_is_named_with_its_place(zone, old, new, message):
    change(zone, old, new)
    with pytest.raises(ContractError, match=re.compile(rf"_shop__sources.yml.*{message}", re.S)):
        zone.load()


def test_a_folder_without_source_files_is_an_error(tmp_path):
    with pytest.raises(ContractError, match=r"no .*__sources\.yml"):
        read_contracts(tmp_path)
