with entrants as (

    select distinct
        person_id,
        sent_on
    from {{ ref('int_entrants__known') }}

),

acts as (

    select * from {{ ref('int_acts__kept') }}
    where acts > 0

),

payments as (

    select * from {{ ref('int_payments__identified') }}

),

sessions as (

    select * from {{ ref('int_persons__visited') }}
    where campaign is not null

),

persons as (

    select * from {{ ref('stg_lake__persons') }}

),

interests as (

    select * from {{ ref('int_interests__kept') }}
    where item_id is not null

),

items as (

    select * from {{ ref('int_items__described') }}
    where category <> 'unknown'

),

totals as (

    select
        entrants.person_id,
        entrants.sent_on,
        {{ days_between('max(acts.last_acted_on)', 'entrants.sent_on') }} - 1 as recency_days,
        {{ days_between('min(acts.first_acted_on)', 'entrants.sent_on') }} - 1 as tenure_days,
        sum(
            case when acts.acted_on >= {{ days_later('entrants.sent_on', -7) }} then acts.item_acts else 0 end
        ) as acts_7_days,
        sum(
            case when acts.acted_on >= {{ days_later('entrants.sent_on', -28) }} then acts.item_acts else 0 end
        ) as acts_28_days,
        sum(acts.carts) as carts,
        sum(acts.weekend_acts) / cast(sum(acts.acts) as double) as weekend_share
        {%- for device in devices() %},
        sum(acts.{{ device }}_acts) as {{ device }}_acts
        {%- endfor %}
    from entrants
    inner join persons on entrants.person_id = persons.person_id
    inner join acts on persons.identifier = acts.identifier and acts.usable_on < entrants.sent_on
    group by entrants.person_id, entrants.sent_on

),

spent as (

    select
        entrants.person_id,
        entrants.sent_on,
        count(distinct payments.order_name) as purchases,
        cast(sum(payments.euros) as double) as monetary
    from entrants
    inner join payments on entrants.person_id = payments.person_id and payments.usable_on < entrants.sent_on
    group by entrants.person_id, entrants.sent_on

),

came as (

    select
        entrants.person_id,
        entrants.sent_on,
        count(distinct sessions.identifier || ' ' || sessions.session_id) as campaign_visits
    from entrants
    inner join sessions on entrants.person_id = sessions.person_id and sessions.usable_on < entrants.sent_on
    group by entrants.person_id, entrants.sent_on

),

answered as (

    {{ latest_answers('entrants') }}

),

weights as (

    select
        entrants.person_id,
        entrants.sent_on,
        items.category,
        sum(interests.weight) as weight
    from entrants
    inner join persons on entrants.person_id = persons.person_id
    inner join interests on persons.identifier = interests.identifier and interests.usable_on < entrants.sent_on
    inner join items on interests.item_id = items.item_id
    group by entrants.person_id, entrants.sent_on, items.category

),

weights_in_order as (

    select
        *,
        row_number() over (partition by person_id, sent_on order by weight desc, category) as position
    from weights

),

described as (

    select
        entrants.person_id,
        entrants.sent_on,

        -- who they are
        coalesce(answered.age_band, 'unknown') as age_band,
        coalesce(answered.gender, 'unknown') as gender,
        coalesce(answered.region, 'unknown') as region,

        -- what they did before
        coalesce({{ of_most_acts(devices()) }}, 'unknown') as main_device,
        coalesce(weights_in_order.category, 'unknown') as favourite_category,
        totals.recency_days,
        totals.tenure_days,
        cast(coalesce(totals.acts_7_days, 0) as int) as acts_7_days,
        cast(coalesce(totals.acts_28_days, 0) as int) as acts_28_days,
        cast(coalesce(totals.carts, 0) as int) as carts,
        cast(coalesce(spent.purchases, 0) as int) as purchases,
        coalesce(spent.monetary, 0) as monetary,
        totals.weekend_share,
        cast(coalesce(came.campaign_visits, 0) as int) as campaign_visits
    from entrants
    left join answered on entrants.person_id = answered.person_id and entrants.sent_on = answered.sent_on
    left join totals on entrants.person_id = totals.person_id and entrants.sent_on = totals.sent_on
    left join spent on entrants.person_id = spent.person_id and entrants.sent_on = spent.sent_on
    left join came on entrants.person_id = came.person_id and entrants.sent_on = came.sent_on
    left join weights_in_order
        on entrants.person_id = weights_in_order.person_id
        and entrants.sent_on = weights_in_order.sent_on
        and weights_in_order.position = 1

)

select * from described
