with sessions as (

    select
        person_id,
        started_at,
        ended_at,
        campaign,
        campaign_at,
        campaign_event_id,
        purchases,
        euros
    from {{ ref('int_persons__visited') }}
    -- Only the visits of the weeks that campaigns are judged by; one that began before them is none of these, and is known
    -- by what of it ended less than a silence before.
    where ended_at >= cast({{ days_later(run_day(), '1 - ' ~ [7 * var('response_weeks'), var('active_campaign_days')] | max) }} as timestamp)
        - interval '{{ var('session_silence_minutes') }}' minute

),

-- What starts at the same moment is one visit, whatever comes first: nothing else breaks the tie.
in_order as (

    select
        *,
        max(ended_at) over (
            partition by person_id
            order by started_at
            rows between unbounded preceding and 1 preceding
        ) as acted_until
    from sessions

),

numbered as (

    select
        *,
        sum(case when acted_until + interval '{{ var('session_silence_minutes') }}' minute > started_at then 0 else 1 end) over (
            partition by person_id
            order by started_at
            range between unbounded preceding and current row
        ) as visit
    from in_order

),

converted as (

    select
        person_id,
        visit,
        min(
            case when campaign is not null then {{ struct_of(['campaign_at', 'campaign_event_id', 'campaign']) }} end
        ) as first_campaign,
        cast(min(started_at) as date) as visited_on,
        cast(sum(purchases) as bigint) as purchases,
        cast(sum(euros) as double) as euros
    from numbered
    group by person_id, visit

),

from_campaigns as (

    select
        person_id,
        visit,
        first_campaign.campaign,
        visited_on,
        purchases,
        euros
    from converted
    where first_campaign is not null

)

select * from from_campaigns
where visited_on >= {{ days_later(run_day(), '1 - ' ~ [7 * var('response_weeks'), var('active_campaign_days')] | max) }}
