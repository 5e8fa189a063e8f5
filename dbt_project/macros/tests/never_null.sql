{#- Fails if one of the columns is null. One test for a model's columns costs what not_null costs for each of them. -#}
{% test never_null(model, columns) %}
select *
from {{ model }}
where {% for column in columns %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %}

{% endtest %}
