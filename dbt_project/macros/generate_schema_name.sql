{#- The folder's schema as it is, without the target's prefix: a Dagster asset key is [schema,
    table]. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema if custom_schema_name is none else custom_schema_name | trim }}
{%- endmacro %}
