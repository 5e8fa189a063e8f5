{#- Trimmed text, or null when it is one of the project's placeholders for "we do not know". -#}
{% macro null_if_placeholder(text) -%}
    case
        when lower(trim({{ text }})) not in ('{{ var('placeholder_values') | join("', '") }}')
            then trim({{ text }})
    end
{%- endmacro %}


{#- An e-mail address as identifiers compare it: lower case, no blanks (visible or not) anywhere;
    null when it is no plausible address. Dots and +suffixes are kept: only some providers ignore
    them. -#}
{% macro normalise_email(text) -%}
    {{ return(adapter.dispatch('normalise_email', 'assent')(text)) }}
{%- endmacro %}

{% macro default__normalise_email(text) -%}
    {%- set address -%}
        lower(regexp_replace(nfc_normalize({{ text }}), '[\s\p{Z}\p{Cf}]+', '', 'g'))
    {%- endset -%}
    case
        when regexp_full_match({{ address }}, '[^@]+@[^@.]+(\.[^@.]+)*\.[^@.]{2,}')
            then {{ address }}
    end
{%- endmacro %}


{#- A name as identifiers compare it: lower case, accents stripped, apostrophes dropped, other
    punctuation as one blank; null for a placeholder or when nothing is left. -#}
{% macro normalise_name(text) -%}
    {{ return(adapter.dispatch('normalise_name', 'assent')(text)) }}
{%- endmacro %}

{% macro default__normalise_name(text) -%}
    nullif(
        trim(
            regexp_replace(
                regexp_replace(
                    strip_accents(lower({{ null_if_placeholder(text) }})), '[''’‘`´.]', '', 'g'
                ),
                '[^\p{L}\p{N}]+', ' ', 'g'
            )
        ),
        ''
    )
{%- endmacro %}


{#- A postcode or other code: upper case letters and digits only. -#}
{% macro normalise_code(text) -%}
    {{ return(adapter.dispatch('normalise_code', 'assent')(text)) }}
{%- endmacro %}

{% macro default__normalise_code(text) -%}
    nullif(regexp_replace(upper({{ null_if_placeholder(text) }}), '[^\p{L}\p{N}]+', '', 'g'), '')
{%- endmacro %}


{#- The words of a text in alphabetical order, so that swapped names compare equal. -#}
{% macro sorted_words(text) -%}
    {{ return(adapter.dispatch('sorted_words', 'assent')(text)) }}
{%- endmacro %}

{% macro default__sorted_words(text) -%}
    array_to_string(list_sort(string_split({{ text }}, ' ')), ' ')
{%- endmacro %}


{#- The first letters of the words of a text in alphabetical order. -#}
{% macro sorted_initials(text) -%}
    {{ return(adapter.dispatch('sorted_initials', 'assent')(text)) }}
{%- endmacro %}

{% macro default__sorted_initials(text) -%}
    array_to_string(
        list_sort(list_transform(string_split({{ text }}, ' '), lambda word: left(word, 1))), ''
    )
{%- endmacro %}


{#- A date written so that day and month may be swapped: year, then the smaller and the larger of
    the two. -#}
{% macro swappable_date(date) -%}
    {{ return(adapter.dispatch('swappable_date', 'assent')(date)) }}
{%- endmacro %}

{% macro default__swappable_date(date) -%}
    year({{ date }})::varchar
    || '-' || least(month({{ date }}), day({{ date }}))::varchar
    || '-' || greatest(month({{ date }}), day({{ date }}))::varchar
{%- endmacro %}


{#- A date of birth, or null when it is a form's default or lies outside 1900 to the run's date. -#}
{% macro plausible_date_of_birth(date) -%}
    case
        when
            {{ date }} > cast('1900-01-01' as date)
            and {{ date }} <= {{ utc_date(as_of()) }}
            and cast({{ date }} as varchar)
            not in ('{{ var('placeholder_dates_of_birth') | join("', '") }}')
            then {{ date }}
    end
{%- endmacro %}


{#- An ISO 3166-1 alpha-2 code; `UK` is how people write GB. -#}
{% macro country_code(text) -%}
    case upper({{ null_if_placeholder(text) }})
        when 'UK' then 'GB'
        else upper({{ null_if_placeholder(text) }})
    end
{%- endmacro %}
