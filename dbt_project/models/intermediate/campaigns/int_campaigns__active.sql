with weeks as (

    select * from {{ ref('int_weeks__sent') }}

),

visits as (

    select * from {{ ref('int_visits__converted') }}

),

-- A past week has the campaigns that brought a person in it; the coming week those that did so recently.
active as (

    select
        weeks.sent_on,
        visits.campaign,
        count(distinct visits.person_id) as people
    from weeks
    inner join visits
        on (weeks.is_over and visits.visited_on between weeks.sent_on and weeks.last_day)
        or (
            not weeks.is_over
            and visits.visited_on >= {{ days_later('weeks.sent_on', -var('active_campaign_days')) }}
            and visits.visited_on < weeks.sent_on
        )
    group by weeks.sent_on, visits.campaign

),

-- A campaign is free text in an address, and each one costs a row per recipient: only so many count, those that
-- brought most people.
ranked as (

    select
        sent_on,
        campaign,
        row_number() over (partition by sent_on order by people desc, campaign) as position
    from active

),

largest as (

    select
        sent_on,
        campaign
    from ranked
    where position <= {{ var('most_campaigns') }}

)

select * from largest
