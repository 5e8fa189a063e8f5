{#- The current row of each key of a landing table: the highest version, then the highest file name,
    then the last line. Rows are compared by what the files say and never by when they arrived, so
    that a late or repeated file cannot change the answer; the digest breaks the tie of two files
    whose names differ only in extension. -#}
{% macro latest_record(relation, key, version=none) -%}
    {{ return(adapter.dispatch('latest_record', 'assent')(relation, key, version)) }}
{%- endmacro %}

{% macro default__latest_record(relation, key, version) -%}
    select *
    from {{ relation }}
    qualify row_number() over (
        partition by {{ key | join(', ') }}
        order by
            {% if version %}{{ version }} desc nulls last,{% endif %}
            _file_rank desc,
            _line desc,
            _digest desc
    ) = 1
{%- endmacro %}
