with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

weeks as (

    select * from {{ ref('int_weeks__sent') }}

),

campaigns as (

    select * from {{ ref('int_campaigns__active') }}

),

answers as (

    select * from {{ ref('int_recipients__answered') }}

),

acts as (

    select * from {{ ref('int_recipients__acted') }}

),

preferences as (

    select * from {{ ref('int_recipients__preferred') }}

),

visits as (

    select * from {{ ref('int_recipients__visited') }}

),

responses as (

    select * from {{ ref('int_recipients__responded') }}

),

stays as (

    select * from {{ ref('int_recipients__stayed') }}

),

visits_of_all_campaigns as (

    select
        person_id,
        sent_on,
        sum(visits) as visits
    from visits
    group by person_id, sent_on

),

labelled as (

    select
        -- keys
        recipients.person_id,
        campaigns.campaign,
        recipients.sent_on,
        weeks.is_over,

        -- who they are
        coalesce(answers.age_band, 'unknown') as age_band,
        coalesce(answers.gender, 'unknown') as gender,
        coalesce(answers.region, 'unknown') as region,

        -- what they did before
        coalesce(acts.main_device, 'unknown') as main_device,
        coalesce(preferences.favourite_category, 'unknown') as favourite_category,
        acts.recency_days,
        acts.tenure_days,
        cast(coalesce(acts.acts_7_days, 0) as int) as acts_7_days,
        cast(coalesce(acts.acts_28_days, 0) as int) as acts_28_days,
        cast(coalesce(acts.carts, 0) as int) as carts,
        cast(coalesce(acts.purchases, 0) as int) as purchases,
        coalesce(acts.monetary, 0) as monetary,
        acts.weekend_share,
        cast(coalesce(visits_of_all_campaigns.visits, 0) as int) as campaign_visits,
        cast(coalesce(visits.visits, 0) as int) as same_campaign_visits,

        -- how they responded
        case when weeks.is_over then responses.campaign is not null end as clicked,
        case when weeks.is_over then coalesce(responses.purchases, 0) > 0 end as purchased,
        case when weeks.is_churn_known then stays.person_id is null end as churned,
        case when weeks.is_over then coalesce(responses.order_value, 0) end as order_value
    from recipients
    inner join weeks on recipients.sent_on = weeks.sent_on
    inner join campaigns on recipients.sent_on = campaigns.sent_on
    left join answers on recipients.person_id = answers.person_id and recipients.sent_on = answers.sent_on
    left join acts on recipients.person_id = acts.person_id and recipients.sent_on = acts.sent_on
    left join preferences on recipients.person_id = preferences.person_id and recipients.sent_on = preferences.sent_on
    left join visits_of_all_campaigns
        on recipients.person_id = visits_of_all_campaigns.person_id
        and recipients.sent_on = visits_of_all_campaigns.sent_on
    left join visits
        on recipients.person_id = visits.person_id
        and recipients.sent_on = visits.sent_on
        and campaigns.campaign = visits.campaign
    left join responses
        on recipients.person_id = responses.person_id
        and recipients.sent_on = responses.sent_on
        and campaigns.campaign = responses.campaign
    left join stays on recipients.person_id = stays.person_id and recipients.sent_on = stays.sent_on

)

select * from labelled
