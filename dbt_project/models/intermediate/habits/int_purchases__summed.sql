with identified as (

    select * from {{ ref('int_payments__identified') }}

),

consenting as (

    {{ people_who_agree_to('profiling') }}

),

payments as (

    select
        identified.person_id,
        identified.order_name,
        identified.euros,
        cast(floor({{ age_days('identified.occurred_at') }}) as int) as age_days
    from identified
    inner join consenting on identified.person_id = consenting.person_id

),

recent as (

    select
        *,
        age_days < {{ var('purchase_window_days') }} as is_recent
    from payments

),

summed as (

    select
        person_id,
        min(case when order_name is not null then age_days end) as recency_days,
        cast(count(distinct case when is_recent then order_name end) as int) as frequency,
        cast(coalesce(sum(case when is_recent then euros end), 0) as double) as monetary,
        cast(coalesce(sum(case when is_recent and order_name is not null then euros end), 0) as double) as bought
    from recent
    group by person_id

),

banded as (

    select
        person_id,
        recency_days,
        frequency,
        monetary,
        bought / nullif(frequency, 0) as basket,
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
            when recency_days is not null then 'sleeping'
            else 'none'
        end as rfm_band
    from summed

)

select * from banded
