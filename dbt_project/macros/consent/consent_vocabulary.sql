{#- The type of identifier that is an address of a channel; null where none is (post). -#}
{% macro address_type(channel) -%}
    case {{ channel }}
        when 'email' then 'email'
        when 'sms' then 'phone'
        when 'phone' then 'phone'
        when 'push' then 'device_id'
    end
{%- endmacro %}


{#- Sources that speak for a system, not for the person: their grants never lift a suppression. -#}
{% macro system_sources() -%}
    ('import', 'upsert', 'unknown')
{%- endmacro %}


{#- Which event wins among those of one instant. -#}
{% macro restrictiveness(action) -%}
    case {{ action }}
        when 'granted' then 1
        when 'denied' then 2
        when 'withdrawn' then 3
        when 'objected' then 4
    end
{%- endmacro %}


{#- How a notice version is written: year-month, or year-month-day. -#}
{% macro notice_version_pattern() -%}
    '\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?'
{%- endmacro %}
