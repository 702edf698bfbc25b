with persons as (

    select * from {{ ref('int_persons__seen') }}

),

demographics as (

    select * from {{ ref('int_demographics__answered') }}

),

ranked_interests as (

    select * from {{ ref('int_interests__ranked') }}

),

purchases as (

    select * from {{ ref('int_purchases__summed') }}

),

price_tiers as (

    select * from {{ ref('int_price_tiers__compared') }}

),

habits as (

    select * from {{ ref('int_habits__counted') }}

),

assigned_segments as (

    select * from {{ ref('int_segments__assigned') }}

),

consents as (

    select * from {{ ref('dim_person_consent') }}
    where consent_profiling

),

predictions as (

    select * from {{ ref('stg_lake__predictions') }}

),

words as (

    select * from {{ ref('stg_lake__person_words') }}

),

interests as (

    select
        person_id,
        {{ list_in_order(struct_of(['category', 'weight']), 'position') }} as interests
    from ranked_interests
    group by person_id

),

segments as (

    select
        person_id,
        {{ list_in_order('segment', 'segment') }} as segments
    from assigned_segments
    group by person_id

),

profiles as (

    select
        persons.person_id,

        -- who they are
        coalesce(demographics.age_band, 'unknown') as age_band,
        coalesce(demographics.gender, 'unknown') as gender,
        coalesce(demographics.region, 'unknown') as region,
        coalesce(interests.interests, {{ empty_list() }}) as interests,

        -- how they buy
        purchases.recency_days,
        coalesce(purchases.frequency, 0) as frequency,
        coalesce(purchases.monetary, 0) as monetary,
        purchases.basket,
        coalesce(price_tiers.price_tier, 'unknown') as price_tier,
        coalesce(purchases.rfm_band, 'none') as rfm_band,

        -- how they live
        coalesce(habits.active_daypart, 'unknown') as active_daypart,
        habits.weekend_share,
        coalesce(habits.main_device, 'unknown') as main_device,
        coalesce(habits.posts, 0) as posts,
        coalesce(segments.segments, {{ empty_list() }}) as segments,

        -- what they agree to
        consents.consent_profiling,
        consents.consent_training,
        consents.consent_personalisation,
        consents.consent_marketing_contact,

        -- when they were seen
        persons.first_seen,
        persons.last_seen,

        -- what the models of an earlier night made of it
        predictions.taste_vector,
        predictions.picture_interests,
        predictions.sound_interests,

        -- what they wrote until an earlier night
        words.text_vector,
        words.text_interests
    from persons
    inner join consents on persons.person_id = consents.person_id
    left join demographics on persons.person_id = demographics.person_id
    left join interests on persons.person_id = interests.person_id
    left join purchases on persons.person_id = purchases.person_id
    left join price_tiers on persons.person_id = price_tiers.person_id
    left join habits on persons.person_id = habits.person_id
    left join segments on persons.person_id = segments.person_id
    left join predictions on persons.person_id = predictions.person_id
    left join words on persons.person_id = words.person_id

)

select * from profiles
