{#- The run's clock, an aware instant passed as `--vars '{"as_of": "2026-11-20T06:00:00+00:00"}'`.
    It has no default: a model that was built against a forgotten clock would look right and be
    wrong. -#}
{% macro as_of() -%}
    {{ return(adapter.dispatch('as_of', 'assent')()) }}
{%- endmacro %}

{% macro default__as_of() -%}
    cast('{{ var("as_of") }}' as timestamptz)
{%- endmacro %}


{#- The UTC calendar date of an instant, whatever the session's time zone is. -#}
{% macro utc_date(instant) -%}
    {{ return(adapter.dispatch('utc_date', 'assent')(instant)) }}
{%- endmacro %}

{% macro default__utc_date(instant) -%}
    cast(({{ instant }}) at time zone 'UTC' as date)
{%- endmacro %}


{#- Whole days from one date to another, negative when `last` is earlier; pass dates (utc_date). -#}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between', 'assent')(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    date_diff('day', {{ first }}, {{ last }})
{%- endmacro %}


{#- Whole hours that have passed from one instant to another. -#}
{% macro hours_between(first, last) -%}
    {{ return(adapter.dispatch('hours_between', 'assent')(first, last)) }}
{%- endmacro %}

{% macro default__hours_between(first, last) -%}
    date_sub('hour', {{ first }}, {{ last }})
{%- endmacro %}
