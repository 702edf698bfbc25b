{%- set counted = ['item_acts', 'carts', 'weekend_acts'] -%}
{%- for device in devices() %}{% do counted.append(device ~ '_acts') %}{% endfor -%}
with recipients as (

    select * from {{ ref('int_recipients__known') }}

),

acts as (

    select * from {{ ref('int_acts__kept') }}
    where acts > 0

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

payments as (

    select * from {{ ref('int_payments__identified') }}

),

identifiers as (

    select * from persons
    where person_id in (select person_id from recipients)

),

-- Acts that can be used from the same week on, and happened before the same week, are one row.
acts_of_weeks as (

    select
        identifiers.person_id,
        {{ first_week_after('acts.usable_on') }} as usable_from,
        {{ first_week_after('acts.acted_on') }} as happened_before,
        min(acts.first_acted_on) as first_acted_on,
        max(acts.last_acted_on) as last_acted_on,
        sum(acts.acts) as acts
        {%- for name in counted %},
        sum(acts.{{ name }}) as {{ name }}
        {%- endfor %}
    from acts
    inner join identifiers on acts.identifier = identifiers.identifier
    group by identifiers.person_id, {{ first_week_after('acts.usable_on') }}, {{ first_week_after('acts.acted_on') }}

),

totals as (

    select
        recipients.person_id,
        recipients.sent_on,
        {{ days_between('max(acts.last_acted_on)', 'recipients.sent_on') }} - 1 as recency_days,
        {{ days_between('min(acts.first_acted_on)', 'recipients.sent_on') }} - 1 as tenure_days,
        sum(case when acts.happened_before = recipients.sent_on then acts.item_acts else 0 end) as acts_7_days,
        sum(
            case when acts.happened_before > {{ days_later('recipients.sent_on', -28) }} then acts.item_acts else 0 end
        ) as acts_28_days,
        sum(acts.carts) as carts,
        sum(acts.weekend_acts) / cast(sum(acts.acts) as double) as weekend_share
        {%- for device in devices() %},
        sum(acts.{{ device }}_acts) as {{ device }}_acts
        {%- endfor %}
    from recipients
    inner join acts_of_weeks as acts
        on recipients.person_id = acts.person_id
        and acts.usable_from <= recipients.sent_on
    group by recipients.person_id, recipients.sent_on

),

spent as (

    select
        recipients.person_id,
        recipients.sent_on,
        count(distinct payments.order_name) as purchases,
        cast(sum(payments.euros) as double) as monetary
    from recipients
    inner join payments
        on recipients.person_id = payments.person_id
        and payments.usable_on < recipients.sent_on
    group by recipients.person_id, recipients.sent_on

),

acted as (

    -- Whoever only returned something has no acts.
    select
        recipients.person_id,
        recipients.sent_on,
        totals.recency_days,
        totals.tenure_days,
        coalesce(totals.acts_7_days, 0) as acts_7_days,
        coalesce(totals.acts_28_days, 0) as acts_28_days,
        coalesce(totals.carts, 0) as carts,
        coalesce(spent.purchases, 0) as purchases,
        coalesce(spent.monetary, 0) as monetary,
        totals.weekend_share,
        {{ of_most_acts(devices()) }} as main_device
    from recipients
    left join totals on recipients.person_id = totals.person_id and recipients.sent_on = totals.sent_on
    left join spent on recipients.person_id = spent.person_id and recipients.sent_on = spent.sent_on
    where totals.person_id is not null or spent.person_id is not null

)

select * from acted
