with acts as (

    select * from {{ ref('int_persons__acted') }}
    where acts > 0

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

totals as (

    select acts.*
    from acts
    inner join consenting on acts.person_id = consenting.person_id

),

counted as (

    select
        person_id,
        acts,
        weekend_acts / cast(acts as double) as weekend_share,
        cast(posts as int) as posts,
        {{ of_most_acts(dayparts()) }} as active_daypart,
        {{ of_most_acts(devices()) }} as main_device
    from totals

)

select * from counted
