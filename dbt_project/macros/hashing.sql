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


{#- Whether a column holds two different values, null when it holds none. By hash, because the least
    and greatest of texts took four times as long; two texts have the same one once in 2^64 pairs. -#}
{% macro values_differ(column) -%}
    min({{ shuffle_hash(column, 0) }}) filter (where {{ column }} is not null)
    <> max({{ shuffle_hash(column, 0) }}) filter (where {{ column }} is not null)
{%- endmacro %}


{#- A hash that only whoever has the key can make again: without it, a list of e-mail addresses gives
    their hashes too. The key is one row of store.hash_key; the policy checker proves this form. The
    text may not be null: it would hash the key alone. -#}
{% macro keyed_hash(text) -%}
    sha256(concat_ws(chr(31), (select key from {{ source('store', 'hash_key') }}), {{ text }}))
{%- endmacro %}
