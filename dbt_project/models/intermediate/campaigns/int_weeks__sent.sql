with weeks as (

    -- 0 is the week that begins tomorrow, 1 the one that ended with the run's day, and so on back.
    {%- for age in range(var('response_weeks') + 1) %}
    select {{ age }} as age_weeks, {{ week_sent(age) }} as sent_on
    {{- ' union all' if not loop.last }}
    {%- endfor %}

),

dated as (

    select
        sent_on,
        {{ days_later('sent_on', 6) }} as last_day,
        age_weeks >= 1 as is_over,
        {{ days_later('sent_on', var('churn_days') - 1) }} <= {{ run_day() }} as is_churn_known
    from weeks

)

select * from dated
