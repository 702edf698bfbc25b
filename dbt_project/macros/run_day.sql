{#- The day that the run is for: nothing that arrived later is seen. -#}
{% macro run_day() -%}
    cast('{{ var("ds") }}' as date)
{%- endmacro %}

{#- Midnight at the end of that day, UTC: the moment as of which ages are counted. -#}
{% macro end_of_run_day() -%}
    {%- set day = modules.datetime.date.fromisoformat(var('ds')) + modules.datetime.timedelta(days=1) -%}
    cast('{{ day }} 00:00:00' as timestamp)
{%- endmacro %}
