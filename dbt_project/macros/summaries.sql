{#-
    The summaries of earlier nights, by which a night goes on (`contracts/tables/summaries.py`).

    `kept_until` is the last day whose summaries were made from what the lake still holds, '' where there is none. On a
    night that folds days together, those up to `fold_until` become one. `to_date_until` is the last day of the newest
    sums of all days (`*_to_date`), '' where there are none.
-#}

{#- Whether a day of arrival has kept summaries, and is not read again. -#}
{% macro is_kept(day) -%}
    {{ day ~ " <= cast('" ~ var('kept_until') ~ "' as date)" if var('kept_until') else 'false' }}
{%- endmacro %}

{#- Whether the sums of all days that a night goes on from hold a day; where none are kept they hold no day. -#}
{% macro is_to_date(day) -%}
    {{ day ~ " <= cast('" ~ var('to_date_until') ~ "' as date)" if var('to_date_until') else 'false' }}
{%- endmacro %}

{#- The day into whose summary all days up to it are folded. -#}
{% macro fold_day() -%}
    cast('{{ var("fold_until") }}' as date)
{%- endmacro %}

{#- A day, or the day into which it is folded. -#}
{% macro folded_day(day) -%}
    {{ 'greatest(' ~ day ~ ', ' ~ fold_day() ~ ')' if var('fold_until') else day }}
{%- endmacro %}

{#- Whether a day is folded with others. -#}
{% macro is_folded(day) -%}
    {{ day ~ ' <= ' ~ fold_day() if var('fold_until') else 'false' }}
{%- endmacro %}

{#-
    Whether a kept event (`stg_summaries__events`) is settled: a summary of an earlier night counts it, and no rate of another
    currency, and no moment that has yet to come, will change what it is worth.
-#}
{% macro is_settled() -%}
    (
        {{ is_kept('greatest(known_on, cast(occurred_at as date))') }}
        and not (coalesce(currency <> '{{ var("house_currency") }}', false) and action in ('purchase', 'return'))
        and (value is null or value <= {{ var('most_euros') }})
    )
{%- endmacro %}

{#- The columns of acts that are counted by identifier and day -> SQL that is true for an act that counts. -#}
{% macro act_counts() -%}
    {%- set counts = {
        'item_acts': "item_id is not null and action in " ~ item_actions(),
        'carts': "action = 'cart'",
        'posts': "action in ('post', 'boost')",
        'weekend_acts': iso_weekday('occurred_at') ~ ' >= 6',
    } -%}
    {%- for daypart in dayparts() -%}
        {%- do counts.update({daypart ~ '_acts': 'floor(extract(hour from occurred_at) / 6) = ' ~ loop.index0}) -%}
    {%- endfor -%}
    {%- for device in devices() -%}
        {%- do counts.update({device ~ '_acts': "device = '" ~ device ~ "'"}) -%}
    {%- endfor -%}
    {{ return(counts) }}
{%- endmacro %}

{#- The quarters of the day, from midnight on. -#}
{% macro dayparts() -%}
    {{ return(['night', 'morning', 'afternoon', 'evening']) }}
{%- endmacro %}

{#- What an act can be done on, by name. -#}
{% macro devices() -%}
    {{ return(['desktop', 'mobile', 'other', 'tablet']) }}
{%- endmacro %}

{#- The first name, in the order of the list, of those whose column `<name>_acts` is largest; null where all are 0. -#}
{% macro of_most_acts(names) -%}
    {%- set largest = 'greatest(' ~ names | join('_acts, ') ~ '_acts)' -%}
    case
        when {{ largest }} = 0 then null
        {%- for name in names %}
        when {{ name }}_acts = {{ largest }} then '{{ name }}'
        {%- endfor %}
    end
{%- endmacro %}

{#-
    The period by which decayed weights are summed: a whole number of half-lives since 1970, so long that almost all acts
    of a person on an item lie in one or two, and so short that a weight can grow through all of it.
-#}
{% macro decay_period(column) -%}
    cast(floor({{ seconds_since_1970(column) }} / {{ decay_period_seconds() }}) as int)
{%- endmacro %}

{% macro decay_period_seconds() -%}
    {{ 24 * 86400 * var('interest_half_life_days') }}e0
{%- endmacro %}

{#- The half-lives from the beginning of a period to a moment. -#}
{% macro half_lives_into(period, column) -%}
    ({{ seconds_since_1970(column) }} - {{ period }} * {{ decay_period_seconds() }}) / {{ 86400 * var('interest_half_life_days') }}e0
{%- endmacro %}

{#-
    A model of all days: what tonight adds, the days kept since the sums of all days, and these sums. What is folded
    tonight stands in the sums. `is_kept` tells tonight's late and last rows from the rest.

    tonight, kept, to_date: names of models with these columns; of the first also `summary_on`, of the second `kept_on`.
-#}
{% macro all_days(columns, tonight, kept, to_date) -%}
with tonight as (

    select * from {{ ref(tonight) }}
    where summary_on is null or not ({{ is_to_date('summary_on') }})

),

kept as (

    select * from {{ ref(kept) }}
    where not ({{ is_folded('kept_on') }}) and not ({{ is_to_date('kept_on') }})

),

until_then as (

    select * from {{ ref(to_date) }}

),

all_days as (

    select
        {{ columns | join(',\n        ') }},
        summary_on is not null as is_kept
    from tonight
    union all
    select
        {{ columns | join(',\n        ') }},
        true as is_kept
    from kept
    union all
    select
        {{ columns | join(',\n        ') }},
        true as is_kept
    from until_then

)

select * from all_days
{%- endmacro %}
