{#- SHA-256 of a text as 64 hexadecimal digits. The engine's own hash() is not stable between its
    versions, so it may not be used for anything that is stored. -#}
{% macro sha256_hex(text) -%}
    {{ return(adapter.dispatch('sha256_hex', 'assent')(text)) }}
{%- endmacro %}

{% macro default__sha256_hex(text) -%}
    sha256({{ text }})
{%- endmacro %}


{#- A fast 64-bit hash that differs by round. It orders nodes inside one statement and is never
    stored. -#}
{% macro shuffle_hash(value, round) -%}
    {{ return(adapter.dispatch('shuffle_hash', 'assent')(value, round)) }}
{%- endmacro %}

{% macro default__shuffle_hash(value, round) -%}
    hash({{ value }}, {{ round }})
{%- endmacro %}
