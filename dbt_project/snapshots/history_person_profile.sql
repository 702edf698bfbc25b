{% snapshot history_person_profile %}

{{
    config(
        unique_key='person_id',
        strategy='check',
        updated_at='as_of',
        check_cols=[
            'age_band', 'gender', 'region', 'main_interest', 'price_tier', 'rfm_band', 'active_daypart', 'main_device',
            'segments', 'consent_profiling', 'consent_training', 'consent_personalisation', 'consent_marketing_contact',
        ],
        post_hook="{{ forget_who_withdrew() }}",
    )
}}

with profiles as (

    select * from {{ ref('dim_person_profile') }}

),

ranked_interests as (

    select * from {{ ref('int_interests__ranked') }}

),

-- Recency, sums and weights change every night even for people who did nothing: they stay out of the history.
comparable as (

    select
        profiles.person_id,
        cast({{ run_day() }} as timestamp) as as_of,
        profiles.age_band,
        profiles.gender,
        profiles.region,
        ranked_interests.category as main_interest,
        profiles.price_tier,
        profiles.rfm_band,
        profiles.active_daypart,
        profiles.main_device,
        profiles.segments,
        profiles.consent_profiling,
        profiles.consent_training,
        profiles.consent_personalisation,
        profiles.consent_marketing_contact
    from profiles
    left join ranked_interests
        on profiles.person_id = ranked_interests.person_id
        and ranked_interests.position = 1

),

-- A day that is not newer than all of the history adds nothing: a backfill cannot rewrite what came after it.
-- depends_on: {{ ref('dim_person_consent') }}
newer as (

    select * from comparable
    {%- set known = known_history() %}
    {%- if known %}
    where as_of > (select coalesce({{ utc('max(dbt_valid_from)') }}, cast('1970-01-01' as timestamp)) from {{ known }})
    {%- endif %}

)

select * from newer

{% endsnapshot %}
