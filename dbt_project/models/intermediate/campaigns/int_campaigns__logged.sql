with messages as (

    select * from {{ ref('int_messages__summed') }}

),

names as (

    select * from {{ ref('int_campaigns__named') }}

),

weeks as (

    select * from {{ ref('int_weeks__sent') }}
    where is_over

),

logged as (

    select distinct
        coalesce(names.visits_campaign, messages.campaign) as campaign,
        weeks.sent_on
    from messages
    left join names on messages.campaign = names.campaign
    inner join weeks on cast(messages.sent_at as date) between weeks.sent_on and weeks.last_day

)

select * from logged
