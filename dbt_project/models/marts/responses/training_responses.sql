with responses as (

    select * from {{ ref('int_responses__labelled') }}

),

consenting as (

    {{ people_who_agree_to('training') }}

),

training_rows as (

    select
        responses.person_id,
        responses.campaign,
        responses.sent_on,
        responses.treatment,
        responses.age_band,
        responses.gender,
        responses.region,
        responses.main_device,
        responses.favourite_category,
        responses.recency_days,
        responses.tenure_days,
        responses.acts_7_days,
        responses.acts_28_days,
        responses.carts,
        responses.purchases,
        responses.monetary,
        responses.weekend_share,
        responses.campaign_visits,
        responses.same_campaign_visits,
        responses.clicked,
        responses.purchased,
        responses.churned,
        responses.order_value
    from responses
    inner join consenting on responses.person_id = consenting.person_id
    where responses.is_over

)

select * from training_rows
