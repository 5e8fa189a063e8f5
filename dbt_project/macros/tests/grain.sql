{#- Fails for a key that is not of one row alone, or that has a null in it, or whose row lacks one of the
    `never_null` columns. What a table has a row for is one fact, so it is one test: a data test costs
    about 50 CPU ms whatever it asks, and there is one of these for almost every table. -#}
{% test grain(model, columns, never_null=[]) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns %}
    or {{ column }} is null
    {% endfor %}
    {% if never_null %}
    or bool_or({% for column in never_null %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %})
    {% endif %}

{% endtest %}
