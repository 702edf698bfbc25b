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

logged as (

    select * from {{ ref('int_campaigns__logged') }}

),

reached as (

    select * from {{ ref('int_recipients__reached') }}

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

-- A week of a campaign that a send log speaks of has the people whom a message reached; any other all whom one could have.
messages as (

    select
        recipients.person_id,
        reached.campaign,
        recipients.sent_on,
        'sent' as treatment,
        reached.clicked,
        reached.purchases,
        reached.order_value
    from recipients
    inner join reached on recipients.person_id = reached.person_id and recipients.sent_on = reached.sent_on
    union all
    select
        recipients.person_id,
        campaigns.campaign,
        recipients.sent_on,
        'assumed' as treatment,
        responses.campaign is not null as clicked,
        coalesce(responses.purchases, 0) as purchases,
        coalesce(responses.order_value, 0) as order_value
    from recipients
    inner join campaigns on recipients.sent_on = campaigns.sent_on
    left join logged on campaigns.sent_on = logged.sent_on and campaigns.campaign = logged.campaign
    left join responses
        on recipients.person_id = responses.person_id
        and recipients.sent_on = responses.sent_on
        and campaigns.campaign = responses.campaign
    where logged.campaign is null

),

labelled as (

    select
        -- keys
        messages.person_id,
        messages.campaign,
        messages.sent_on,
        messages.treatment,
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
        case when weeks.is_over then messages.clicked end as clicked,
        case when weeks.is_over then messages.purchases > 0 end as purchased,
        case when weeks.is_churn_known then stays.person_id is null end as churned,
        case when weeks.is_over then messages.order_value end as order_value
    from messages
    inner join weeks on messages.sent_on = weeks.sent_on
    left join answers on messages.person_id = answers.person_id and messages.sent_on = answers.sent_on
    left join acts on messages.person_id = acts.person_id and messages.sent_on = acts.sent_on
    left join preferences on messages.person_id = preferences.person_id and messages.sent_on = preferences.sent_on
    left join visits_of_all_campaigns
        on messages.person_id = visits_of_all_campaigns.person_id
        and messages.sent_on = visits_of_all_campaigns.sent_on
    left join visits
        on messages.person_id = visits.person_id
        and messages.sent_on = visits.sent_on
        and messages.campaign = visits.campaign
    left join stays on messages.person_id = stays.person_id and messages.sent_on = stays.sent_on

)

select * from labelled
