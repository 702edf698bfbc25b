{#- A point in time as a plain UTC timestamp; the session's time zone is UTC on every engine. -#}
{% macro utc(column) -%}
    cast({{ column }} as timestamp)
{%- endmacro %}

{#- Days, with fractions, from a point in time to the end of the run's day; 0 for a clock that runs ahead. -#}
{% macro age_days(column) -%}
    {{ return(adapter.dispatch('age_days')(column)) }}
{%- endmacro %}

{% macro duckdb__age_days(column) -%}
    greatest(0.0, (epoch({{ end_of_run_day() }}) - epoch({{ column }})) / 86400.0)
{%- endmacro %}

{% macro spark__age_days(column) -%}
    greatest(0.0, (unix_micros({{ end_of_run_day() }}) - unix_micros({{ column }})) / 86400e6)
{%- endmacro %}

{#- 1 for Monday to 7 for Sunday. -#}
{% macro iso_weekday(column) -%}
    {{ return(adapter.dispatch('iso_weekday')(column)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(column) -%}
    isodow({{ column }})
{%- endmacro %}

{% macro spark__iso_weekday(column) -%}
    weekday({{ column }}) + 1
{%- endmacro %}

{#- Seconds, with fractions, from the beginning of 1970 to a point in time. -#}
{% macro seconds_since_1970(column) -%}
    {{ return(adapter.dispatch('seconds_since_1970')(column)) }}
{%- endmacro %}

{% macro duckdb__seconds_since_1970(column) -%}
    epoch({{ column }})
{%- endmacro %}

{% macro spark__seconds_since_1970(column) -%}
    (unix_micros({{ column }}) / 1e6)
{%- endmacro %}

{#- Microseconds from the beginning of 1970 to a point in time, as a bigint. -#}
{% macro micros_since_1970(column) -%}
    {{ return(adapter.dispatch('micros_since_1970')(column)) }}
{%- endmacro %}

{% macro duckdb__micros_since_1970(column) -%}
    epoch_us({{ column }})
{%- endmacro %}

{% macro spark__micros_since_1970(column) -%}
    unix_micros({{ column }})
{%- endmacro %}
