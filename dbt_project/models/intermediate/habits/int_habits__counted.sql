with events as (

    select * from {{ ref('int_events__profiled') }}

),

acts as (

    select
        person_id,
        action,
        device,
        cast(floor(extract(hour from occurred_at) / 6) as int) as quarter_of_day,
        case when {{ iso_weekday('occurred_at') }} >= 6 then 1 else 0 end as is_weekend
    from events

),

quarters as (

    select
        person_id,
        quarter_of_day,
        row_number() over (partition by person_id order by count(*) desc, quarter_of_day) as position
    from acts
    group by person_id, quarter_of_day

),

devices as (

    select
        person_id,
        device,
        row_number() over (partition by person_id order by count(*) desc, device) as position
    from acts
    where device is not null
    group by person_id, device

),

totals as (

    select
        person_id,
        count(*) as acts,
        sum(is_weekend) / cast(count(*) as double) as weekend_share,
        cast(count(case when action in ('post', 'boost') then 1 end) as int) as posts
    from acts
    group by person_id

),

counted as (

    select
        totals.person_id,
        totals.acts,
        totals.weekend_share,
        totals.posts,
        case quarters.quarter_of_day
            when 0 then 'night'
            when 1 then 'morning'
            when 2 then 'afternoon'
            when 3 then 'evening'
        end as active_daypart,
        devices.device as main_device
    from totals
    inner join quarters on totals.person_id = quarters.person_id and quarters.position = 1
    left join devices on totals.person_id = devices.person_id and devices.position = 1

)

select * from counted
