{#- The day so many days after another; before it for a negative number. -#}
{% macro days_later(day, days) -%}
    {{ return(adapter.dispatch('days_later')(day, days)) }}
{%- endmacro %}

{% macro duckdb__days_later(day, days) -%}
    ({{ day }} + ({{ days }}))
{%- endmacro %}

{% macro spark__days_later(day, days) -%}
    date_add({{ day }}, {{ days }})
{%- endmacro %}

{#- Whole days from one day to another, as an int. -#}
{% macro days_between(first, second) -%}
    {{ return(adapter.dispatch('days_between')(first, second)) }}
{%- endmacro %}

{% macro duckdb__days_between(first, second) -%}
    cast({{ second }} - {{ first }} as int)
{%- endmacro %}

{% macro spark__days_between(first, second) -%}
    datediff({{ second }}, {{ first }})
{%- endmacro %}

{#- The first day of a week of campaigns: 0 is the week that begins tomorrow, 1 the one that ended with the run's day. -#}
{% macro week_sent(age) -%}
    {{ days_later(run_day(), 1 - 7 * age) }}
{%- endmacro %}

{#-
    The first day of a week of campaigns that comes after a day. Weeks are counted back from the day after the run
    (`int_weeks__sent`), so that `sent_on >= first_week_after(day)` is `day < sent_on`.
-#}
{% macro first_week_after(day) -%}
    {{ days_later(run_day(), '1 - 7 * cast(floor(' ~ days_between(day, run_day()) ~ ' / 7e0) as int)') }}
{%- endmacro %}
