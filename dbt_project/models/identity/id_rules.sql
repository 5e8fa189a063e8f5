-- grain: one row per identity rule (rule), from the variable identity_rules
with rules as (
    {% for rule in identity_rules(['authoritative', 'identifier', 'attributes', 'composite']) %}
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
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from rules
