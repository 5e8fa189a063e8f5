{#- Aggregate: the value of the row that comes first by `order_by` among those that have one. -#}
{% macro first_known(column, order_by) -%}
    min_by({{ column }}, {{ order_by }}) filter (where {{ column }} is not null)
{%- endmacro %}
