with entrants as (

    select * from {{ ref('int_entrants__known') }}

),

described as (

    select * from {{ ref('int_entrants__described') }}

),

responded as (

    select * from {{ ref('int_entrants__responded') }}

),

training_rows as (

    select
        entrants.person_id,
        entrants.campaign,
        entrants.sent_on,
        entrants.treated,
        described.age_band,
        described.gender,
        described.region,
        described.main_device,
        described.favourite_category,
        described.recency_days,
        described.tenure_days,
        described.acts_7_days,
        described.acts_28_days,
        described.carts,
        described.purchases,
        described.monetary,
        described.weekend_share,
        described.campaign_visits,
        responded.visited,
        responded.purchased,
        responded.euros
    from entrants
    inner join described on entrants.person_id = described.person_id and entrants.sent_on = described.sent_on
    inner join responded on entrants.person_id = responded.person_id and entrants.sent_on = responded.sent_on

)

select * from training_rows
