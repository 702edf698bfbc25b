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

-- What was known of a recipient before a week, whatever the campaign.
described as (

    select
        recipients.person_id,
        recipients.sent_on,
        weeks.is_over,
        weeks.is_churn_known,

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

        -- whether they stayed
        case when weeks.is_churn_known then stays.person_id is null end as churned
    from recipients
    inner join weeks on recipients.sent_on = weeks.sent_on
    left join answers on recipients.person_id = answers.person_id and recipients.sent_on = answers.sent_on
    left join acts on recipients.person_id = acts.person_id and recipients.sent_on = acts.sent_on
    left join preferences on recipients.person_id = preferences.person_id and recipients.sent_on = preferences.sent_on
    left join visits_of_all_campaigns
        on recipients.person_id = visits_of_all_campaigns.person_id
        and recipients.sent_on = visits_of_all_campaigns.sent_on
    left join stays on recipients.person_id = stays.person_id and recipients.sent_on = stays.sent_on

),

-- A week of a campaign that a send log speaks of has the people whom a message reached; any other all whom one could have.
messages as (

    select
        described.*,
        reached.campaign,
        'sent' as treatment,
        reached.clicked,
        reached.purchases as purchases_after,
        reached.order_value
    from described
    inner join reached on described.person_id = reached.person_id and described.sent_on = reached.sent_on
    union all
    select
        described.*,
        campaigns.campaign,
        'assumed' as treatment,
        responses.campaign is not null as clicked,
        coalesce(responses.purchases, 0) as purchases_after,
        coalesce(responses.order_value, 0) as order_value
    from described
    inner join campaigns on described.sent_on = campaigns.sent_on
    left join logged on campaigns.sent_on = logged.sent_on and campaigns.campaign = logged.campaign
    left join responses
        on described.person_id = responses.person_id
        and described.sent_on = responses.sent_on
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
        messages.is_over,

        -- who they are
        messages.age_band,
        messages.gender,
        messages.region,

        -- what they did before
        messages.main_device,
        messages.favourite_category,
        messages.recency_days,
        messages.tenure_days,
        messages.acts_7_days,
        messages.acts_28_days,
        messages.carts,
        messages.purchases,
        messages.monetary,
        messages.weekend_share,
        messages.campaign_visits,
        cast(coalesce(visits.visits, 0) as int) as same_campaign_visits,

        -- how they responded
        case when messages.is_over then messages.clicked end as clicked,
        case when messages.is_over then messages.purchases_after > 0 end as purchased,
        messages.churned,
        case when messages.is_over then messages.order_value end as order_value
    from messages
    left join visits
        on messages.person_id = visits.person_id
        and messages.sent_on = visits.sent_on
        and messages.campaign = visits.campaign

)

select * from labelled
