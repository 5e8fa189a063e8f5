{#- After a dbt command that built a model of the schema identity outside of a run: the tables may no
    longer be what the last committed run left, so the next run builds identity in full. While a run
    builds them the stage is not `committed`, and nothing is changed. -#}
{% macro note_identity_built_by_hand(results) -%}
    {%- set built = [] -%}
    {%- for result in results -%}
        {%- if result.node.resource_type == 'model' and result.node.schema == 'identity' -%}
            {%- do built.append(result.node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if execute and built -%}
        {%- set run = adapter.get_relation(target.database, 'identity_state', 'run') -%}
        {%- if run is not none -%}
            {%- call statement('note_built_by_hand', auto_begin=true) -%}
                update {{ run }} set stage = 'built by hand' where stage = 'committed'
            {%- endcall -%}
            {#- Looking for the relation may have begun a transaction, which no hook ends. -#}
            {%- do adapter.commit() -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
