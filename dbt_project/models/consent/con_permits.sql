-- grain: one row per person, purpose and channel of the regimes
-- The precedence table of consent in SQL; activation/consent/precedence.py is the same in Python.
with

persons as (
    select
        *,
        coalesce(jurisdiction, '*') as place
    from {{ ref('con_persons') }}
),

states as (
    select * from {{ ref('con_state') }}
),

suppressions as (
    select * from {{ ref('con_suppressions') }}
),

opt_outs as (
    select * from {{ ref('con_opt_outs') }}
),

regimes as (
    select * from {{ source('reference', 'regime') }}
),

purposes as (
    select * from {{ source('reference', 'purpose') }}
),

freshness as (
    select
        coalesce(
            max(recorded_at)
            < {{ as_of() }} - to_hours({{ var('consent_maximum_age_hours', 24) }}),
            true
        ) as is_stale
    from {{ ref('con_watermark') }}
),

places as (
    select place
    from persons
    group by place
),

scopes as (
    select
        purpose,
        channel
    from regimes
    group by purpose, channel
),

named as (
    select
        jurisdiction,
        purpose
    from regimes
    group by jurisdiction, purpose
),

-- a country that a purpose names stands for itself: elsewhere never fills its gaps
rules as (
    select
        places.place,
        scopes.purpose,
        scopes.channel,
        regimes.basis,
        regimes.basis in ('contract', 'legal_obligation') as is_owed,
        regimes.soft_opt_in,
        regimes.double_opt_in,
        regimes.minimum_notice,
        coalesce(regimes.opt_out_signal, false) as opt_out_signal,
        coalesce(purposes.special_category, false) as special_category
    from places
    cross join scopes
    left join named
        on
            places.place = named.jurisdiction
            and scopes.purpose = named.purpose
    left join regimes
        on
            coalesce(named.jurisdiction, '*') = regimes.jurisdiction
            and scopes.purpose = regimes.purpose
            and scopes.channel = regimes.channel
    left join purposes
        on scopes.purpose = purposes.purpose
),

candidates as (
    select
        persons.person_id,
        rules.purpose,
        rules.channel,

        rules.basis,
        coalesce(rules.is_owed, false) as is_owed,
        rules.soft_opt_in,
        rules.special_category,

        persons.has_relationship,
        persons.is_existing_customer,
        persons.is_minor,
        persons.erased_by,
        persons.restricted_by,
        case
            when rules.is_owed then suppressions.evidence_owed
            else suppressions.evidence
        end as suppressed_by,
        freshness.is_stale,
        case when rules.opt_out_signal then opt_outs.evidence end as opted_out_by,

        states.action,
        states.evidence as stated_by,
        -- why the state is no valid consent under the rule; null when it is
        case
            when states.action is null then 'no_consent'
            when rules.double_opt_in and not states.is_confirmed then 'unconfirmed'
            when
                states.notice_version < rules.minimum_notice
                or (
                    rules.minimum_notice is not null
                    and not coalesce(
                        regexp_full_match(states.notice_version, {{ notice_version_pattern() }}),
                        false
                    )
                )
                then 'stale_notice'
            when states.expires_at <= {{ as_of() }} then 'expired'
        end as weakness
    from persons
    inner join rules
        on persons.place = rules.place
    cross join freshness
    left join states
        on
            persons.person_id = states.person_id
            and rules.purpose = states.purpose
            and rules.channel = states.channel
    left join suppressions
        on
            persons.person_id = suppressions.person_id
            and rules.purpose = suppressions.purpose
            and rules.channel = suppressions.channel
    left join opt_outs
        on
            persons.person_id = opt_outs.person_id
            and rules.purpose = opt_outs.purpose
            and rules.channel = opt_outs.channel
),

judged as (
    select
        *,
        case
            when erased_by is not null then 'erased'
            when
                restricted_by is not null
                and (basis is null or basis <> 'legal_obligation')
                then 'restricted'
            when suppressed_by is not null then 'suppressed'
            when is_stale then 'stale_consent'
            when basis is null then 'no_rule'
            when is_owed then case when has_relationship then basis else 'no_contract' end
            when action <> 'granted' then action
            when opted_out_by is not null then 'opted_out'
            when is_minor then 'minor'
            when special_category and weakness is not null then 'special_category'
            when basis = 'legitimate_interests' then basis
            when action is null and soft_opt_in and is_existing_customer then 'soft_opt_in'
            when weakness is not null then weakness
            else 'consent'
        end as reason
    from candidates
),

explained as (
    select
        person_id,
        purpose,
        channel,
        case
            when
                reason in (
                    'contract', 'legal_obligation', 'legitimate_interests', 'soft_opt_in', 'consent'
                )
                then 'permit'
            else 'deny'
        end as verdict,
        reason,
        -- the soft opt-in stands in for consent; the processing rests on legitimate interests
        case when reason = 'soft_opt_in' then 'legitimate_interests' else basis end as basis,
        case
            when reason = 'erased' then erased_by
            when reason = 'restricted' then restricted_by
            when reason = 'suppressed' then suppressed_by
            when reason = 'opted_out' then opted_out_by
            when
                reason in (
                    'withdrawn', 'objected', 'denied', 'special_category',
                    'unconfirmed', 'stale_notice', 'expired', 'consent'
                )
                then stated_by
        end as evidence
    from judged
)

select * from explained
