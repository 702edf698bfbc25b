{#- Where a file of a delivery lies below the folder of raw deliveries. -#}
{% macro delivered_file(source, arrived_on, file) -%}
    {{ source }} || '/ds=' || cast({{ arrived_on }} as {{ dbt.type_string() }}) || '/' || {{ file }}
{%- endmacro %}

{#- Whether a name that a delivery states is a file of that delivery: not an address, and no way out of its folder. -#}
{% macro is_delivered_file(file) -%}
    {{ file }} <> '' and {{ file }} not like '/%' and {{ file }} not like '%:%' and {{ file }} not like '%..%'
{%- endmacro %}
