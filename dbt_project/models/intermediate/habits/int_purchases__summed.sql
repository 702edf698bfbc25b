with events as (

    select * from {{ ref('int_events__profiled') }}

),

purchases as (

    select
        person_id,
        {{ exact('coalesce(value, 0)', places=2) }} as euros,
        cast(floor({{ age_days('occurred_at') }}) as int) as age_days
    from events
    where action = 'purchase'

),

summed as (

    select
        person_id,
        min(age_days) as recency_days,
        cast(count(case when age_days < {{ var('purchase_window_days') }} then 1 end) as int) as frequency,
        cast(
            coalesce(sum(case when age_days < {{ var('purchase_window_days') }} then euros end), 0) as double
        ) as monetary
    from purchases
    group by person_id

),

banded as (

    select
        person_id,
        recency_days,
        frequency,
        monetary,
        monetary / nullif(frequency, 0) as basket,
        case
            when
                recency_days <= {{ var('champion_recency_days') }}
                and frequency >= {{ var('champion_frequency') }}
                and monetary >= {{ var('champion_monetary_euros') }}
                then 'champion'
            when
                recency_days <= {{ var('active_recency_days') }}
                and frequency >= {{ var('loyal_frequency') }}
                then 'loyal'
            when recency_days <= {{ var('active_recency_days') }} then 'promising'
            else 'sleeping'
        end as rfm_band
    from summed

)

select * from banded
