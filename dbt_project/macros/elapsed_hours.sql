{#- Hours from one instant to another with their fraction, as a decimal: a floating-point number has no one text, and
    what a decision reads is committed to as text. -#}
{% macro elapsed_hours(first, last) -%}
    {{ return(adapter.dispatch('elapsed_hours', 'assent')(first, last)) }}
{%- endmacro %}

{% macro default__elapsed_hours(first, last) -%}
    cast(date_diff('microsecond', {{ first }}, {{ last }}) / 3600000000.0 as decimal(18, 6))
{%- endmacro %}
