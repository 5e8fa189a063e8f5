{#- The values of a list as they are, null for every other: a generalisation that the policy checker
    can prove. Which values may be kept stands in expectations/policy/vocabulary.yml. -#}
{% macro keep_values(column, values) -%}
    case when {{ column }} in ('{{ values | join("', '") }}') then {{ column }} end
{%- endmacro %}
