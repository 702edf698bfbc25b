with rates as (

    select * from {{ ref('stg_lake__exchange_rates') }}

),

events as (

    select * from {{ ref('int_events__received') }}

),

numbered as (

    select
        *,
        row_number() over (partition by currency, rated_on order by arrived_on desc, source) as age
    from rates

),

-- The latest delivery of a day's rate holds.
periods as (

    select
        currency,
        rate,
        rated_on,
        lead(rated_on) over (partition by currency order by rated_on) as next_rated_on
    from numbered
    where age = 1

),

days_of_payments as (

    select distinct
        currency,
        cast(occurred_at as date) as paid_on
    from events
    where currency <> '{{ var("house_currency") }}' and action in ('purchase', 'return')

),

dated as (

    select
        days_of_payments.currency,
        days_of_payments.paid_on,
        periods.rate
    from days_of_payments
    inner join periods
        on days_of_payments.currency = periods.currency
        and days_of_payments.paid_on >= periods.rated_on
        and (days_of_payments.paid_on < periods.next_rated_on or periods.next_rated_on is null)

)

select * from dated
