{#- The order of a purchase: what its source calls it, or its day where the source knows no orders. -#}
{% macro order_of() -%}
    coalesce(source || ' ' || order_id, cast(cast(occurred_at as date) as {{ dbt.type_string() }}))
{%- endmacro %}
