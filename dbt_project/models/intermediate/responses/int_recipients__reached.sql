with sends as (

    select * from {{ ref('fct_sends') }}

),

names as (

    select * from {{ ref('int_campaigns__named') }}

),

weeks as (

    select * from {{ ref('int_weeks__sent') }}
    where is_over

),

visits as (

    select * from {{ ref('int_visits__converted') }}

),

-- A message is judged once its own week is over, and not before.
messages as (

    select
        sends.message_id,
        sends.person_id,
        coalesce(names.visits_campaign, sends.campaign) as campaign,
        cast(sends.delivered_at as date) as delivered_on,
        {{ days_later('cast(sends.delivered_at as date)', 6) }} as last_day,
        cast(sends.clicked_at as date) as clicked_on
    from sends
    left join names on sends.campaign = names.campaign
    where sends.delivered_at is not null and {{ days_later('cast(sends.delivered_at as date)', 6) }} <= {{ run_day() }}

),

-- A visit follows from the last message of its campaign before it.
followed as (

    select
        messages.message_id,
        visits.purchases,
        visits.euros,
        row_number() over (
            partition by visits.person_id, visits.visit
            order by messages.delivered_on desc, messages.message_id
        ) as position
    from messages
    inner join visits
        on messages.person_id = visits.person_id
        and messages.campaign = visits.campaign
        and visits.visited_on between messages.delivered_on and messages.last_day

),

followed_once as (

    select
        message_id,
        sum(purchases) as purchases,
        sum({{ exact('euros', places=2) }}) as euros
    from followed
    where position = 1
    group by message_id

),

reached as (

    select
        messages.person_id,
        messages.campaign,
        weeks.sent_on,
        max(
            case when followed_once.message_id is not null or messages.clicked_on <= messages.last_day then 1 else 0 end
        ) = 1 as clicked,
        coalesce(sum(followed_once.purchases), 0) as purchases,
        cast(coalesce(sum(followed_once.euros), 0) as double) as order_value
    from messages
    inner join weeks on messages.delivered_on between weeks.sent_on and weeks.last_day
    left join followed_once on messages.message_id = followed_once.message_id
    group by messages.person_id, messages.campaign, weeks.sent_on

)

select * from reached
