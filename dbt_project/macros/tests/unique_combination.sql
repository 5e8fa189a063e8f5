{#- Fails if two rows of the model agree in all the given columns. For a second key, or one with nulls in it;
    else see grain. -#}
{% test unique_combination(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
