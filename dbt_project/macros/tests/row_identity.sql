{#- Fails if a row breaks an identity between its columns; a row where the identity is unknown (null) breaks it. -#}
{% test row_identity(model, expression) %}
select *
from {{ model }}
where ({{ expression }}) is not true
{% endtest %}
