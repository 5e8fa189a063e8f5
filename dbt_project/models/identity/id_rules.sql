-- grain: one row per identity rule (rule): those of the variable identity_rules, always_link and
-- probable
{%- set declared = identity_rules(['authoritative', 'identifier', 'attributes', 'composite']) %}
with rules as (
    {% for rule in declared %}
    select
        '{{ rule.rule }}' as rule,
        '{{ rule.kind }}' as kind,
        {{ "'" ~ rule.of ~ "'" if rule.of else 'null::varchar' }} as composite_of,
        {{ rule.tier }} as tier,
        '{{ rule.assurance }}' as assurance,
        '{{ rule.key | join(', ') }}' as key_columns,
        {{ rule.max_records }} as max_records,
        {{ rule.max_initials if rule.max_initials else 'null::integer' }} as max_initials,
        {{ 'initials' in rule.get('agree', []) }} as agree_initials,
        {{ 'birth_year' in rule.get('agree', []) }} as agree_birth_year
    union all
    {% endfor %}
    -- what a person decided outranks every rule; it is as good as a verified contact
    select
        'always_link' as rule,
        'override' as kind,
        null::varchar as composite_of,
        0 as tier,
        'B' as assurance,
        null::varchar as key_columns,
        null::integer as max_records,
        null::integer as max_initials,
        false as agree_initials,
        false as agree_birth_year
    union all
    -- what a score joins is weaker than every rule: it goes first when a component contradicts
    -- itself
    select
        'probable' as rule,
        'probable' as kind,
        null::varchar as composite_of,
        {{ declared | map(attribute='tier') | max + 1 }} as tier,
        'D' as assurance,
        null::varchar as key_columns,
        null::integer as max_records,
        null::integer as max_initials,
        false as agree_initials,
        false as agree_birth_year
)

select * from rules
