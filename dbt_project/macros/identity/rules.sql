{#- The identity rules of the given kinds, validated: an unknown kind, tier or column stops
    compilation with the rule's name rather than yielding no links. -#}
{% macro identity_rules(kinds) -%}
    {%- set known = ['authoritative', 'identifier', 'attributes', 'composite'] -%}
    {%- set chosen = [] -%}
    {%- for rule in var('identity_rules') -%}
        {%- set at = 'identity_rules in dbt_project.yml: rule ' ~ rule.get('rule', loop.index) -%}
        {%- for field in ['rule', 'kind', 'tier', 'assurance', 'key', 'max_records'] -%}
            {%- if field not in rule -%}
                {{ exceptions.raise_compiler_error(at ~ " lacks '" ~ field ~ "'; add it.") }}
            {%- endif -%}
        {%- endfor -%}
        {%- if rule.kind not in known -%}
            {{ exceptions.raise_compiler_error(at ~ ': kind is one of ' ~ known | join(', ')) }}
        {%- endif -%}
        {%- if rule.assurance not in ['A', 'B', 'C'] -%}
            {{ exceptions.raise_compiler_error(at ~ ': assurance must be A, B or C') }}
        {%- endif -%}
        {%- if (rule.kind == 'authoritative') != (rule.assurance == 'A') -%}
            {{ exceptions.raise_compiler_error(
                at ~ ': assurance A belongs to authoritative rules, and to them alone'
            ) }}
        {%- endif -%}
        {%- if rule.kind == 'composite' and 'of' not in rule -%}
            {{ exceptions.raise_compiler_error(at ~ ": 'of' names the rule it completes; add it.") }}
        {%- endif -%}
        {%- if rule.kind == 'composite' -%}
            {%- set completed = var('identity_rules') | selectattr('rule', 'equalto', rule.of) | list -%}
            {%- if completed | length == 0 or completed[0].key | reject('in', rule.key) | list -%}
                {{ exceptions.raise_compiler_error(
                    at ~ ": 'of' names a rule whose columns are all in this rule's key; mend it."
                ) }}
            {%- endif -%}
        {%- endif -%}
        {%- if rule.kind in kinds -%}{%- do chosen.append(rule) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(chosen) }}
{%- endmacro %}


{#- The key of one rule: 128 bits of a keyed hash over the rule's name and the values of its columns,
    none of which may be null. The unit separator can't occur in a normalised value. A uuid is a
    number to the engine: looking 10,000 of 4.8M keys up took 0.06 CPU seconds, by 64 digits 0.32. -#}
{% macro identity_key(rule, relation) -%}
    {%- set parts = [] -%}
    {%- for column in rule.key -%}{%- do parts.append(relation ~ '.' ~ column) -%}{%- endfor -%}
    {{ identity_override_key(
        keyed_hash("'" ~ rule.rule ~ "' || chr(31) || " ~ parts | join(" || chr(31) || "))
    ) }}
{%- endmacro %}


{#- The key that the text of a keyed hash, or of an override of one, says by its first 32 digits. -#}
{% macro identity_override_key(text) -%}
    cast(left({{ text }}, 32) as uuid)
{%- endmacro %}


{#- One row per record and key of the given rules, from a relation that has the columns their keys
    name. -#}
{% macro identity_keys(rules, relation) -%}
    {%- for rule in rules %}
    select
        {{ relation }}.record_key,
        '{{ rule.rule }}' as rule,
        {{ identity_key(rule, relation) }} as key_hash
    from {{ relation }}
    where
        {%- for column in rule.key %}
        {{ 'and ' if not loop.first }}{{ relation }}.{{ column }} is not null
        {%- endfor %}
        {%- if rule.sources %}
        and {{ relation }}.system in ({{ "'" ~ rule.sources | join("', '") ~ "'" }})
        {%- endif %}
    {%- if not loop.last %}

    union all
{% endif %}
    {%- endfor %}
{%- endmacro %}


{#- One row per key that at least two records carry, or that was decided about: over all of them, may
    it join them? blocked: too many records or too many different names (a call centre's phone, a
    broker's mailbox); shared: its records disagree where the rule wants agreement (a household);
    conflict: it would join two customers. What a person decided about a key (`overridden`) goes
    before all of it; a key that was shared with somebody who is gone is not weighed lighter.

    Each of the `declared` rules is tallied apart: all at once took 6.2 CPU seconds and 2.0 GB for 1M
    records, apart 4.4 and 1.2. Names are counted only where there are enough records for too many
    of them: a distinct count of every key took as long as all the rest. -#}
{% macro identity_key_status(declared, keys, traits, rules, overridden) -%}
    with tallied as (
        {%- for rule in declared %}
        select
            '{{ rule.rule }}' as rule,
            {{ keys }}.key_hash,
            min({{ keys }}.record_key) filter (where {{ traits }}.is_detached is not true)
                as anchor_key,
            count(*) as record_count,
            min({{ overridden }}.status) as decided,
            {{ values_differ(traits ~ '.initials') }} as initials_differ,
            {{ values_differ(traits ~ '.customer_group') }} as customers_differ,
            min({{ traits }}.birth_year) <> max({{ traits }}.birth_year) as birth_years_differ
        from {{ keys }}
        inner join {{ traits }} on {{ keys }}.record_key = {{ traits }}.record_key
        left join {{ overridden }}
            on
                {{ keys }}.rule = {{ overridden }}.rule
                and {{ keys }}.key_hash = {{ overridden }}.key_hash
        where {{ keys }}.rule = '{{ rule.rule }}'
        group by {{ keys }}.key_hash
        having count(*) > 1 or count({{ overridden }}.status) > 0
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    many_named as (
        select
            tallied.rule,
            tallied.key_hash
        from tallied
        inner join {{ rules }} on tallied.rule = {{ rules }}.rule
        inner join {{ keys }}
            on
                tallied.rule = {{ keys }}.rule
                and tallied.key_hash = {{ keys }}.key_hash
        inner join {{ traits }} on {{ keys }}.record_key = {{ traits }}.record_key
        where tallied.record_count > {{ rules }}.max_initials
        group by tallied.rule, tallied.key_hash
        having count(distinct {{ traits }}.initials) > any_value({{ rules }}.max_initials)
    )

    select
        tallied.rule,
        tallied.key_hash,
        tallied.anchor_key,
        tallied.record_count,
        case
            when tallied.decided in ('blocked', 'conflict') then tallied.decided
            when
                tallied.record_count > {{ rules }}.max_records
                or many_named.key_hash is not null
                then 'blocked'
            when tallied.decided = 'shared' then 'shared'
            when {{ rules }}.agree_initials and tallied.initials_differ then 'shared'
            when {{ rules }}.agree_birth_year and tallied.birth_years_differ then 'shared'
            when tallied.customers_differ then 'conflict'
            else 'ok'
        end as status
    from tallied
    inner join {{ rules }} on tallied.rule = {{ rules }}.rule
    left join many_named
        on
            tallied.rule = many_named.rule
            and tallied.key_hash = many_named.key_hash
{%- endmacro %}


{#- One row per key about which something was decided: blocked under block_value; conflict where both
    records of a never_link carry it, for it is evidence of what is not so; shared under
    keep_shared, which an erasure leaves for what the erased person had in common with others. -#}
{% macro identity_overridden_keys(keys, overrides) -%}
    select
        rule,
        key_hash,
        min(status) as status
    from (
        select
            rule,
            {{ identity_override_key('key_hash') }} as key_hash,
            'blocked' as status
        from {{ overrides }}
        where kind = 'block_value'
        union all
        select
            rule,
            {{ identity_override_key('key_hash') }} as key_hash,
            'shared' as status
        from {{ overrides }}
        where kind = 'keep_shared'
        union all
        select
            first.rule,
            first.key_hash,
            'conflict' as status
        from {{ overrides }}
        inner join {{ keys }} as first on {{ overrides }}.record_key = first.record_key
        inner join {{ keys }} as other
            on
                {{ overrides }}.other_record_key = other.record_key
                and first.rule = other.rule
                and first.key_hash = other.key_hash
        where {{ overrides }}.kind = 'never_link'
    ) as decided
    group by rule, key_hash
{%- endmacro %}


{#- One row per component that holds both records of a never_link override. -#}
{% macro identity_separated(components, overrides, grain) -%}
    {%- set columns = [] -%}
    {%- for column in grain -%}{%- do columns.append('first.' ~ column) -%}{%- endfor -%}
    select {{ columns | join(', ') }}
    from {{ overrides }}
    inner join {{ components }} as first on {{ overrides }}.record_key = first.record_key
    inner join {{ components }} as other
        on
            {{ overrides }}.other_record_key = other.record_key
            {%- for column in grain %}
            and first.{{ column }} = other.{{ column }}
            {%- endfor %}
    where {{ overrides }}.kind = 'never_link'
    group by {{ columns | join(', ') }}
{%- endmacro %}


{#- One row per component, with the contradiction inside it or null: two records of which a person
    said that they are two (`separated`), records of two customers that no authoritative link joins,
    too many names or birth years for one person, too many records. -#}
{% macro identity_violations(components, traits, separated, grain) -%}
    {%- set limits = var('identity_component_limits') -%}
    {%- set columns = [] -%}
    {%- for column in grain -%}{%- do columns.append(components ~ '.' ~ column) -%}{%- endfor -%}
    select
        {{ columns | join(', ') }},
        case
            when count({{ separated }}.component) > 0 then 'never_link'
            when min({{ traits }}.customer_group) <> max({{ traits }}.customer_group)
                then 'two_customers'
            when
                count(distinct {{ traits }}.initials) > {{ limits.initials }}
                or (
                    count(distinct {{ traits }}.initials) > 1
                    and count(distinct {{ traits }}.birth_year) > 1
                )
                then 'names'
            when count(distinct {{ traits }}.birth_year) > {{ limits.birth_years }}
                then 'birth_years'
            when count(*) > {{ limits.records }} then 'records'
        end as reason
    from {{ components }}
    inner join {{ traits }} on {{ components }}.record_key = {{ traits }}.record_key
    left join {{ separated }}
        on
            {%- for column in grain %}
            {{ 'and ' if not loop.first }}{{ components }}.{{ column }} = {{ separated }}.{{ column }}
            {%- endfor %}
    group by {{ columns | join(', ') }}
{%- endmacro %}
