{#- Whose word counts for a field of a person when their records differ: field -> source systems, the
    first of which that has it wins, and of one system the newest record; with no system named, the
    newest record of any. Validated: an unknown field or system stops compilation with its name
    rather than yielding nulls. -#}
{% macro identity_survivorship() -%}
    {%- set fields = ['given_name', 'family_name', 'date_of_birth', 'preferred_language', 'country'] -%}
    {%- set systems = ['crm', 'policy', 'product', 'service'] -%}
    {%- set declared = var('identity_survivorship') -%}
    {%- set at = 'identity_survivorship in dbt_project.yml: ' -%}
    {%- for field in declared -%}
        {%- if field not in fields -%}
            {{ exceptions.raise_compiler_error(
                at ~ field ~ ' is no field of a person; use one of ' ~ fields | join(', ')
            ) }}
        {%- endif -%}
        {%- for system in declared[field] -%}
            {%- if system not in systems -%}
                {{ exceptions.raise_compiler_error(
                    at ~ field ~ ': ' ~ system ~ ' is no source system that names persons; use '
                    ~ systems | join(', ')
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for field in fields -%}
        {%- if field not in declared -%}
            {{ exceptions.raise_compiler_error(at ~ "lacks '" ~ field ~ "'; add it.") }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(declared) }}
{%- endmacro %}


{#- The name of the order that fields of these sources share. -#}
{% macro survivorship_order(sources) -%}
    by_{{ sources | join('_') if sources else 'recency' }}
{%- endmacro %}


{#- One rank of a person's records per distinct order of sources: 1 is whose word counts first. -#}
{% macro survivorship_ranks(person_id, records) -%}
    {%- set orders = [] -%}
    {%- for sources in identity_survivorship().values() if sources not in orders -%}
        {%- do orders.append(sources) -%}
    {%- endfor -%}
    {%- for sources in orders %}
        row_number() over (
            partition by {{ person_id }}
            order by
                {%- if sources %}
                case {{ records }}.system
                    {%- for system in sources %}
                    when '{{ system }}' then {{ loop.index }}
                    {%- endfor %}
                    else {{ sources | length + 1 }}
                end asc,
                {%- endif %}
                {{ records }}.seen_at desc nulls last,
                {{ records }}.record_key asc
        ) as {{ survivorship_order(sources) }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
